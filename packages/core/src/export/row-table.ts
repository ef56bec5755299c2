/** The rows of a file by index, as little of each as comparing needs: about a hundred bytes. @module */
import { EvidenceError } from '../errors/evidence-error.ts';
import type { RowPlace } from './record-format.ts';

export type TableRow = RowPlace & {
  /** Of the file, from 1. */
  readonly line: number;
  /** SHA-256 of the record in canonical form. */
  readonly digest: Uint8Array;
};

/** A gigabyte. */
const maxRows = 10_000_000;
const digestLength = 32;
/** A file names one log, or a few. Of more the name is not kept: their rows are of another log than any that is asked for. */
const maxOrigins = 1000;

export class RowTable {
  readonly #slots = new Map<number, number>();
  readonly #lines: number[] = [];
  readonly #sizes: number[] = [];
  readonly #origins: number[] = [];
  readonly #names: string[] = [];
  readonly #numbers = new Map<string, number>();
  #digests = new Uint8Array(1024 * digestLength);

  /** The index is not in the table. @throws {@link EvidenceError} `TALOS_EVIDENCE_LIMIT` above 10 million rows. */
  add({ origin, index, size, line, digest }: TableRow): void {
    const slot = this.#lines.length;
    if (slot >= maxRows) throw new EvidenceError({ code: 'TALOS_EVIDENCE_LIMIT', message: `more than ${maxRows} rows: check the file in parts` });
    if ((slot + 1) * digestLength > this.#digests.length) {
      const larger = new Uint8Array(this.#digests.length * 2);
      larger.set(this.#digests);
      this.#digests = larger;
    }
    this.#digests.set(digest, slot * digestLength);
    this.#lines.push(line);
    this.#sizes.push(size);
    this.#origins.push(this.#numberOf(origin));
    this.#slots.set(index, slot);
  }

  get(index: number): Omit<TableRow, 'index'> | undefined {
    const slot = this.#slots.get(index);
    if (slot === undefined) return undefined;
    return {
      origin: this.#names[this.#origins[slot] as number] ?? '',
      size: this.#sizes[slot] as number,
      line: this.#lines[slot] as number,
      digest: this.#digests.subarray(slot * digestLength, (slot + 1) * digestLength),
    };
  }

  delete(index: number): void {
    this.#slots.delete(index);
  }

  *left(): Generator<{ readonly index: number; readonly line: number }, void, undefined> {
    for (const [index, slot] of this.#slots) yield { index, line: this.#lines[slot] as number };
  }

  #numberOf(origin: string): number {
    const known = this.#numbers.get(origin);
    if (known !== undefined || this.#names.length >= maxOrigins) return known ?? maxOrigins;
    this.#numbers.set(origin, this.#names.length);
    return this.#names.push(origin) - 1;
  }
}
