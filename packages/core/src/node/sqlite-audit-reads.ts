/** The reading half of the audit database, the same for its writer and for a snapshot beside it. Runs in their threads. @module */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { AuditRow, StoredCheckpoint } from '../audit/audit-store.ts';
import type { StoredCosignature } from '../audit/cosignature-store.ts';
import type { LookupKind } from '../audit/entry.ts';
import { lookupKinds, type PackedHead, type PackedOpening } from './sqlite-audit-batch.ts';
import { corrupt } from './sqlite-audit-failure.ts';
import type { NodePlace } from './sqlite-audit-messages.ts';

/** `opening` is numbered index × 16 + place, so that it grows at its end like `entry` and needs no second index. */
export const openingsPerEntry = 16;

export class AuditReads {
  readonly #db: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;

  /** @throws {@link StoreError} `TALOS_STORE_CORRUPT` unless rows and head agree: they are written together, so somebody else wrote. */
  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#statements = prepare(db);
    const { rows } = this.#statements.countRows.get() as { rows: number };
    if (rows !== (this.loadHead()?.size ?? 0)) throw corrupt('rows and head have different sizes');
  }

  /** Undefined in a log without entries. */
  loadHead(): PackedHead | undefined {
    return this.#statements.loadHead.get() as PackedHead | undefined;
  }

  loadRows({ start, end }: { readonly start: number; readonly end: number }): AuditRow[] {
    return this.#statements.loadRows.all(start, end) as unknown as AuditRow[];
  }

  loadNodes(places: readonly NodePlace[]): Uint8Array[] {
    return places.map(({ row, offset }) => {
      const hash = this.#statements.loadNode.get(offset + 1, row)?.['hash'] as Uint8Array | undefined;
      if (hash?.length !== 32) throw corrupt('a node of the tree is not stored');
      return hash;
    });
  }

  find({ kind, key }: { readonly kind: LookupKind; readonly key: string }): number | undefined {
    return this.#statements.find.get(lookupKinds[kind], Buffer.from(key))?.['i'] as number | undefined;
  }

  loadOpenings(index: number): PackedOpening[] {
    const first = index * openingsPerEntry;
    return this.#statements.loadOpenings.all(first, first + openingsPerEntry) as unknown as PackedOpening[];
  }

  loadCheckpoint(size: number | undefined): StoredCheckpoint | undefined {
    const { loadCheckpoint, loadLastCheckpoint } = this.#statements;
    return (size === undefined ? loadLastCheckpoint.get() : loadCheckpoint.get(size)) as StoredCheckpoint | undefined;
  }

  loadCheckpoints({ from, limit }: { readonly from: number; readonly limit: number }): StoredCheckpoint[] {
    return this.#statements.loadCheckpoints.all(from, limit) as unknown as StoredCheckpoint[];
  }

  /** A log that was last written before witnesses were has no table of them, and a reader makes none. */
  loadCosignatures({ from, limit }: { readonly from: number; readonly limit: number }): StoredCosignature[] {
    if (this.#statements.hasCosignatures.get() === undefined) return [];
    return this.#db.prepare(selectCosignatures).all(from, limit) as unknown as StoredCosignature[];
  }
}

const selectCosignatures =
  'SELECT size, line FROM cosignature WHERE size IN (SELECT DISTINCT size FROM cosignature WHERE size >= ? ORDER BY size LIMIT ?) ORDER BY size, line';

function prepare(db: DatabaseSync) {
  return {
    loadHead: db.prepare('SELECT size, root FROM head'),
    countRows: db.prepare('SELECT coalesce(max(i) + 1, 0) AS rows FROM entry'),
    loadRows: db.prepare('SELECT body AS bytes, hashes FROM entry WHERE i >= ? AND i < ? ORDER BY i'),
    loadNode: db.prepare('SELECT substr(hashes, ?, 32) AS hash FROM entry WHERE i = ?'),
    find: db.prepare('SELECT i FROM lookup WHERE kind = ? AND key = ? ORDER BY i LIMIT 1'),
    loadOpenings: db.prepare('SELECT field, salt, payload FROM opening WHERE n >= ? AND n < ? ORDER BY n'),
    loadCheckpoint: db.prepare('SELECT size, note FROM checkpoint WHERE size = ?'),
    loadCheckpoints: db.prepare('SELECT size, note FROM checkpoint WHERE size >= ? ORDER BY size LIMIT ?'),
    loadLastCheckpoint: db.prepare('SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1'),
    hasCosignatures: db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'cosignature'"),
  } satisfies Record<string, StatementSync>;
}
