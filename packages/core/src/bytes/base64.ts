/** Padded base64 (RFC 4648 §4), as signed notes carry it; canonical only. @module */
import { EncodingError } from '../errors/encoding-error.ts';
import { requireText } from '../errors/require.ts';
import { decodeRadix64, defineAlphabet, encodeRadix64 } from './radix64.ts';

const alphabet = /* @__PURE__ */ defineAlphabet('base64', '+/');

export function encodeBase64(bytes: Uint8Array): string {
  const text = encodeRadix64(alphabet, bytes);
  return text + '='.repeat((4 - (text.length % 4)) % 4);
}

/** @throws {@link EncodingError} `TALOS_ENCODING_TEXT` on missing padding, white space, stray bits or a foreign character. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  requireText('base64', text);
  const unpadded = text.replace(/={1,2}$/, '');
  if (text.length % 4 !== 0)
    throw new EncodingError({ code: 'TALOS_ENCODING_TEXT', message: 'base64 text is not padded to a multiple of four', offset: text.length });
  return decodeRadix64(alphabet, unpadded);
}
