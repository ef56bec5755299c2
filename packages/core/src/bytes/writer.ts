/** Writes the binary formats of docs/spec; the counterpart of ByteReader. @module */
import { UsageError } from '../errors/usage-error.ts';
import { concatBytes } from './concat.ts';

export class ByteWriter {
  readonly #parts: Uint8Array[] = [];

  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  u8(value: number): this {
    return this.#integer(value, 1);
  }

  u16(value: number): this {
    return this.#integer(value, 2);
  }

  u32(value: number): this {
    return this.#integer(value, 4);
  }

  u64(value: number): this {
    return this.#integer(value, 8);
  }

  /** Prefixed with its u16 length. */
  short(bytes: Uint8Array): this {
    return this.u16(bytes.length).raw(bytes);
  }

  /** Prefixed with its u32 length. */
  long(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }

  /** A new array; the writer may be used on. */
  finish(): Uint8Array<ArrayBuffer> {
    return concatBytes(...this.#parts);
  }

  #integer(value: number, width: number): this {
    if (!Number.isSafeInteger(value) || value < 0 || value >= 256 ** width) {
      throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `integer does not fit ${width} bytes` });
    }
    const bytes = new Uint8Array(width);
    for (let i = width - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
    this.#parts.push(bytes);
    return this;
  }
}
