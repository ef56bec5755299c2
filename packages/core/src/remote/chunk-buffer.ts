/** The caller's end of a stream: chunks in order, no more in memory than it gave room for (docs/spec/07 §11). @module */
import type { JsonValue } from '../bytes/json-value.ts';
import { ChunkHash } from '../receipt/result-commitment.ts';
import { chunkWindow } from './bounds.ts';

/** More room is given when half of the window was taken: one message for sixteen chunks. */
const creditAfter = chunkWindow / 2;

export class ChunkBuffer {
  /** Of the chunks that came in order, taken or not. */
  readonly hash: ChunkHash = new ChunkHash();
  readonly #late = new Map<number, JsonValue>();
  readonly #ready: JsonValue[] = [];
  readonly #credit: (upTo: number) => void;
  #taken = 0;
  #upTo = chunkWindow;
  #isDropping = false;
  #wake: () => void = () => undefined;

  constructor(credit: (upTo: number) => void) {
    this.#credit = credit;
  }

  /** @returns False if the peer sent more than it had room for, or a chunk twice: it does not keep to the protocol. */
  add(index: number, value: JsonValue): boolean {
    if (index < this.hash.count || index >= this.#upTo || this.#late.has(index)) return false;
    this.#late.set(index, value);
    for (let next = this.#late.get(this.hash.count); this.#late.has(this.hash.count); next = this.#late.get(this.hash.count)) {
      this.#late.delete(this.hash.count);
      this.hash.add(next as JsonValue);
      if (!this.#isDropping) this.#ready.push(next as JsonValue);
    }
    this.#wake();
    return true;
  }

  /** The next chunk that came, if one did; gives room when enough were taken. */
  take(): { readonly value: JsonValue } | undefined {
    if (this.#ready.length === 0) return undefined;
    const value = this.#ready.shift() as JsonValue;
    this.#taken++;
    if (this.#upTo - this.#taken <= chunkWindow - creditAfter) this.#credit((this.#upTo = this.#taken + chunkWindow));
    return { value };
  }

  /** Nobody reads any more. What still comes is hashed, so that the outcome can be checked, and forgotten. */
  drop(): void {
    this.#isDropping = true;
    this.#ready.length = 0;
  }

  /** Resolves when something came, or `wake` was called. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  wake(): void {
    this.#wake();
  }
}
