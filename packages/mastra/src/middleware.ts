/** The server's side: identity into the request context, and no way around the guard by HTTP. @module */
import { UsageError } from '@talosprotocol/core/errors';
import type { Refusal } from '@talosprotocol/core/guard';
import { isDirectlyReachable } from './direct-tools.ts';
import { directRoute } from './direct-route.ts';
import { carry, isRequestContext } from './request-context.ts';

/** As much of Hono's context as is read here. */
export type HonoContext = { readonly req: { readonly path: string }; readonly get: (key: never) => unknown };
export type HonoMiddleware = (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined>;

/**
 * Not recorded in the log: this runs before Mastra has authenticated anyone, and strangers must not be able to grow a log that is never cut.
 * The answer is the same for a tool that is not there, so it says nothing about which tools exist.
 */
const refusal: Refusal = { denied: true, code: 'TOOL_UNGRANTED', message: 'This tool cannot be called directly.', retryable: false };

export function createMiddleware(guard: object): HonoMiddleware {
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
    await next();
    return undefined;
  };
}
