/** UTF-8, fatal on input that is not. @module */
import { EncodingError } from '../errors/encoding-error.ts';

const encoder = /* @__PURE__ */ new TextEncoder();
/** `ignoreBOM` keeps a leading U+FEFF: bytes that are signed must decode to text that encodes to the same bytes. */
const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Whether the text has a surrogate without its other half, which UTF-8 cannot carry. */
export function hasLoneSurrogate(text: string): boolean {
  return !text.isWellFormed();
}

/** @throws {@link EncodingError} `TALOS_ENCODING_TEXT` on a lone surrogate, which would be replaced silently. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  if (hasLoneSurrogate(text)) throw new EncodingError({ code: 'TALOS_ENCODING_TEXT', message: 'text has a lone surrogate: it cannot be encoded as UTF-8' });
  return encoder.encode(text);
}

/** @throws {@link EncodingError} `TALOS_ENCODING_TEXT` if the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new EncodingError({ code: 'TALOS_ENCODING_TEXT', message: 'bytes are not UTF-8', cause });
  }
}
