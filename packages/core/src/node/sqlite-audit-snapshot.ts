/** The audit database as a reader beside its writer sees it: one moment, held until it is closed. Runs in a thread of its own. @module */
import { DatabaseSync } from 'node:sqlite';
import type { AuditRow, StoredCheckpoint } from '../audit/audit-store.ts';
import type { LookupKind } from '../audit/entry.ts';
import { StoreError } from '../errors/store-error.ts';
import { lookupKinds, type PackedHead, type PackedOpening } from './sqlite-audit-batch.ts';
import { corrupt, formatOf, openingsPerEntry, prepareReads } from './sqlite-audit-database.ts';
import { asStoreError, checkSqliteVersion } from './sqlite-audit-failure.ts';
import type { DatabaseOptions, NodePlace } from './sqlite-audit-messages.ts';

/** A writer that is moving its WAL holds a reader up for milliseconds. */
const patienceMs = 5000;

export class AuditSnapshot {
  readonly #db: DatabaseSync;
  readonly #statements: ReturnType<typeof prepareReads>;
  readonly #head: PackedHead | undefined;

  /** @throws {@link StoreError} `TALOS_STORE_UNSUPPORTED`, `_CORRUPT`, `_READ_FAILED`. */
  constructor({ path }: DatabaseOptions) {
    checkSqliteVersion();
    let db: DatabaseSync | undefined;
    try {
      db = new DatabaseSync(path, { readOnly: true });
      db.exec(`PRAGMA busy_timeout = ${patienceMs}; PRAGMA trusted_schema = OFF; PRAGMA query_only = ON`);
      if (!formatOf(db).isLog) throw corrupt('this file is not an audit log of this version of Talos');
      this.#db = db;
      this.#statements = prepareReads(db);
      // The first read of a transaction fixes what all later ones see: rows, head and checkpoints of one moment.
      db.exec('BEGIN');
      this.#head = this.#readHead();
    } catch (error) {
      db?.close();
      throw asStoreError(error, 'TALOS_STORE_READ_FAILED');
    }
  }

  loadHead(): PackedHead | undefined {
    return this.#head;
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

  find(kind: LookupKind, key: string): number | undefined {
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

  append(): never {
    throw readOnly();
  }

  saveCheckpoint(): never {
    throw readOnly();
  }

  close(): void {
    this.#db.close();
  }

  #readHead(): PackedHead | undefined {
    const head = this.#statements.loadHead.get() as PackedHead | undefined;
    const { rows } = this.#statements.countRows.get() as { rows: number };
    if (rows !== (head?.size ?? 0)) throw corrupt('rows and head have different sizes');
    return head;
  }
}

function readOnly(): StoreError {
  return new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: 'this is a snapshot of the log, for reading: append through its writer' });
}
