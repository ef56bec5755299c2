/** Opens a SQLite file that several processes share: private to its owner, WAL, and nobody else's format. @module */
import { closeSync, openSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../errors/store-error.ts';
import { asStoreError, checkSqliteVersion } from './sqlite-audit-failure.ts';

export type DatabaseFormat = {
  readonly path: string;
  /** What messages call it: `the session database`. */
  readonly title: string;
  /** SQLite's application_id: another program's database is never taken for ours. */
  readonly applicationId: number;
  readonly formatVersion: number;
  readonly schema: string;
  /** FULL survives a loss of power with the last commit, NORMAL without the last moments. Both survive the end of the process. */
  readonly synchronous: 'FULL' | 'NORMAL';
};

/** No SQLite database with anything in it is smaller. */
const smallestPage = 512;

/** How long a writer waits for other processes, in its own thread. A transaction takes milliseconds: after this time one of them hangs. */
const patienceMs = 5000;

/** @throws {@link StoreError} `TALOS_STORE_UNSUPPORTED` on SQLite below 3.51.3 or without a WAL, `_CORRUPT`, `_READ_FAILED`, `_CONFLICT`. */
export function openDatabase(format: DatabaseFormat): DatabaseSync {
  checkSqliteVersion();
  let db: DatabaseSync | undefined;
  try {
    // Its owner's alone from its first byte; SQLite gives the WAL the same mode.
    closeSync(openSync(format.path, 'a', 0o600));
    const { size } = statSync(format.path);
    if (size > 0 && size < smallestPage) throw corrupt(format, 'the file is cut off');
    db = new DatabaseSync(format.path);
    prepareFile(db, format);
    return db;
  } catch (error) {
    db?.close();
    if ((error as { readonly syscall?: string }).syscall !== undefined) throw cannotOpen(format, error);
    throw asStoreError(error, 'TALOS_STORE_READ_FAILED', format.title);
  }
}

/** Those whose transaction is one for several changes. */
const grouped = new WeakSet<DatabaseSync>();

/** Runs `change` in one transaction that nobody else writes beside, or as its own part of a grouped one. If it throws nothing of it is kept. */
export function inTransaction<T>(db: DatabaseSync, title: string, change: () => T): T {
  const [begin, commit, rollback] = grouped.has(db) ? partOfTransaction : transaction;
  try {
    // A full disk ends the whole transaction: a part of it must not become one of its own, and be kept.
    if (grouped.has(db) && !db.isTransaction) throw new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: `${title}: a write beside this one failed` });
    db.exec(begin);
    const result = change();
    db.exec(commit);
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec(rollback);
    throw asStoreError(error, 'TALOS_STORE_WRITE_FAILED', title);
  }
}

/** One transaction, and one sync, for all that `changes` does by `inTransaction`. If it throws nothing of that is kept. */
export function inOneTransaction(db: DatabaseSync, title: string, changes: () => void): void {
  inTransaction(db, title, () => {
    grouped.add(db);
    try {
      changes();
    } finally {
      grouped.delete(db);
    }
  });
}

/** Outlives the end of the process, and not always a loss of power: for what may come back. */
export function inUnsyncedTransaction<T>(db: DatabaseSync, title: string, change: () => T): T {
  if (grouped.has(db)) return inTransaction(db, title, change);
  db.exec('PRAGMA synchronous = NORMAL');
  try {
    return inTransaction(db, title, change);
  } finally {
    db.exec('PRAGMA synchronous = FULL');
  }
}

const transaction = ['BEGIN IMMEDIATE', 'COMMIT', 'ROLLBACK'] as const;
const partOfTransaction = ['SAVEPOINT part', 'RELEASE part', 'ROLLBACK TO part; RELEASE part'] as const;

/** Whether no process holds the lock file of a log's writer. Tried and let go. */
export function isLockFree(path: string): boolean {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(path);
    lock.exec('BEGIN EXCLUSIVE');
    return true;
  } catch {
    return false;
  } finally {
    lock?.close();
  }
}

function prepareFile(db: DatabaseSync, format: DatabaseFormat): void {
  // fullfsync: on macOS fsync leaves the data in the drive's cache. secure_delete: what was a key is zeros when its row is gone.
  db.exec(
    `PRAGMA busy_timeout = ${patienceMs}; PRAGMA synchronous = ${format.synchronous}; PRAGMA fullfsync = ON; PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON`,
  );
  if (pragma(db, 'journal_mode = WAL') !== 'wal')
    throw new StoreError({ code: 'TALOS_STORE_UNSUPPORTED', message: `${format.title} needs a file system where SQLite can use a WAL: choose a local disk` });
  db.exec('BEGIN IMMEDIATE');
  const found = { id: pragma(db, 'application_id'), version: pragma(db, 'user_version') };
  if (found.id !== format.applicationId || found.version !== format.formatVersion) {
    const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number };
    if (tables !== 0 || found.id !== 0 || found.version !== 0) throw corrupt(format, 'the file is of another program, or of another version of Talos');
    db.exec(`${format.schema}; PRAGMA application_id = ${format.applicationId}; PRAGMA user_version = ${format.formatVersion}`);
  }
  db.exec('COMMIT');
}

function pragma(db: DatabaseSync, text: string): unknown {
  return Object.values(db.prepare(`PRAGMA ${text}`).get() ?? {})[0];
}

function corrupt({ title }: DatabaseFormat, reason: string): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CORRUPT', message: `${title} was refused: ${reason}` });
}

function cannotOpen({ title }: DatabaseFormat, cause: unknown): StoreError {
  return new StoreError({ code: 'TALOS_STORE_READ_FAILED', message: `${title} cannot be opened: may this user write in its folder?`, cause });
}
