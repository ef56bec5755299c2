/**
 * A batch as one buffer: it crosses to the writer's thread by transfer, where cloning a thousand small arrays would cost the event loop
 * more than the write. Only ever read by the same version of this file. @module
 */
import { Buffer } from 'node:buffer';
import type { AuditBatch, AuditRow, NewAuditRow } from '../audit/audit-store.ts';
import type { LookupKind } from '../audit/entry.ts';

/** Numbers that the database keeps: never change one. */
export const lookupKinds = { id: 1, call: 2, message: 3 } as const satisfies Record<LookupKind, number>;

const hashLength = 32;
const saltLength = 32;
const headLength = 8 + hashLength;

export type PackedHead = { readonly size: number; readonly root: Uint8Array };
export type PackedOpening = { readonly field: string; readonly salt: Uint8Array; readonly payload: Uint8Array };
/** What a batch says of itself before its rows. */
export type PackedHeads = { readonly expected: PackedHead; readonly head: PackedHead };

/** Takes the rows of a batch one after the other, as views of its buffer: what it keeps beyond the batch it copies. */
export interface RowSink {
  entry(index: number, hashes: Uint8Array, bytes: Uint8Array): void;
  key(kind: number, key: Uint8Array, index: number): void;
  /** `place`: of the opening among those of its entry. */
  opening(at: { readonly index: number; readonly place: number }, opening: PackedOpening): void;
}

export function encodeBatch(batch: AuditBatch): ArrayBuffer {
  const writer = new Packer(batch.rows.reduce((sum, row) => sum + sizeOf(row), 2 * headLength + 4));
  writer.head(batch.expected);
  writer.head(batch.head);
  writer.u32(batch.rows.length);
  for (const row of batch.rows) {
    writer.long(row.hashes);
    writer.long(row.bytes);
    writer.u32(row.keys.length);
    for (const { kind, key } of row.keys) {
      writer.u32(lookupKinds[kind]);
      writer.text(key);
    }
    writer.u32(row.openings.length);
    for (const { field, salt, payload } of row.openings) {
      writer.text(field);
      writer.raw(salt);
      writer.long(payload);
    }
  }
  return writer.buffer;
}

/** Text is counted as three bytes per unit, the most that UTF-8 takes: the buffer may end in unused bytes. */
function sizeOf(row: NewAuditRow): number {
  let size = 16 + row.hashes.length + row.bytes.length;
  for (const { key } of row.keys) size += 8 + 3 * key.length;
  for (const { field, payload } of row.openings) size += 8 + 3 * field.length + saltLength + payload.length;
  return size;
}

class Packer {
  readonly buffer: ArrayBuffer;
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(size: number) {
    this.buffer = new ArrayBuffer(size);
    this.#bytes = Buffer.from(this.buffer);
  }

  head({ size, root }: PackedHead): void {
    this.#offset = this.#bytes.writeDoubleLE(size, this.#offset);
    this.raw(root);
  }

  u32(value: number): void {
    this.#offset = this.#bytes.writeUInt32LE(value, this.#offset);
  }

  raw(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#offset);
    this.#offset += bytes.length;
  }

  long(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.raw(bytes);
  }

  text(text: string): void {
    const length = this.#bytes.write(text, this.#offset + 4);
    this.u32(length);
    this.#offset += length;
  }
}

/** An object for each row, key and opening would cost the writer's thread as much as half of its inserts: the rows go straight to the sink. */
export class BatchReader implements PackedHeads {
  readonly expected: PackedHead;
  readonly head: PackedHead;
  readonly #reader: Unpacker;

  constructor(buffer: ArrayBuffer) {
    this.#reader = new Unpacker(buffer);
    this.expected = this.#reader.head();
    this.head = this.#reader.head();
  }

  /** Once. */
  rows(sink: RowSink): void {
    const reader = this.#reader;
    const end = this.expected.size + reader.u32();
    for (let index = this.expected.size; index < end; index++) {
      const hashes = reader.long();
      sink.entry(index, hashes, reader.long());
      for (let keys = reader.u32(); keys > 0; keys--) {
        const kind = reader.u32();
        sink.key(kind, reader.long(), index);
      }
      const openings = reader.u32();
      for (let place = 0; place < openings; place++)
        sink.opening({ index, place }, { field: reader.text(), salt: reader.take(saltLength), payload: reader.long() });
    }
  }
}

/** Rows on their way back, packed for the same reason: a start reads millions of them. */
export function encodeRows(rows: readonly AuditRow[]): ArrayBuffer {
  const writer = new Packer(rows.reduce((sum, { bytes, hashes }) => sum + 8 + bytes.length + hashes.length, 4));
  writer.u32(rows.length);
  for (const { bytes, hashes } of rows) {
    writer.long(hashes);
    writer.long(bytes);
  }
  return writer.buffer;
}

/** Plain views of the buffer: callers hand rows on, and a Buffer would behave in other ways than the array that they expect. */
export function decodeRows(buffer: ArrayBuffer): AuditRow[] {
  const view = new DataView(buffer);
  let offset = 4;
  const long = (): Uint8Array => {
    const start = offset + 4;
    offset = start + view.getUint32(offset, true);
    return new Uint8Array(buffer, start, offset - start);
  };
  return Array.from({ length: view.getUint32(0, true) }, () => {
    const hashes = long();
    return { hashes, bytes: long() };
  });
}

class Unpacker {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(buffer: ArrayBuffer) {
    this.#bytes = Buffer.from(buffer);
  }

  head(): PackedHead {
    const size = this.#bytes.readDoubleLE(this.#offset);
    this.#offset += 8;
    return { size, root: this.take(hashLength) };
  }

  u32(): number {
    const value = this.#bytes.readUInt32LE(this.#offset);
    this.#offset += 4;
    return value;
  }

  take(length: number): Uint8Array {
    const part = this.#bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return part;
  }

  long(): Uint8Array {
    return this.take(this.u32());
  }

  text(): string {
    const length = this.u32();
    const text = this.#bytes.toString('utf8', this.#offset, this.#offset + length);
    this.#offset += length;
    return text;
  }
}
