/** A batch as the parameters of one statement: a column each, in the server's own binary form. @module */
import type { AuditBatch, LookupKey, NewAuditRow } from '@talosprotocol/core/audit';
import { ArrayParameter } from './array-parameter.ts';
import { lookupKinds } from './audit-sql.ts';

/** $6 and following of the append statement. As text, byte strings would cross as hexadecimal, twice the size, and be parsed again. */
export function packBatch({ rows }: AuditBatch): readonly Buffer[] {
  const size = measure(rows);
  const hashes = new ArrayParameter({ type: 'bytea', count: rows.length, size: size.hashes });
  const bodies = new ArrayParameter({ type: 'bytea', count: rows.length, size: size.bodies });
  const keyRows = new ArrayParameter({ type: 'integer', count: size.keys });
  const kinds = new ArrayParameter({ type: 'integer', count: size.keys });
  const keys = new ArrayParameter({ type: 'bytea', count: size.keys, size: size.keyBytes });
  const openingRows = new ArrayParameter({ type: 'integer', count: size.openings });
  const places = new ArrayParameter({ type: 'integer', count: size.openings });
  const fields = new ArrayParameter({ type: 'bytea', count: size.openings, size: size.fields });
  const salts = new ArrayParameter({ type: 'bytea', count: size.openings, size: size.salts });
  const payloads = new ArrayParameter({ type: 'bytea', count: size.openings, size: size.payloads });
  for (const [r, row] of rows.entries()) {
    hashes.bytes(row.hashes);
    bodies.bytes(row.bytes);
    for (const { kind, key } of row.keys) {
      keyRows.integer(r);
      kinds.integer(lookupKinds[kind]);
      keys.text(key);
    }
    for (const [place, { field, salt, payload }] of row.openings.entries()) {
      openingRows.integer(r);
      places.integer(place);
      fields.text(field);
      salts.bytes(salt);
      payloads.bytes(payload);
    }
  }
  return [hashes, bodies, keyRows, kinds, keys, openingRows, places, fields, salts, payloads].map((column) => column.encoded());
}

/** $1 and $2 of the look-up for many keys. */
export function packKeys(keys: readonly LookupKey[]): readonly Buffer[] {
  const kinds = new ArrayParameter({ type: 'integer', count: keys.length });
  const texts = new ArrayParameter({ type: 'bytea', count: keys.length, size: keys.reduce((sum, { key }) => sum + 3 * key.length, 0) });
  for (const { kind, key } of keys) {
    kinds.integer(lookupKinds[kind]);
    texts.text(key);
  }
  return [kinds.encoded(), texts.encoded()];
}

/** Text is counted as three bytes per unit, the most that UTF-8 takes. */
function measure(rows: readonly NewAuditRow[]) {
  const size = { hashes: 0, bodies: 0, keys: 0, keyBytes: 0, openings: 0, fields: 0, salts: 0, payloads: 0 };
  for (const row of rows) {
    size.hashes += row.hashes.length;
    size.bodies += row.bytes.length;
    size.keys += row.keys.length;
    size.openings += row.openings.length;
    for (const { key } of row.keys) size.keyBytes += 3 * key.length;
    for (const { field, salt, payload } of row.openings) {
      size.fields += 3 * field.length;
      size.salts += salt.length;
      size.payloads += payload.length;
    }
  }
  return size;
}
