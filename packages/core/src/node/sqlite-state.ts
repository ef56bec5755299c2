/** The state of rights on this machine: what was spent, seen, approved and taken back, in one SQLite file that several processes share. @module */
import { closeSync, openSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import type { Env } from '../env/env.ts';
import { StoreError } from '../errors/store-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import { asStoreError, checkSqliteVersion } from './sqlite-audit-failure.ts';

/** "tals", so that another program's database is never taken for this one. */
const applicationId = 0x74616c73;
const formatVersion = 1;

/** No SQLite database with anything in it is smaller. */
const smallestPage = 512;

/** How long a writer waits for the others. A transaction takes milliseconds: after this time one of them hangs, and the call is refused. */
const patienceMs = 5000;

const schema = `
CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), since INTEGER NOT NULL, purged INTEGER NOT NULL) STRICT;
CREATE TABLE counter (key TEXT PRIMARY KEY, used INTEGER NOT NULL, held INTEGER NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX counter_until ON counter (until);
CREATE TABLE proof (id TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX proof_until ON proof (until);
CREATE TABLE approval_request (id TEXT PRIMARY KEY, place TEXT NOT NULL, body TEXT NOT NULL, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX approval_place ON approval_request (place);
CREATE TABLE approval_answer (request TEXT NOT NULL, approver TEXT NOT NULL, token TEXT NOT NULL, PRIMARY KEY (request, approver)) STRICT, WITHOUT ROWID;
CREATE TABLE revocation_list (issuer TEXT PRIMARY KEY, size INTEGER NOT NULL, head TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE revocation_segment (issuer TEXT NOT NULL, seq INTEGER NOT NULL, token TEXT NOT NULL, PRIMARY KEY (issuer, seq)) STRICT, WITHOUT ROWID;
PRAGMA application_id = ${applicationId};
PRAGMA user_version = ${formatVersion};
`;

/** What came after the first files were written: they get it when they are opened. */
const additions = `
CREATE TABLE IF NOT EXISTS agent (did TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS known_peer (owner TEXT NOT NULL, did TEXT NOT NULL, revision INTEGER NOT NULL, events INTEGER NOT NULL, body TEXT NOT NULL, bundle TEXT, PRIMARY KEY (owner, did)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1), latest INTEGER NOT NULL) STRICT;
`;

export type SqliteStateOptions = {
  /** The database file; its folder exists. `-wal` and `-shm` stand beside it. */
  readonly path: string;
  readonly env: Pick<Env, 'now'>;
};

/**
 * The open file. WAL and synchronous=FULL: what was written survives a loss of power. Transactions are synchronous, so that within a process
 * they are serial; between processes SQLite's lock makes them so, and waiting for it does not hold up the event loop.
 */
export class SqliteState {
  readonly #db: DatabaseSync;
  #closed = false;

  /**
   * Opens or creates the file.
   * @throws {@link StoreError} `TALOS_STORE_UNSUPPORTED` on SQLite below 3.51.3, `_CORRUPT` if the file is damaged or another program's,
   * `_READ_FAILED` if it cannot be opened.
   */
  constructor({ path, env }: SqliteStateOptions) {
    if (typeof path !== 'string' || path.length === 0) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'path must name the database file' });
    checkSqliteVersion();
    try {
      // The counters say what is left to spend: their owner alone writes them.
      closeSync(openSync(path, 'a', 0o600));
      const { size } = statSync(path);
      if (size > 0 && size < smallestPage) throw corrupt('the file is cut off');
      this.#db = openFile(path, env);
    } catch (error) {
      throw asStoreError(error, 'TALOS_STORE_READ_FAILED', 'the state database');
    }
  }

  get db(): DatabaseSync {
    if (this.#closed) throw new UsageError({ code: 'TALOS_USAGE_CLOSED', message: 'this state database was closed: open it again' });
    return this.#db;
  }

  /**
   * Runs `change` in one transaction that nobody else writes beside. If it throws nothing is kept.
   * @throws {@link StoreError} `TALOS_STORE_CONFLICT` if others hold the file for five seconds, `_WRITE_FAILED`, `_CORRUPT`.
   */
  async write<T>(change: (db: DatabaseSync) => T): Promise<T> {
    const giveUp = performance.now() + patienceMs;
    for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 20)) {
      // In one go from BEGIN to COMMIT: another task of this process must not find itself inside the transaction.
      if (this.#begin(performance.now() > giveUp)) return this.#finish(change);
      await sleep(waitMs);
    }
  }

  read<T>(query: (db: DatabaseSync) => T): T {
    try {
      return query(this.db);
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw asStoreError(error, 'TALOS_STORE_READ_FAILED', 'the state database');
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#db.close();
  }

  /** False if another connection is writing. */
  #begin(isLast: boolean): boolean {
    const { db } = this;
    try {
      db.exec('BEGIN IMMEDIATE');
      return true;
    } catch (cause) {
      const error = asStoreError(cause, 'TALOS_STORE_WRITE_FAILED', 'the state database');
      if (error.code !== 'TALOS_STORE_CONFLICT' || isLast) throw error;
      return false;
    }
  }

  #finish<T>(change: (db: DatabaseSync) => T): T {
    const { db } = this;
    try {
      const result = change(db);
      db.exec('COMMIT');
      return result;
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw asStoreError(error, 'TALOS_STORE_WRITE_FAILED', 'the state database');
    }
  }
}

function openFile(path: string, env: Pick<Env, 'now'>): DatabaseSync {
  const db = new DatabaseSync(path);
  try {
    // Two processes may open a new file at the same moment: for these few statements waiting in place is simplest.
    db.exec(`PRAGMA busy_timeout = ${patienceMs}; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA trusted_schema = OFF`);
    if (pragma(db, 'journal_mode = WAL') !== 'wal') {
      throw new StoreError({
        code: 'TALOS_STORE_UNSUPPORTED',
        message: 'the state database needs a file system where SQLite can use a WAL: choose a local disk',
      });
    }
    createOrCheckSchema(db, env);
    db.exec('PRAGMA busy_timeout = 0');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function createOrCheckSchema(db: DatabaseSync, env: Pick<Env, 'now'>): void {
  db.exec('BEGIN IMMEDIATE');
  const found = { id: pragma(db, 'application_id'), version: pragma(db, 'user_version') };
  if (found.id !== applicationId || found.version !== formatVersion) {
    const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number };
    if (tables !== 0 || found.id !== 0 || found.version !== 0) throw corrupt('this file is not a state database of this version of Talos');
    db.exec(schema);
    // Claims are in whole seconds: what was issued in the second in which the file began is not older than it.
    db.prepare('INSERT INTO meta (one, since, purged) VALUES (1, ?, 0)').run(Math.floor(env.now() / 1000) * 1000);
  }
  db.exec(additions);
  db.exec('COMMIT');
}

function pragma(db: DatabaseSync, text: string): unknown {
  return Object.values(db.prepare(`PRAGMA ${text}`).get() ?? {})[0];
}

function corrupt(reason: string): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CORRUPT', message: `the stored state was refused: ${reason}` });
}
