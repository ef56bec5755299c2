/** Reads the binary formats of docs/spec: big-endian integers and length-prefixed byte strings, every read bounded. @module */
import { EncodingError } from '../errors/encoding-error.ts';
import { requireUint8Array } from '../errors/require.ts';

export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    requireUint8Array('data', bytes);
    this.#bytes = bytes;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** A view, not a copy, of the next `length` bytes. */
  take(length: number): Uint8Array {
    this.#need(length);
    const part = this.#bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return part;
  }

  u8(): number {
    this.#need(1);
    return this.#bytes[this.#offset++] as number;
  }

  u16(): number {
    return this.u8() * 0x100 + this.u8();
  }

  u32(): number {
    return this.u16() * 0x10000 + this.u16();
  }

  /** @throws {@link EncodingError} above 2^53 − 1: no count or time of ours is larger. */
  u64(): number {
    const high = this.u32();
    if (high >= 0x200000) throw this.refuse('integer is above 2^53 - 1');
    return high * 0x100000000 + this.u32();
  }

  /** A byte string behind its u16 length. */
  short(maxLength = 0xffff): Uint8Array {
    return this.#bounded(this.u16(), maxLength);
  }

  /** A byte string behind its u32 length. `maxLength` is checked before anything is read. */
  long(maxLength: number): Uint8Array {
    return this.#bounded(this.u32(), maxLength);
  }

  /** @throws {@link EncodingError} if bytes are left: trailing data is data that nobody checked. */
  end(): void {
    if (this.remaining !== 0) throw this.refuse('data goes on after its end');
  }

  #need(length: number): void {
    if (length > this.remaining) throw this.refuse('data ends too early');
  }

  #bounded(length: number, maxLength: number): Uint8Array {
    if (length > maxLength) throw this.refuse(`length is above ${maxLength}`);
    return this.take(length);
  }

  /** The error of a format's own checks, at the present offset. */
  refuse(message: string): EncodingError {
    return new EncodingError({ code: 'TALOS_ENCODING_BYTES', message, offset: this.#offset });
  }
}
