/** What a message says, inside its ciphertext: one byte for the kind, then the rest (docs/spec/04 §8). @module */
import { decodeBase64url, encodeBase64url } from '../bytes/base64url.ts';
import { concatBytes } from '../bytes/concat.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { EncodingError } from '../errors/encoding-error.ts';

export type MessageContents =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'data'; readonly data: Uint8Array }
  /** Between the two ends of remote calls (docs/spec/07 §8): its form is theirs. */
  | { readonly kind: 'remote'; readonly body: Uint8Array }
  /**
   * Says nothing to the user: it carries a new ratchet key, so that a session heals, and the names of messages that arrived, 43 characters
   * of base64url each.
   */
  | { readonly kind: 'step'; readonly acknowledged: readonly string[] }
  /** A message that may have arrived before, in a session that this one replaces; under the name it had there. */
  | { readonly kind: 'again'; readonly id: string; readonly contents: Uint8Array };

/** Closed: a kind that is not here is opened and not handed over, so that a newer peer does not stop the session. */
const kinds = /* @__PURE__ */ Object.freeze({ text: 1, data: 2, step: 3, again: 4, remote: 5 });

/** SHA-256 of the first frame that carried it. */
const nameLength = 32;
/** Names in one step: 8 kB. What is more waits for the next. */
export const maxAcknowledged = 256;

/** @throws {@link EncodingError} `TALOS_ENCODING_TEXT` if the text has a lone surrogate. */
export function encodeContents(contents: MessageContents): Uint8Array {
  const kind = Uint8Array.of(kinds[contents.kind]);
  if (contents.kind === 'text') return concatBytes(kind, encodeUtf8(contents.text));
  if (contents.kind === 'data') return concatBytes(kind, contents.data);
  if (contents.kind === 'remote') return concatBytes(kind, contents.body);
  if (contents.kind === 'again') return concatBytes(kind, decodeBase64url(contents.id), contents.contents);
  return concatBytes(kind, ...contents.acknowledged.map((id) => decodeBase64url(id)));
}

/** @throws {@link EncodingError} on an unknown kind, text that is not UTF-8, or a step that says something. */
export function decodeContents(bytes: Uint8Array): MessageContents {
  const rest = bytes.subarray(1);
  if (bytes[0] === kinds.text) return { kind: 'text', text: decodeUtf8(rest) };
  if (bytes[0] === kinds.data) return { kind: 'data', data: Uint8Array.from(rest) };
  if (bytes[0] === kinds.remote) return { kind: 'remote', body: Uint8Array.from(rest) };
  if (bytes[0] === kinds.step && rest.length % nameLength === 0 && rest.length <= maxAcknowledged * nameLength)
    return { kind: 'step', acknowledged: Array.from({ length: rest.length / nameLength }, (_, i) => nameAt(rest, i * nameLength)) };
  if (bytes[0] === kinds.again && rest.length > nameLength) return { kind: 'again', id: nameAt(rest, 0), contents: Uint8Array.from(rest.subarray(nameLength)) };
  throw new EncodingError({ code: 'TALOS_ENCODING_BYTES', message: 'message contents are of an unknown kind', offset: 0 });
}

function nameAt(bytes: Uint8Array, offset: number): string {
  return encodeBase64url(bytes.subarray(offset, offset + nameLength));
}
