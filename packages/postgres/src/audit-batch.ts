/** A batch as the parameters of one statement: all bytes in one buffer, and where each part stands. @module */
import type { AuditBatch, NewAuditRow } from '@talosprotocol/core/audit';
import { lookupKinds } from './audit-sql.ts';

/**
 * $6 and following of the append statement. An array of byte strings would cross as hexadecimal, twice the size, and be parsed again;
 * one buffer crosses as it is, and the server cuts it.
 */
export function packBatch({ rows }: AuditBatch): readonly unknown[] {
  const packer = new Packer(rows.reduce((sum, row) => sum + sizeOf(row), 0));
  const entries = [new Column(), new Column(), new Column()] as const;
  const keys = [new Column(), new Column(), new Column(), new Column()] as const;
  const openings = [new Column(), new Column(), new Column(), new Column(), new Column(), new Column()] as const;
  for (const [r, row] of rows.entries()) {
    fill(entries, [packer.next, packer.raw(row.hashes), packer.raw(row.bytes)]);
    for (const { kind, key } of row.keys) fill(keys, [r, lookupKinds[kind], packer.next, packer.text(key)]);
    for (const [place, { field, salt, payload }] of row.openings.entries()) {
      fill(openings, [r, place, packer.next, packer.text(field), packer.raw(salt), packer.raw(payload)]);
    }
  }
  return [packer.bytes(), ...entries, ...keys, ...openings].map((value) => (value instanceof Column ? value.literal() : value));
}

/** Text is counted as three bytes per unit, the most that UTF-8 takes. */
function sizeOf(row: NewAuditRow): number {
  let size = row.hashes.length + row.bytes.length;
  for (const { key } of row.keys) size += 3 * key.length;
  for (const { field, salt, payload } of row.openings) size += 3 * field.length + salt.length + payload.length;
  return size;
}

function fill(columns: readonly Column[], values: readonly number[]): void {
  for (const [i, column] of columns.entries()) column.values.push(values[i] as number);
}

class Column {
  readonly values: number[] = [];

  literal(): string {
    return `{${this.values.join(',')}}`;
  }
}

class Packer {
  readonly #bytes: Buffer;
  #length = 0;

  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafe(size);
  }

  /** Where the next part begins: SQL counts from 1. */
  get next(): number {
    return this.#length + 1;
  }

  raw(bytes: Uint8Array): number {
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return bytes.length;
  }

  text(text: string): number {
    const length = this.#bytes.write(text, this.#length);
    this.#length += length;
    return length;
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}
