/** The caller's side of a request under a capability (docs/spec/09 §2). @module */
import { encodeBase64url } from '../bytes/base64url.ts';
import type { ProveOptions } from '../client/client-proofs.ts';
import type { CapabilityCall } from '../capability/authorize.ts';
import type { Invocation } from '../capability/invocation.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { capabilityHeader, invocationHeader, maxRequestBodyBytes, requestAudience, requestCall } from './request-call.ts';

/** A `TalosClient`, or whatever else signs calls as the holder. */
export type RequestSigner = { proveCall(call: CapabilityCall, options: ProveOptions): Promise<Invocation> };

export type SignRequestOptions = {
  readonly client: RequestSigner;
  /** A capability of this agent's that counts at the server (`at`), for the tool `http`. */
  readonly capability: string;
  /** The server's agent. */
  readonly at: AgentId;
  /** Your id of the call, for both logs: 1 to 512 characters. Default: a random one. */
  readonly call?: string;
};

/**
 * The same request with the capability and a signature over its method, path, query, body and origin. It counts once, within a minute.
 * It follows no redirect: what is signed is this address.
 * @param request - Its body, at most 1 MiB, is read from a copy.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` if the body is longer or was read already.
 */
export async function signRequest(request: Request, { client, capability, at, call }: SignRequestOptions): Promise<Request> {
  const signed = await requestCall(request, maxRequestBodyBytes);
  if (signed === undefined) {
    const message = `cannot sign this request: its body was read already, or has more than ${maxRequestBodyBytes} bytes`;
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message });
  }
  const audience = requestAudience(at, new URL(request.url).origin);
  const { token, salt } = await client.proveCall(signed, { capability, audience, ...(call === undefined ? {} : { call }) });
  const headers = new Headers(request.headers);
  headers.set(capabilityHeader, capability);
  headers.set(invocationHeader, `${token}~${encodeBase64url(salt)}`);
  return new Request(request, { headers, redirect: 'error' });
}
