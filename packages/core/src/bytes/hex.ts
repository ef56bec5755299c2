/** Lower-case hex. @module */
import { EncodingError } from '../errors/encoding-error.ts';
import { requireText } from '../errors/require.ts';

const byteToHex = /* @__PURE__ */ Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const canonicalHex = /^(?:[0-9a-f]{2})*$/;

export function encodeHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byteToHex[byte] as string;
  return text;
}

/** @throws {@link EncodingError} `TALOS_ENCODING_TEXT` on upper case, odd length or anything that is not hex. */
export function decodeHex(text: string): Uint8Array<ArrayBuffer> {
  requireText('hex', text);
  if (!canonicalHex.test(text)) throw new EncodingError({ code: 'TALOS_ENCODING_TEXT', message: 'text is not lower-case hex of even length' });
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
