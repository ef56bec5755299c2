/** Rows as the server gives them, checked before the log sees them: whoever can write to the tables is not believed. @module */
import type { AuditRow, Opening, StoredCheckpoint, StoredCosignature, TreeHead } from '@talosprotocol/core/audit';
import type { Row } from './connection.ts';
import { corrupt } from './postgres-failure.ts';

const hashLength = 32;

export function decodeHead(rows: readonly Row[]): TreeHead {
  const [row] = rows;
  const root = decodeBytes(row?.['root']);
  if (root.length !== hashLength) throw corrupt('its head is malformed');
  return { size: decodeCount(row?.['size']), root };
}

/** @param first - index of the first row asked for: a row that is missing between two others moves what comes after it. */
export function decodeEntries(rows: readonly Row[], first: number): AuditRow[] {
  return rows.map((row, n) => {
    const hashes = decodeBytes(row['hashes']);
    if (decodeCount(row['i']) !== first + n) throw corrupt('rows are missing');
    if (hashes.length === 0 || hashes.length % hashLength !== 0) throw corrupt('the hashes of an entry are malformed');
    return { bytes: decodeBytes(row['bytes']), hashes };
  });
}

export function decodeNodes(rows: readonly Row[]): Uint8Array[] {
  return rows.map(({ hash }) => {
    const bytes = decodeBytes(hash ?? '');
    if (bytes.length !== hashLength) throw corrupt('a node of the tree is not stored');
    return bytes;
  });
}

export function decodeOpenings(rows: readonly Row[]): Opening[] {
  return rows.map(({ field, salt, payload }) => ({ field: decodeText(field), salt: decodeBytes(salt), payload: decodeBytes(payload) }));
}

export function decodeCheckpoints(rows: readonly Row[]): StoredCheckpoint[] {
  return rows.map(({ size, note }) => ({ size: decodeCount(size), note: decodeText(note) }));
}

export function decodeCosignatures(rows: readonly Row[]): StoredCosignature[] {
  return rows.map(({ size, line }) => ({ size: decodeCount(size), line: decodeText(line) }));
}

export function decodeCount(text: string | null | undefined): number {
  const count = typeof text === 'string' && /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(count)) throw corrupt('a number is out of range');
  return count;
}

/** A copy of its own: Node's small buffers share memory with what else was read. */
export function decodeBytes(text: string | null | undefined): Uint8Array {
  if (typeof text !== 'string') throw corrupt('a value is missing');
  return new Uint8Array(Buffer.from(text, 'hex'));
}

function decodeText(hex: string | null | undefined): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(decodeBytes(hex));
  } catch {
    throw corrupt('a text is not UTF-8');
  }
}
