/** The audit database as a reader beside its writer sees it: one moment, held until it is closed. Runs in a thread of its own. @module */
import { DatabaseSync } from 'node:sqlite';
import { formatOf } from './sqlite-audit-database.ts';
import { asStoreError, checkSqliteVersion, corrupt } from './sqlite-audit-failure.ts';
import type { DatabaseOptions } from './sqlite-audit-messages.ts';
import { AuditReads } from './sqlite-audit-reads.ts';

/** A writer that is moving its WAL holds a reader up for milliseconds. */
const patienceMs = 5000;

/** @throws {@link StoreError} `TALOS_STORE_UNSUPPORTED`, `_CORRUPT`, `_READ_FAILED`. */
export function openSnapshot({ path }: DatabaseOptions): { readonly reads: AuditReads; readonly close: () => void } {
  checkSqliteVersion();
  let db: DatabaseSync | undefined;
  try {
    const opened = new DatabaseSync(path, { readOnly: true });
    db = opened;
    db.exec(`PRAGMA busy_timeout = ${patienceMs}; PRAGMA trusted_schema = OFF; PRAGMA query_only = ON`);
    if (!formatOf(db).isLog) throw corrupt('this file is not an audit log of this version of Talos');
    // The first read of a transaction fixes what all later ones see: rows, head and checkpoints of one moment.
    db.exec('BEGIN');
    return { reads: new AuditReads(db), close: () => opened.close() };
  } catch (error) {
    db?.close();
    throw asStoreError(error, 'TALOS_STORE_READ_FAILED');
  }
}
