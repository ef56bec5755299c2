/**
 * The private part of a log in two files: payloads, and the keys of persons with what is under way. Apart, so that a copy of the payloads
 * is worth nothing once a key is destroyed (docs/spec/10 §1). Runs in a thread of its own. @module
 */
import { existsSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { subjectKeyLength, type ErasedOpenings, type ErasureTask, type LegalHold, type StoredOpening, type Subject } from '../audit/private-store.ts';
import { StoreError } from '../errors/store-error.ts';
import type { ClearSubject, SealedSubject } from './sealed-subjects.ts';
import { pragma, privateFile, takeLock } from './sqlite-audit-database.ts';
import { asStoreError, checkSqliteVersion } from './sqlite-audit-failure.ts';
import { unpackOpenings, type PackedOpenings, type PrivateOptions } from './sqlite-private-messages.ts';
import { readerPatienceMs, truncateWal } from './sqlite-purge.ts';

/** "talp" and "talk". */
const payloadsId = 0x74616c70;
const keysId = 0x74616c6b;
const formatVersion = 1;
/** The same format, where something was sealed and its clear form is perhaps not yet overwritten everywhere. */
const toBeScrubbed = 2;

const title = 'the private store';

const payloadsSchema = `
CREATE TABLE opening (i INTEGER NOT NULL, place INTEGER NOT NULL, field TEXT NOT NULL, subject TEXT, salt BLOB NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (i, place)) STRICT, WITHOUT ROWID;
CREATE INDEX opening_of ON opening (subject, i) WHERE subject IS NOT NULL;
CREATE TABLE recipient (i INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (i, name)) STRICT, WITHOUT ROWID;
`;
/** Made where it is missing: in a store from before, openings were durable before their entries, and the last that is there is the last there was. */
const savedTable = `
CREATE TABLE IF NOT EXISTS saved (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO saved (one, size) SELECT 1, coalesce(max(i) + 1, 0) FROM opening;
`;
const keysSchema = `
CREATE TABLE subject (ref TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, key BLOB NOT NULL, since INTEGER NOT NULL) STRICT;
CREATE TABLE task (number INTEGER PRIMARY KEY, entry TEXT NOT NULL) STRICT;
CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), finished INTEGER NOT NULL) STRICT;
CREATE TABLE hold (id TEXT PRIMARY KEY, hold TEXT NOT NULL) STRICT;
INSERT INTO state (one, finished) VALUES (1, 0);
`;

export class PrivateDatabase {
  readonly #lock: DatabaseSync | undefined;
  readonly #payloads: DatabaseSync;
  readonly #keys: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();
  /** After it no openings are kept: what follows would hide that some are missing. */
  #saveFailure: StoreError | undefined;

  /** @throws {@link StoreError} as the audit database; `TALOS_STORE_READ_FAILED` for a reader if the files are not there. */
  constructor({ path, keysPath, readOnly }: PrivateOptions) {
    checkSqliteVersion();
    this.#lock = readOnly ? undefined : takeLock(path);
    const opened: DatabaseSync[] = [];
    try {
      if (readOnly && !existsSync(path)) throw new StoreError({ code: 'TALOS_STORE_READ_FAILED', message: 'this log has no private store here' });
      const payloads = openFile({ path, readOnly, id: payloadsId, schema: payloadsSchema });
      opened.push(payloads);
      if (!readOnly) payloads.exec(`BEGIN IMMEDIATE; ${savedTable} COMMIT`);
      opened.push(openFile({ path: keysPath, readOnly, id: keysId, schema: keysSchema }));
    } catch (error) {
      for (const db of opened) db.close();
      this.#lock?.close();
      throw asStoreError(error, 'TALOS_STORE_READ_FAILED', title);
    }
    [this.#payloads, this.#keys] = opened as [DatabaseSync, DatabaseSync];
  }

  saveOpenings(packed: PackedOpenings): void {
    if (this.#saveFailure !== undefined) throw this.#saveFailure;
    try {
      this.#saveOpenings(packed);
    } catch (error) {
      this.#saveFailure = error as StoreError;
      throw error;
    }
  }

  saved(): number {
    return this.#on(this.#payloads, 'SELECT size FROM saved').get()?.['size'] as number;
  }

  #saveOpenings(packed: PackedOpenings): void {
    const save = this.#on(this.#payloads, 'INSERT INTO opening (i, place, field, subject, salt, payload) VALUES (?, ?, ?, ?, ?, ?)');
    this.#write(this.#payloads, () => {
      for (const { index, openings } of unpackOpenings(packed))
        for (const [place, { field, subject, salt, payload }] of openings.entries()) save.run(index, place, field, subject ?? null, salt, payload);
      const last = packed.entries.at(-1)?.index ?? -1;
      this.#on(this.#payloads, 'UPDATE saved SET size = max(size, ?)').run(last + 1);
    });
  }

  loadOpenings(index: number): StoredOpening[] {
    const rows = this.#on(this.#payloads, 'SELECT field, subject, salt, payload FROM opening WHERE i = ? ORDER BY place').all(index);
    return rows.map(({ subject, ...opening }) => ({ ...opening, ...(subject === null ? {} : { subject }) }) as unknown as StoredOpening);
  }

  trim(size: number): void {
    this.#write(this.#payloads, () => {
      this.#on(this.#payloads, 'DELETE FROM opening WHERE i >= ?').run(size);
      this.#on(this.#payloads, 'DELETE FROM recipient WHERE i >= ?').run(size);
    });
  }

  indices(of: { readonly subject: string } | { readonly from: number; readonly limit: number }): number[] {
    const rows =
      'subject' in of
        ? this.#on(this.#payloads, 'SELECT DISTINCT i FROM opening WHERE subject = ? ORDER BY i').all(of.subject)
        : this.#on(this.#payloads, 'SELECT DISTINCT i FROM opening WHERE i >= ? ORDER BY i LIMIT ?').all(of.from, of.limit);
    return rows.map(({ i }) => i as number);
  }

  findSubject(name: string): Subject | undefined {
    return this.#on(this.#keys, 'SELECT ref, key, since FROM subject WHERE name = ?').get(name) as Subject | undefined;
  }

  loadSubject(ref: string): Subject | undefined {
    return this.#on(this.#keys, 'SELECT ref, key, since FROM subject WHERE ref = ?').get(ref) as Subject | undefined;
  }

  ensureSubject(name: string, { ref, key, since }: Subject): Subject {
    const kept = this.findSubject(name);
    if (kept !== undefined) return kept;
    this.#write(this.#keys, () => this.#on(this.#keys, 'INSERT INTO subject (ref, name, key, since) VALUES (?, ?, ?, ?)').run(ref, name, key, since));
    return { ref, key, since };
  }

  /** Persons of a file that was written without a key for them. */
  clearSubjects(): ClearSubject[] {
    return this.#on(this.#keys, 'SELECT ref, name, key, since FROM subject WHERE length(key) = ?').all(subjectKeyLength) as unknown as ClearSubject[];
  }

  sealSubjects(sealed: readonly SealedSubject[]): void {
    const save = this.#on(this.#keys, 'UPDATE subject SET name = ?, key = ? WHERE ref = ?');
    this.#write(this.#keys, () => {
      for (const { ref, name, key } of sealed) save.run(name, key, ref);
      // In the same transaction: a crash from here on leaves the rest to the next opening.
      this.#keys.exec(`PRAGMA user_version = ${toBeScrubbed}`);
    });
  }

  /** Completes `sealSubjects`. @throws {@link StoreError} `TALOS_STORE_CONFLICT`, retryable, while a reader holds the file in its old state. */
  scrubSubjects(): void {
    if (pragma(this.#keys, 'user_version') !== toBeScrubbed) return;
    this.#keys.exec('VACUUM');
    truncateWal(this.#keys);
    this.#keys.exec(`PRAGMA user_version = ${formatVersion}`);
  }

  begin({ number, entry }: ErasureTask, subject: string | undefined): void {
    if (this.pending() !== undefined || number !== this.finished() + 1)
      throw new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'another erasure is under way' });
    this.#write(this.#keys, () => {
      this.#on(this.#keys, 'INSERT INTO task (number, entry) VALUES (?, ?)').run(number, JSON.stringify(entry));
      if (subject !== undefined) this.#on(this.#keys, 'DELETE FROM subject WHERE ref = ?').run(subject);
    });
  }

  pending(): ErasureTask | undefined {
    const row = this.#on(this.#keys, 'SELECT number, entry FROM task').get() as { readonly number: number; readonly entry: string } | undefined;
    return row === undefined ? undefined : { number: row.number, entry: JSON.parse(row.entry) as ErasureTask['entry'] };
  }

  finished(): number {
    return this.#on(this.#keys, 'SELECT finished FROM state').get()?.['finished'] as number;
  }

  /** Deleted cells are overwritten (`secure_delete`); VACUUM leaves no page of the old shape, and the WAL is emptied of both files' old pages. */
  erase(erased: ErasedOpenings): number {
    let count = 0;
    this.#write(this.#payloads, () => {
      if ('subject' in erased) count = Number(this.#on(this.#payloads, 'DELETE FROM opening WHERE subject = ?').run(erased.subject).changes);
      else for (const index of erased.indices) count += this.#eraseEntry(index, erased.field);
    });
    for (const db of [this.#keys, this.#payloads]) {
      db.exec('VACUUM');
      truncateWal(db);
    }
    return count;
  }

  finish(number: number): void {
    this.#write(this.#keys, () => {
      this.#on(this.#keys, 'DELETE FROM task WHERE number <= ?').run(number);
      this.#on(this.#keys, 'UPDATE state SET finished = max(finished, ?)').run(number);
    });
  }

  saveHold(hold: LegalHold): void {
    this.#write(this.#keys, () => this.#on(this.#keys, 'INSERT OR REPLACE INTO hold (id, hold) VALUES (?, ?)').run(hold.id, JSON.stringify(hold)));
  }

  removeHold(id: string): void {
    this.#write(this.#keys, () => this.#on(this.#keys, 'DELETE FROM hold WHERE id = ?').run(id));
  }

  holds(): LegalHold[] {
    return this.#on(this.#keys, 'SELECT hold FROM hold ORDER BY rowid')
      .all()
      .map(({ hold }) => JSON.parse(hold as string) as LegalHold);
  }

  saveDisclosures(indices: readonly number[], recipient: string): void {
    const save = this.#on(this.#payloads, 'INSERT OR IGNORE INTO recipient (i, name) VALUES (?, ?)');
    this.#write(this.#payloads, () => {
      for (const index of indices) save.run(index, recipient);
    });
  }

  recipients(index: number): string[] {
    return this.#on(this.#payloads, 'SELECT name FROM recipient WHERE i = ? ORDER BY name')
      .all(index)
      .map(({ name }) => name as string);
  }

  close(): void {
    this.#payloads.close();
    this.#keys.close();
    this.#lock?.close();
  }

  #eraseEntry(index: number, field: string | undefined): number {
    const all = 'DELETE FROM opening WHERE i = ?';
    const result = field === undefined ? this.#on(this.#payloads, all).run(index) : this.#on(this.#payloads, `${all} AND field = ?`).run(index, field);
    return Number(result.changes);
  }

  #on(db: DatabaseSync, sql: string): StatementSync {
    const prepared = this.#prepared.get(sql) ?? db.prepare(sql);
    this.#prepared.set(sql, prepared);
    return prepared;
  }

  #write(db: DatabaseSync, statements: () => unknown): void {
    try {
      db.exec('BEGIN IMMEDIATE');
      statements();
      db.exec('COMMIT');
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw asStoreError(error, 'TALOS_STORE_WRITE_FAILED', title);
    }
  }
}

type FileOptions = { readonly path: string; readonly readOnly: boolean; readonly id: number; readonly schema: string };

function openFile({ path, readOnly, id, schema }: FileOptions): DatabaseSync {
  const db = new DatabaseSync(readOnly ? path : privateFile(path), { readOnly });
  try {
    db.exec(`PRAGMA busy_timeout = ${readerPatienceMs}; PRAGMA trusted_schema = OFF`);
    if (!readOnly) {
      db.exec('PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA secure_delete = ON');
      // VACUUM would write all other payloads to a file of the system's own folder.
      db.exec('PRAGMA temp_store = MEMORY');
      if (pragma(db, 'journal_mode = WAL') !== 'wal')
        throw new StoreError({
          code: 'TALOS_STORE_UNSUPPORTED',
          message: 'the private store needs a file system where SQLite can use a WAL: choose a local disk',
        });
      const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { readonly tables: number };
      if (tables === 0 && pragma(db, 'application_id') === 0)
        db.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA application_id = ${id}; PRAGMA user_version = ${formatVersion}; COMMIT`);
    }
    const version = pragma(db, 'user_version');
    if (pragma(db, 'application_id') !== id || (version !== formatVersion && version !== toBeScrubbed))
      throw new StoreError({ code: 'TALOS_STORE_CORRUPT', message: 'this file is not a private store of this version of Talos' });
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
