/** The audit database as its one writer sees it: schema, pragmas, statements. Runs in the writer's thread. @module */
import { closeSync, openSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { StoredCheckpoint } from '../audit/audit-store.ts';
import type { StoredCosignature } from '../audit/cosignature-store.ts';
import { equalBytes } from '../bytes/equal.ts';
import { StoreError } from '../errors/store-error.ts';
import { BulkInsert } from './bulk-insert.ts';
import type { BatchReader, PackedHead, RowSink } from './sqlite-audit-batch.ts';
import { asStoreError, checkSqliteVersion, corrupt } from './sqlite-audit-failure.ts';
import type { DatabaseOptions } from './sqlite-audit-messages.ts';
import { AuditReads, openingsPerEntry } from './sqlite-audit-reads.ts';
import { AuditUpkeep } from './sqlite-audit-upkeep.ts';

/** "talo", so that another program's database is never taken for a log. */
const applicationId = 0x74616c6f;
const formatVersion = 1;

/** No SQLite database with anything in it is smaller. */
const smallestPage = 512;

/** WAL written since the last checkpoint above which one is run, between two batches. Bounds the file and the time of the next start. */
const checkpointAfterBytes = 4 * 1024 * 1024;

/**
 * What was read or written last. The operating system keeps pages as well: of a log of ten million entries neither proofs nor appends under random
 * keys were slower with 2 MiB than with 16, which hold all of its inner pages a second time.
 */
const cacheKibibytes = 4096;

/** Made when it is missing as well: a log from before it had witnesses goes on. */
const cosignatureTable = 'CREATE TABLE IF NOT EXISTS cosignature (size INTEGER NOT NULL, line TEXT NOT NULL, PRIMARY KEY (size, line)) STRICT, WITHOUT ROWID';

const schema = `
CREATE TABLE entry (i INTEGER PRIMARY KEY, hashes BLOB NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, root BLOB NOT NULL) STRICT;
CREATE TABLE lookup (kind INTEGER NOT NULL, key BLOB NOT NULL, i INTEGER NOT NULL, PRIMARY KEY (kind, key, i)) STRICT, WITHOUT ROWID;
CREATE TABLE opening (n INTEGER PRIMARY KEY, field TEXT NOT NULL, salt BLOB NOT NULL, payload BLOB NOT NULL) STRICT;
CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT;
${cosignatureTable};
PRAGMA application_id = ${applicationId};
PRAGMA user_version = ${formatVersion};
`;

export class AuditDatabase {
  readonly #lock: DatabaseSync;
  readonly #db: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;
  readonly reads: AuditReads;
  /** Removes entries, for retention. */
  readonly upkeep: AuditUpkeep;
  readonly #sink: RowSink;
  #head: PackedHead | undefined;
  #walBytes = 0;
  #writeFailure: StoreError | undefined;

  /** @throws {@link StoreError} `TALOS_STORE_UNSUPPORTED`, `_CONFLICT` if another writer has the log, `_CORRUPT`, `_READ_FAILED`. */
  constructor(options: DatabaseOptions) {
    checkSqliteVersion();
    this.#lock = takeLock(options.path);
    try {
      this.#db = openFile(options);
      this.reads = new AuditReads(this.#db);
      this.#statements = prepare(this.#db);
      this.#sink = sinkOf(this.#statements);
      this.#head = this.reads.loadHead();
      this.upkeep = new AuditUpkeep(this.#db, { write: (statements) => this.#requireWriting().#write(statements) });
    } catch (error) {
      this.#lock.close();
      throw asStoreError(error, 'TALOS_STORE_READ_FAILED');
    }
  }

  /** One transaction, synced to disk when this returns. After a failure nothing is written any more: what reached the disk is unknown. */
  append(batch: BatchReader, packedBytes: number): void {
    if (this.#writeFailure !== undefined) throw this.#writeFailure;
    if (!isSameHead(batch.expected, this.#head)) {
      throw new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'the log has another head than this writer expects: open it again' });
    }
    const { saveHead, entries, keys, openings } = this.#statements;
    this.#write(() => {
      batch.rows(this.#sink);
      for (const table of [entries, keys, openings]) table.flush();
      saveHead.run(batch.head.size, batch.head.root);
    });
    this.#head = { size: batch.head.size, root: Uint8Array.from(batch.head.root) };
    this.#walBytes += packedBytes;
  }

  saveCheckpoint({ size, note }: StoredCheckpoint): void {
    if (this.#writeFailure !== undefined) throw this.#writeFailure;
    this.#write(() => this.#statements.saveCheckpoint.run(size, note));
  }

  saveCosignature({ size, line }: StoredCosignature): void {
    if (this.#writeFailure !== undefined) throw this.#writeFailure;
    this.#write(() => this.#statements.saveCosignature.run(size, line));
  }

  /** Moves the WAL into the database if it has grown. Nobody waits for it: it runs after the acknowledgement, and a failure costs space only. */
  tidy(): void {
    if (this.#walBytes < checkpointAfterBytes || this.#writeFailure !== undefined) return;
    this.#walBytes = 0;
    try {
      this.#db.exec('PRAGMA wal_checkpoint(PASSIVE)');
    } catch {
      // The next commit meets the same disk, and reports it to somebody who waits.
    }
  }

  #requireWriting(): this {
    if (this.#writeFailure !== undefined) throw this.#writeFailure;
    return this;
  }

  close(): void {
    this.#db.close();
    this.#lock.close();
  }

  #write(statements: () => void): void {
    const { begin, commit } = this.#statements;
    try {
      begin.run();
      statements();
      commit.run();
    } catch (error) {
      if (this.#db.isTransaction) this.#rollback();
      this.#writeFailure = asStoreError(error, 'TALOS_STORE_WRITE_FAILED');
      throw this.#writeFailure;
    }
  }

  #rollback(): void {
    try {
      this.#db.exec('ROLLBACK');
    } catch {
      // The connection writes nothing any more; SQLite undoes the rest when the file is opened next.
    }
  }
}

function prepare(db: DatabaseSync) {
  return {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    entries: new BulkInsert(db, { table: 'entry', columns: ['i', 'hashes', 'body'] }),
    keys: new BulkInsert(db, { table: 'lookup', columns: ['kind', 'key', 'i'] }),
    openings: new BulkInsert(db, { table: 'opening', columns: ['n', 'field', 'salt', 'payload'] }),
    saveHead: db.prepare('INSERT INTO head (one, size, root) VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET size = excluded.size, root = excluded.root'),
    saveCheckpoint: db.prepare('INSERT INTO checkpoint (size, note) VALUES (?, ?) ON CONFLICT (size) DO NOTHING'),
    saveCosignature: db.prepare('INSERT INTO cosignature (size, line) VALUES (?, ?) ON CONFLICT (size, line) DO NOTHING'),
  };
}

function sinkOf({ entries, keys, openings }: ReturnType<typeof prepare>): RowSink {
  return {
    entry: (index, hashes, bytes) => entries.add(index, hashes, bytes),
    key: (kind, key, index) => keys.add(kind, key, index),
    opening: ({ index, place }, { field, salt, payload }) => openings.add(index * openingsPerEntry + place, field, salt, payload),
  };
}

/**
 * One writer per log. An exclusive transaction on an empty file beside the database: the operating system ends it with the process, so that
 * a crash leaves no stale lock behind, and readers of the database itself are not in its way.
 */
export function takeLock(path: string): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(privateFile(`${path}-lock`));
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    lock?.close();
    const error = asStoreError(cause, 'TALOS_STORE_READ_FAILED');
    if (error.code !== 'TALOS_STORE_CONFLICT') throw error;
    throw new StoreError({
      code: 'TALOS_STORE_CONFLICT',
      message: 'another writer has this audit log open: share that one, or close it first',
      cause,
      retryable: true,
    });
  }
}

function openFile({ path, maxBytes }: DatabaseOptions): DatabaseSync {
  // SQLite takes a stump of less than a page for an empty database, and would begin a new log over what is left of the old one.
  const { size } = statSync(privateFile(path));
  if (size > 0 && size < smallestPage) throw corrupt('the file is cut off');
  const db = new DatabaseSync(path);
  try {
    // fullfsync: on macOS fsync leaves the data in the drive's cache. Elsewhere it does nothing.
    db.exec('PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 0');
    db.exec(`PRAGMA cache_size = -${cacheKibibytes}`);
    if (pragma(db, 'journal_mode = WAL') !== 'wal') {
      throw new StoreError({ code: 'TALOS_STORE_UNSUPPORTED', message: 'the audit log needs a file system where SQLite can use a WAL: choose a local disk' });
    }
    if (maxBytes !== undefined) db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / (pragma(db, 'page_size') as number)))}`);
    createOrCheckSchema(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Whether the file is a log of this version, and what it says that it is. */
export function formatOf(db: DatabaseSync): { readonly isLog: boolean; readonly id: unknown; readonly version: unknown } {
  const [id, version] = [pragma(db, 'application_id'), pragma(db, 'user_version')];
  return { isLog: id === applicationId && version === formatVersion, id, version };
}

function createOrCheckSchema(db: DatabaseSync): void {
  const found = formatOf(db);
  if (found.isLog) return db.exec(cosignatureTable);
  const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number };
  if (tables !== 0 || found.id !== 0 || found.version !== 0) throw corrupt('this file is not an audit log of this version of Talos');
  db.exec(`BEGIN IMMEDIATE; ${schema} COMMIT`);
}

export function pragma(db: DatabaseSync, text: string): unknown {
  return Object.values(db.prepare(`PRAGMA ${text}`).get() ?? {})[0];
}

/** Openings are plaintext of what the tools were given: the file is its owner's alone from its first byte. SQLite gives the WAL the same mode. */
export function privateFile(path: string): string {
  closeSync(openSync(path, 'a', 0o600));
  return path;
}

function isSameHead(a: PackedHead, b: PackedHead | undefined): boolean {
  return b === undefined ? a.size === 0 : a.size === b.size && equalBytes(a.root, b.root);
}
