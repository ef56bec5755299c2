/** An array in PostgreSQL's binary form (`array_recv` of its sources), in which pg sends whatever is a `Buffer`. @module */

/** OIDs of the catalogue, the same on every server. */
const elementTypes = { bytea: 17, integer: 23 } as const;

/** Four bytes each: number of dimensions, whether there are nulls, element type, length and lower bound of the one dimension. */
const headerLength = 20;
/** Before each element. */
const prefixLength = 4;
const integerLength = 4;

type Room = {
  readonly type: keyof typeof elementTypes;
  /** Elements to come. */
  readonly count: number;
  /** The most that they have together, in bytes. Left out for integers. */
  readonly size?: number;
};

export class ArrayParameter {
  readonly #buffer: Buffer;
  #length = headerLength;

  constructor({ type, count, size = count * integerLength }: Room) {
    this.#buffer = Buffer.allocUnsafe(headerLength + count * prefixLength + size);
    for (const [n, field] of [1, 0, elementTypes[type], count, 1].entries()) this.#buffer.writeInt32BE(field, 4 * n);
  }

  integer(value: number): void {
    this.#begin(integerLength);
    this.#length = this.#buffer.writeInt32BE(value, this.#length);
  }

  bytes(value: Uint8Array): void {
    this.#begin(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  text(value: string): void {
    const length = this.#buffer.write(value, this.#length + prefixLength);
    this.#begin(length);
    this.#length += length;
  }

  encoded(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #begin(length: number): void {
    this.#length = this.#buffer.writeInt32BE(length, this.#length);
  }
}
