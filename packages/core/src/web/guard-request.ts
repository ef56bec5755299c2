/** The server's side: no handler runs for a request whose caller has not proved a right to it (docs/spec/09 §3). @module */
import { decodeBase64url } from '../bytes/base64url.ts';
import { deny, type Denial, type DenialClass } from '../capability/denial.ts';
import type { PresentedCall } from '../capability/presented-call.ts';
import type { VerifiedCall } from '../client/client-proofs.ts';
import { UsageError } from '../errors/usage-error.ts';
import { refusalOf } from '../guard/refusal.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { capabilityHeader, invocationHeader, maxRequestBodyBytes, requestAudience, requestCall } from './request-call.ts';

/** A `TalosClient`, or whatever else verifies calls for its agent. */
export type RequestVerifier = { readonly did: AgentId; verifyCall(presented: PresentedCall): Promise<VerifiedCall> };

export type GuardRequestOptions = {
  /** The server's agent. Capabilities are granted for it: `at: client.did`, for the tool `http`. */
  readonly client: RequestVerifier;
  /** Where callers reach this server, such as `https://api.example.com`. Default: the origin of the request, which is not theirs behind a proxy. */
  readonly origin?: string;
  /** Bytes of the longest body. 1 MiB if not said. */
  readonly maxBodyBytes?: number;
};

/** Who made a request, proved. */
export type RequestCaller = {
  readonly did: AgentId;
  /** The caller's id of the call. */
  readonly call: string;
  /** Aborts when the request does, and when the capability is revoked while it is handled. */
  readonly signal: AbortSignal;
};

export type RequestHandler = (request: Request, caller: RequestCaller) => Response | Promise<Response>;

export type RequestGuard = (
  request: Request,
  handler: RequestHandler,
  more?: {
    /** The sender's address, or whatever else names it: bounds what forgeries cost. */
    readonly peer?: string;
  },
) => Promise<Response>;

/** Where nothing says who calls: the caller may come again with a better proof. */
const unauthenticated: ReadonlySet<DenialClass> = /* @__PURE__ */ new Set([
  'NO_CAPABILITY',
  'SIGNATURE_INVALID',
  'EXPIRED',
  'REVOKED',
  'DELEGATION_INVALID',
  'REPLAY',
]);

/**
 * Runs a handler behind a capability: checks the headers, lets the guard decide and record the call, and answers what is refused itself, with 401
 * (no proof of who calls), 403 (not allowed), 413, 429 or 503 and the refusal as JSON. Before the proof is good nothing is recorded.
 */
export function guardRequest({ client, origin, maxBodyBytes = maxRequestBodyBytes }: GuardRequestOptions): RequestGuard {
  const ownOrigin = origin === undefined ? undefined : originOf(origin);
  return async (request, handler, { peer } = {}) => {
    const presented = readHeaders(request.headers);
    // Before the body is read: strangers send it for nothing.
    if (presented === undefined) return refuse(deny('POP_BAD', { constraint: 'header' }));
    if (presented.capability === undefined) return refuse(deny('CAP_ABSENT'));
    if (presented.proof === undefined) return refuse(deny('POP_ABSENT'));
    const call = await requestCall(request, maxBodyBytes);
    if (call === undefined) return refuse(deny('ARG_VIOLATES', { arg: 'body' }), 413);
    const audience = requestAudience(client.did, ownOrigin ?? new URL(request.url).origin);
    const verified = await client.verifyCall({ ...presented, call, audience, peer });
    if (verified.denied !== undefined) return refuse(verified.denied);
    const { guard, caller, call: callId } = verified;
    let response: Response | undefined;
    const result = await guard.run({ ...call, callId, agentName: caller, framework: 'http', signal: request.signal }, async (_input, _grant, signal) => {
      response = await handler(request, { did: caller, call: callId, signal });
      return { status: response.status };
    });
    if (result.status === 'denied') return refuse(result.denial);
    if (result.status === 'error') throw result.error;
    return response as Response;
  };
}

/** undefined if a header is not one value of its form: two of a kind arrive as a list, and nobody knows which one was meant. */
function readHeaders(headers: Headers): Pick<PresentedCall, 'capability' | 'proof'> | undefined {
  const capability = headers.get(capabilityHeader) ?? undefined;
  const invocation = headers.get(invocationHeader) ?? undefined;
  if (capability !== undefined && !/^[\w.~-]+$/.test(capability)) return undefined;
  if (invocation === undefined) return { capability, proof: undefined };
  const [, token, salt] = /^([\w-]+\.[\w-]+\.[\w-]+)~([\w-]{43})$/.exec(invocation) ?? [];
  if (token === undefined || salt === undefined) return undefined;
  try {
    return { capability, proof: { token, salt: decodeBase64url(salt) } };
  } catch {
    return undefined;
  }
}

function refuse(denial: Denial, status = statusOf(denial)): Response {
  const { missing: _, ...refusal } = refusalOf(denial);
  const headers = {
    ...(status === 401 ? { 'www-authenticate': 'Talos' } : {}),
    ...(refusal.retryAfter === undefined ? {} : { 'retry-after': String(refusal.retryAfter) }),
  };
  return Response.json(refusal, { status, headers });
}

function statusOf({ code, class: kind }: Denial): number {
  if (code === 'RATE' || code === 'CONCURRENCY') return 429;
  if (code === 'LOG_UNAVAILABLE') return 503;
  return unauthenticated.has(kind) ? 401 : 403;
}

function originOf(text: string): string {
  try {
    const url = new URL(text);
    if (url.origin !== 'null') return url.origin;
  } catch {
    // As below.
  }
  throw new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: 'origin is where callers reach this server, such as https://api.example.com' });
}
