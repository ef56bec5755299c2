/** The server's side: who calls, identity into the request context, and no way around the guard by HTTP. @module */
import { UsageError } from '@talosprotocol/core/errors';
import type { Refusal } from '@talosprotocol/core/guard';
import { guardRequest, type RequestGuard, type RequestVerifier } from '@talosprotocol/core/web';
import { isDirectlyReachable } from './direct-tools.ts';
import { directRoute } from './direct-route.ts';
import { carry, carryCaller, isRequestContext, type RequestContextLike } from './request-context.ts';

/** As much of Hono's context as is read here. */
export type HonoContext = {
  readonly req: { readonly path: string; readonly raw: Request };
  readonly res: Response;
  readonly get: (key: never) => unknown;
};
export type HonoMiddleware = (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined>;

export type MiddlewareOptions = {
  /** Only requests that `signRequest` of `@talosprotocol/core/web` signed are let through, each under the capability that it brings. */
  readonly signed?: {
    /** Where callers reach this server, such as `https://api.example.com`. Default: the origin of the request, which is not theirs behind a proxy. */
    readonly origin?: string;
  };
};

type Front = { readonly guard: object; readonly client: object };

/**
 * Not recorded in the log: this runs before Mastra has authenticated anyone, and strangers must not be able to grow a log that is never cut.
 * The answer is the same for a tool that is not there, so it says nothing about which tools exist.
 */
const refusal: Refusal = { denied: true, code: 'TOOL_UNGRANTED', message: 'This tool cannot be called directly.', retryable: false };

export function createMiddleware({ guard, client }: Front, { signed }: MiddlewareOptions): HonoMiddleware {
  const verify = signed === undefined ? undefined : guardRequest({ client: verifierOf(client), ...signed });
  return async (context, next) => {
    const requestContext = context.get('requestContext' as never);
    if (!isRequestContext(requestContext)) {
      throw new UsageError({
        code: 'TALOS_USAGE_OPTIONS',
        message: 'No request context here: pass guard.middleware() to new Mastra({ server: { middleware: [...] } }).',
      });
    }
    carry(requestContext, { guard, runId: crypto.randomUUID() });
    const route = directRoute(context.req.path);
    if (route !== undefined) {
      const server = { mastra: context.get('mastra' as never), registeredTools: context.get('registeredTools' as never), requestContext };
      if (!(await isDirectlyReachable(route, server))) return Response.json(refusal, { status: 403 });
    }
    if (verify !== undefined) return runVerified(verify, { context, next, requestContext });
    await next();
    return undefined;
  };
}

type Handling = { readonly context: HonoContext; readonly next: () => Promise<void>; readonly requestContext: RequestContextLike };

function runVerified(verify: RequestGuard, { context, next, requestContext }: Handling): Promise<Response> {
  return verify(context.req.raw, async (_request, caller) => {
    carryCaller(requestContext, caller.did);
    await next();
    return context.res;
  });
}

function verifierOf(client: object): RequestVerifier {
  const { did, verifyCall } = client as Partial<RequestVerifier>;
  if (did !== undefined && typeof verifyCall === 'function') return client as RequestVerifier;
  throw new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: 'Signed requests are verified by a TalosClient: pass one as `client` to talosGuard().' });
}
