/** What a witness must never forget: the last checkpoint that it cosigned of each log. One SQLite file, held by one process. @module */
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { StoreError, TalosError } from '@talosprotocol/core/errors';
import { maxEquivocations } from './witness-limits.ts';

/** "twit". */
const applicationId = 0x74776974;
const formatVersion = 1;
/** SQLite's primary result codes. */
const [busyCode, lockedCode] = [5, 6];

const schema = `
CREATE TABLE log (origin TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE equivocation (id INTEGER PRIMARY KEY AUTOINCREMENT, origin TEXT NOT NULL, file TEXT NOT NULL, UNIQUE (origin, file)) STRICT;
PRAGMA application_id = ${applicationId};
PRAGMA user_version = ${formatVersion};
`;

/** `note` carries the cosignature once it is made; until then it is the log's own. */
export type WitnessedLog = { readonly size: number; readonly root: Uint8Array; readonly note: string };
export type NewHead = WitnessedLog & { readonly origin: string; readonly hash: string };

export class WitnessDatabase {
  readonly #db: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;
  #failure: StoreError | undefined;

  /** @throws {@link StoreError} `TALOS_STORE_CONFLICT` if another witness has it, `_CORRUPT`, `_UNSUPPORTED`, `_READ_FAILED`. */
  constructor(path: string) {
    try {
      this.#db = openFile(path);
      this.#statements = prepare(this.#db);
    } catch (error) {
      throw asStoreError(error, 'TALOS_STORE_READ_FAILED');
    }
  }

  load(origin: string): WitnessedLog | undefined {
    return this.#statements.load.get(origin) as WitnessedLog | undefined;
  }

  /** By the SHA-256 of its origin, hex: how monitors ask. */
  noteOf(hash: string): string | undefined {
    return this.#statements.noteOf.get(hash)?.['note'] as string | undefined;
  }

  /**
   * Replaces the head of a log if its size is still `oldSize`, 0 for none: durable when this returns true. After a failed write nothing is
   * written any more, as it is not known what reached the disk.
   * @throws {@link StoreError} `TALOS_STORE_WRITE_FAILED`.
   */
  replace(head: NewHead, oldSize: number): boolean {
    return this.#write(() => {
      const { changes } =
        oldSize === 0 ? this.#insertOrReplaceEmpty(head) : this.#statements.replace.run(head.size, head.root, head.note, head.origin, oldSize);
      return Number(changes) === 1;
    });
  }

  /** Adds the cosignature to the note of a head that is still there. */
  saveNote(origin: string, size: number, note: string): void {
    this.#write(() => this.#statements.saveNote.run(note, origin, size));
  }

  saveEquivocation(origin: string, file: string): void {
    const { count } = this.#statements.countEquivocations.get(origin) as { count: number };
    if (count < maxEquivocations) this.#write(() => this.#statements.saveEquivocation.run(origin, file));
  }

  loadEquivocations(origin: string): string[] {
    return this.#statements.loadEquivocations.all(origin).map(({ file }) => file as string);
  }

  close(): void {
    this.#db.close();
  }

  #insertOrReplaceEmpty({ origin, hash, size, root, note }: NewHead) {
    return this.#statements.insert.run(origin, hash, size, root, note);
  }

  #write<T>(change: () => T): T {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      // One statement is one transaction, synced to disk when it returns.
      return change();
    } catch (error) {
      this.#failure = asStoreError(error, 'TALOS_STORE_WRITE_FAILED') as StoreError;
      throw this.#failure;
    }
  }
}

function prepare(db: DatabaseSync) {
  return {
    load: db.prepare('SELECT size, root, note FROM log WHERE origin = ?'),
    noteOf: db.prepare('SELECT note FROM log WHERE hash = ?'),
    insert: db.prepare(`INSERT INTO log (origin, hash, size, root, note) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note WHERE log.size = 0`),
    replace: db.prepare('UPDATE log SET size = ?, root = ?, note = ? WHERE origin = ? AND size = ?'),
    saveNote: db.prepare('UPDATE log SET note = ? WHERE origin = ? AND size = ?'),
    countEquivocations: db.prepare('SELECT count(*) AS count FROM equivocation WHERE origin = ?'),
    saveEquivocation: db.prepare('INSERT INTO equivocation (origin, file) VALUES (?, ?) ON CONFLICT DO NOTHING'),
    loadEquivocations: db.prepare('SELECT file FROM equivocation WHERE origin = ? ORDER BY id'),
  } satisfies Record<string, StatementSync>;
}

/** Held exclusively, as the relay's: two witnesses of one key would cosign two histories. */
function openFile(path: string): DatabaseSync {
  closeSync(openSync(path, 'a', 0o600));
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA trusted_schema = OFF');
    if (pragma(db, 'journal_mode') !== 'wal') throw refused('its file system cannot hold a WAL: choose a local disk', 'TALOS_STORE_UNSUPPORTED');
    const found = { id: pragma(db, 'application_id'), version: pragma(db, 'user_version') };
    if (found.id === applicationId && found.version === formatVersion) return db;
    const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number };
    if (tables !== 0 || found.id !== 0 || found.version !== 0) throw refused('the file is not one of this version', 'TALOS_STORE_CORRUPT');
    db.exec(`BEGIN IMMEDIATE; ${schema} COMMIT`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function pragma(db: DatabaseSync, name: string): unknown {
  return Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

function refused(reason: string, code: 'TALOS_STORE_CORRUPT' | 'TALOS_STORE_UNSUPPORTED'): StoreError {
  return new StoreError({ code, message: `the witness's database was refused: ${reason}` });
}

function asStoreError(error: unknown, code: 'TALOS_STORE_READ_FAILED' | 'TALOS_STORE_WRITE_FAILED'): TalosError {
  if (TalosError.isInstance(error)) return error;
  const primary = ((error as { readonly errcode?: number }).errcode ?? 0) & 0xff;
  if (primary === busyCode || primary === lockedCode)
    return new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'another witness has this database: close it, or choose another --db', cause: error });
  return new StoreError({ code, message: 'the witness’s database cannot be used', cause: error });
}
