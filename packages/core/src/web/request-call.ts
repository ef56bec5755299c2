/** An HTTP request as a call that a capability can grant and a holder can sign (docs/spec/09 §2). @module */
import { hashBase64url } from '#suite';
import { concatBytes } from '../bytes/concat.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import type { CapabilityCall } from '../capability/authorize.ts';
import type { AgentId } from '../identity/agent-id.ts';

/** The tool that a capability grants for requests: `{ http: { method: eq('GET'), path: prefix('/orders/') } }`. */
export const requestTool = 'http';

/** Bytes of a body that is signed: all of it is held in memory, and a caller is not yet known while it is read. */
export const maxRequestBodyBytes = 1_048_576;

/** The capability, as it was given to its holder. */
export const capabilityHeader = 'talos-capability';
/** The proof and its salt: `<compact JWS>~<base64url>`. */
export const invocationHeader = 'talos-invocation';

const bodyLabel = 'talos/http-body/v1';

/** @returns undefined if the body is longer than the bound, or was read already. */
export async function requestCall(request: Request, maxBodyBytes: number): Promise<CapabilityCall | undefined> {
  const { pathname, search } = new URL(request.url);
  const body = await readBody(request, maxBodyBytes);
  if (body === undefined) return undefined;
  const query = search === '' ? {} : { query: search.slice(1) };
  const commitment = body.length === 0 ? {} : { body: commitToBody(body, request.headers.get('content-type') ?? '') };
  return { tool: requestTool, input: { method: request.method, path: pathname, ...query, ...commitment } };
}

/** Whom a proof for a request has to name: the verifier, and the origin that the request was sent to. */
export function requestAudience(verifier: AgentId, origin: string): string {
  return `${verifier} ${origin}`;
}

/** With its type: the same bytes read as another type are another request. */
function commitToBody(body: Uint8Array, type: string): string {
  return hashBase64url(concatBytes(encodeUtf8(`${bodyLabel}\0${type}\0`), body));
}

/** Of a copy: whoever handles the request reads its body after us. */
async function readBody(request: Request, maxBodyBytes: number): Promise<Uint8Array | undefined> {
  if (request.bodyUsed) return undefined;
  const stream = request.body === null ? null : request.clone().body;
  if (stream === null) return new Uint8Array(0);
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return concatBytes(...chunks);
    length += value.length;
    if (length > maxBodyBytes) {
      // Not awaited: the copy ends when both are cancelled, and the other is the caller's.
      void reader.cancel().catch(() => undefined);
      return undefined;
    }
    chunks.push(value);
  }
}
