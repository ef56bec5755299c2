/** The one loop behind base64 (RFC 4648 §4) and base64url (§5). @module */
import { EncodingError } from '../errors/encoding-error.ts';
import { requireText } from '../errors/require.ts';

export type Alphabet = { readonly characters: string; readonly values: Int8Array; readonly name: string };

export function defineAlphabet(name: string, lastTwo: string): Alphabet {
  const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789' + lastTwo;
  const values = new Int8Array(128).fill(-1);
  for (let i = 0; i < 64; i++) values[characters.charCodeAt(i)] = i;
  return { characters, values, name };
}

/** Without padding. */
export function encodeRadix64(alphabet: Alphabet, bytes: Uint8Array): string {
  const { characters } = alphabet;
  const { length } = bytes;
  let text = '';
  // Past the end there are zeros; what they would add is cut off.
  for (let i = 0; i < length; i += 3) {
    const word = ((bytes[i] as number) << 16) | ((bytes[i + 1] as number) << 8) | (bytes[i + 2] as number);
    text += (characters[word >> 18] as string) + characters[(word >> 12) & 63] + characters[(word >> 6) & 63] + characters[word & 63];
  }
  return text.slice(0, Math.ceil((length * 4) / 3));
}

/**
 * Without padding; refuses stray bits in the last character, so that one value has one text. Four characters a turn:
 * a token is decoded before its signature is checked, so this is what a flood of forged tokens costs.
 */
export function decodeRadix64(alphabet: Alphabet, text: string): Uint8Array<ArrayBuffer> {
  requireText(alphabet.name, text);
  const { values } = alphabet;
  const remainder = text.length % 4;
  const whole = text.length - remainder;
  const bytes = new Uint8Array((text.length * 6) >> 3);
  // Negative as soon as one character had no value.
  let seen = remainder === 1 ? -1 : 0;
  let written = 0;
  for (let i = 0; i < whole; i += 4) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1);
    const c = text.charCodeAt(i + 2);
    const d = text.charCodeAt(i + 3);
    if ((a | b | c | d) > 127) throw refuse(alphabet, text);
    const word = ((values[a] as number) << 18) | ((values[b] as number) << 12) | ((values[c] as number) << 6) | (values[d] as number);
    seen |= word;
    bytes[written] = word >> 16;
    bytes[written + 1] = word >> 8;
    bytes[written + 2] = word;
    written += 3;
  }
  if (remainder > 1) {
    const third = remainder === 3 ? valueAt(values, text, whole + 2) : 0;
    const word = (valueAt(values, text, whole) << 12) | (valueAt(values, text, whole + 1) << 6) | third;
    const stray = remainder === 3 ? word & 3 : (word >> 6) & 15;
    seen |= stray === 0 ? word : -1;
    bytes[written] = word >> 10;
    if (remainder === 3) bytes[written + 1] = word >> 2;
  }
  if (seen < 0) throw refuse(alphabet, text);
  return bytes;
}

/** −1 for a character outside the alphabet. */
function valueAt(values: Int8Array, text: string, index: number): number {
  const unit = text.charCodeAt(index);
  return unit < 128 ? (values[unit] as number) : -1;
}

/** Where the first foreign character stands; at the end when it is the length or stray bits that are wrong. */
function refuse({ values, name }: Alphabet, text: string): EncodingError {
  let offset = 0;
  while (offset < text.length && valueAt(values, text, offset) >= 0) offset++;
  return new EncodingError({ code: 'TALOS_ENCODING_TEXT', message: `text is not canonical ${name}`, offset });
}
