/** What the two ends of remote calls say to each other inside a sealed message: one byte for the kind, then strict JSON (docs/spec/07 §8). @module */
import { concatBytes } from '../bytes/concat.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { claimShape, isHash, readStatementClaims, type ClaimReader } from '../capability/signed-claims.ts';
import type { DenialCode } from '../capability/denial.ts';
import { RemoteError } from '../errors/remote-error.ts';
import { chunkWindow, maxBodyBytes, maxChunks, maxCountersignatures, maxDepth, maxTools } from './bounds.ts';

export type SignedOutcome = { readonly request: string; readonly signature: string };

/** `request` is SHA-256 of R, base64url, wherever it stands, but in `call`, where it is R itself. */
export type RemoteMessage =
  | { readonly kind: 'describe'; readonly id: string; readonly capability?: string }
  | { readonly kind: 'described'; readonly id: string; readonly tools: readonly JsonValue[] }
  | {
      readonly kind: 'call';
      readonly request: string;
      readonly capability: string;
      /** base64url, 32 bytes: opens `args_commit`. */
      readonly salt: string;
      readonly input: JsonObject;
      /** The caller wants chunks as they come. */
      readonly stream?: boolean;
      /** Countersignatures of earlier calls. */
      readonly signed?: readonly SignedOutcome[];
    }
  | {
      readonly kind: 'result';
      readonly request: string;
      /** S; absent if the request was refused before it was known to be the caller's. */
      readonly outcome?: string;
      readonly salt?: string;
      readonly value?: JsonValue;
      readonly denial?: RemoteDenial;
    }
  | { readonly kind: 'chunk'; readonly request: string; readonly index: number; readonly value: JsonValue }
  /** Chunks below this index may be sent. */
  | { readonly kind: 'credit'; readonly request: string; readonly upTo: number }
  | { readonly kind: 'cancel'; readonly request: string }
  | { readonly kind: 'countersign'; readonly signed: readonly SignedOutcome[] };

export type RemoteDenial = { readonly code: DenialCode; readonly retryAfter?: number; readonly arg?: string; readonly constraint?: string };

const isText =
  (max: number): ClaimReader =>
  (value) =>
    typeof value === 'string' && value.length > 0 && value.length <= max;
const isCount: ClaimReader = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isAny: ClaimReader = () => true;
const isToken = isText(65_536);
const isObject: ClaimReader = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

const signedShape = /* @__PURE__ */ claimShape({ request: isHash, signature: isText(512) });
const denialShape = /* @__PURE__ */ claimShape(
  { code: (value) => typeof value === 'string' && /^[A-Z][A-Z_]{2,31}$/.test(value) },
  { retryAfter: isCount, arg: isText(1024), constraint: isText(256) },
);
const isSigned: ClaimReader = (value) =>
  Array.isArray(value) &&
  value.length <= maxCountersignatures &&
  value.every((item: JsonValue) => isObject(item) && readStatementClaims(item as JsonObject, signedShape));
const isDenial: ClaimReader = (value) => isObject(value) && readStatementClaims(value as JsonObject, denialShape) === value;

const shapes = /* @__PURE__ */ Object.freeze({
  describe: claimShape({ id: isText(64) }, { capability: isToken }),
  described: claimShape({ id: isText(64), tools: (value) => Array.isArray(value) && value.length <= maxTools }),
  call: claimShape({ request: isText(4096), capability: isToken, salt: isHash, input: isObject }, { stream: (value) => value === true, signed: isSigned }),
  result: claimShape({ request: isHash }, { outcome: isText(8192), salt: isHash, value: isAny, denial: isDenial }),
  chunk: claimShape({ request: isHash, index: (value) => isCount(value) && (value as number) < maxChunks, value: isAny }),
  credit: claimShape({ request: isHash, upTo: (value) => isCount(value) && (value as number) <= maxChunks + chunkWindow }),
  cancel: claimShape({ request: isHash }),
  countersign: claimShape({ signed: isSigned }),
});

type Kind = keyof typeof shapes;
const kinds: readonly Kind[] = ['describe', 'described', 'call', 'result', 'chunk', 'credit', 'cancel', 'countersign'];

/** @throws {@link RemoteError} `TALOS_REMOTE_TOO_LARGE`; {@link EncodingError} on a lone surrogate. */
export function encodeRemote({ kind, ...message }: RemoteMessage): Uint8Array {
  const body = encodeUtf8(JSON.stringify(message));
  if (body.length >= maxBodyBytes)
    throw new RemoteError({ code: 'TALOS_REMOTE_TOO_LARGE', message: `one message of a call has at most ${maxBodyBytes} bytes: send less, or by hash` });
  return concatBytes(Uint8Array.of(kinds.indexOf(kind) + 1), body);
}

/** @throws {@link RemoteError} `TALOS_REMOTE_MALFORMED` on another kind, an unknown member, or a member of another form. */
export function decodeRemote(bytes: Uint8Array): RemoteMessage {
  const kind = kinds[(bytes[0] ?? 0) - 1];
  try {
    if (kind === undefined || bytes.length > maxBodyBytes) throw malformed();
    const value = parseStrictJson(decodeUtf8(bytes.subarray(1)), { maxDepth });
    if (!isObject(value)) throw malformed();
    return { kind, ...readStatementClaims(value as JsonObject, shapes[kind]) } as unknown as RemoteMessage;
  } catch {
    throw malformed();
  }
}

function malformed(): RemoteError {
  return new RemoteError({ code: 'TALOS_REMOTE_MALFORMED', message: 'the peer said something about a call that is not as docs/spec/07 says' });
}
