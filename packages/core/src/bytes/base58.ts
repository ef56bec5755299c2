/** base58btc, the text form inside did:key (draft-msporny-base58-03). Quadratic in length, so bounded. @module */
import { EncodingError } from '../errors/encoding-error.ts';

const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
/** A did:key of ours is 47 characters long; twice that leaves room for other keys and none for a slow loop. */
const maxTextLength = 96;

export function encodeBase58(bytes: Uint8Array): string {
  const digits: number[] = [];
  for (const byte of bytes) shiftIn(digits, byte, { from: 256, to: 58 });
  let text = '1'.repeat(leadingZeros(bytes));
  for (let i = digits.length - 1; i >= 0; i--) text += alphabet[digits[i] as number] as string;
  return text;
}

/** @throws {@link EncodingError} `TALOS_ENCODING_TEXT` on a foreign character or more than 96 of them. */
export function decodeBase58(text: string): Uint8Array<ArrayBuffer> {
  if (text.length > maxTextLength) throw new EncodingError({ code: 'TALOS_ENCODING_TEXT', message: `base58 text is longer than ${maxTextLength}` });
  const values = Array.from(text, (character) => alphabet.indexOf(character));
  const offset = values.indexOf(-1);
  if (offset !== -1) throw new EncodingError({ code: 'TALOS_ENCODING_TEXT', message: 'text is not base58', offset });
  const digits: number[] = [];
  for (const value of values) shiftIn(digits, value, { from: 58, to: 256 });
  return Uint8Array.from([...new Array<number>(leadingZeros(values)).fill(0), ...digits.reverse()]);
}

/** Multiplies the number in `digits`, little endian in base `to`, by `from` and adds `digit`. */
function shiftIn(digits: number[], digit: number, base: { readonly from: number; readonly to: number }): void {
  let carry = digit;
  for (let i = 0; i < digits.length; i++) {
    carry += (digits[i] as number) * base.from;
    digits[i] = carry % base.to;
    carry = Math.floor(carry / base.to);
  }
  for (; carry > 0; carry = Math.floor(carry / base.to)) digits.push(carry % base.to);
}

function leadingZeros(values: ArrayLike<number>): number {
  let count = 0;
  while (count < values.length && values[count] === 0) count++;
  return count;
}
