/** base64url without padding (RFC 4648 §5), canonical only: two texts never give the same bytes. @module */
import { decodeRadix64, defineAlphabet, encodeRadix64 } from './radix64.ts';

const alphabet = /* @__PURE__ */ defineAlphabet('base64url', '-_');

export function encodeBase64url(bytes: Uint8Array): string {
  return encodeRadix64(alphabet, bytes);
}

/** @throws {@link EncodingError} `TALOS_ENCODING_TEXT` on padding, white space, stray bits or a foreign character. */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> {
  return decodeRadix64(alphabet, text);
}
