/** Mailboxes, bundles and where key histories end in one SQLite file. Every method is one statement or a few; transactions are write-queue's. @module */
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { StoreError, TalosError } from '@talosprotocol/core/errors';
import type { Quota } from './relay-limits.ts';

/** "trly". */
const applicationId = 0x74726c79;
const formatVersion = 1;
const pageBytes = 4096;
/** SQLite's primary result codes. */
const [busyCode, lockedCode] = [5, 6];

/** `share` 0 is that of all strangers together. Counted by triggers, so that no path of a deletion can forget to. */
const schema = `
CREATE TABLE agent (id INTEGER PRIMARY KEY AUTOINCREMENT, did TEXT NOT NULL UNIQUE, history BLOB NOT NULL) STRICT;
CREATE TABLE frame (
  id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox INTEGER NOT NULL, sender INTEGER NOT NULL, share INTEGER NOT NULL,
  hash TEXT NOT NULL, size INTEGER NOT NULL, expires INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE INDEX frame_of_mailbox ON frame (mailbox, id);
CREATE UNIQUE INDEX frame_once ON frame (mailbox, sender, hash);
CREATE INDEX frame_expires ON frame (expires);
CREATE TABLE share (mailbox INTEGER NOT NULL, share INTEGER NOT NULL, frames INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (mailbox, share)) STRICT, WITHOUT ROWID;
CREATE TRIGGER frame_kept AFTER INSERT ON frame BEGIN
  INSERT INTO share (mailbox, share, frames, bytes) VALUES (NEW.mailbox, NEW.share, 1, NEW.size)
  ON CONFLICT DO UPDATE SET frames = frames + 1, bytes = bytes + NEW.size; END;
CREATE TRIGGER frame_gone AFTER DELETE ON frame BEGIN
  UPDATE share SET frames = frames - 1, bytes = bytes - OLD.size WHERE mailbox = OLD.mailbox AND share = OLD.share; END;
CREATE TABLE contact (owner INTEGER NOT NULL, peer INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (owner, peer)) STRICT, WITHOUT ROWID;
CREATE INDEX contact_peer ON contact (peer);
CREATE TABLE bundle (
  id INTEGER PRIMARY KEY AUTOINCREMENT, owner INTEGER NOT NULL, one_time INTEGER NOT NULL, sequence INTEGER NOT NULL,
  expires INTEGER NOT NULL, hash TEXT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE INDEX bundle_of_owner ON bundle (owner, one_time, id);
CREATE UNIQUE INDEX bundle_once ON bundle (owner, hash);
PRAGMA application_id = ${applicationId};
PRAGMA user_version = ${formatVersion};
`;

export type StoredFrame = { readonly id: number; readonly body: Uint8Array };
export type NewFrames = {
  readonly mailbox: number;
  readonly sender: number;
  readonly expires: number;
  readonly rows: readonly { readonly hash: string; readonly body: Uint8Array }[];
};
export type NewBundle = {
  readonly owner: number;
  readonly oneTime: boolean;
  readonly sequence: number;
  readonly expires: number;
  readonly hash: string;
  readonly body: Uint8Array;
};

export type NewCard = { readonly owner: number; readonly issuedAt: number; readonly body: Uint8Array };

/** The row ids of agents that were asked for last. */
const maxCachedAgents = 10_000;

export class RelayDatabase {
  readonly #db: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #agents = new Map<string, number>();

  /** @throws {@link StoreError} `TALOS_STORE_CONFLICT` if another relay has it, `_CORRUPT`, `_READ_FAILED`. */
  constructor(path: string, maxBytes: number) {
    try {
      this.#db = openFile(path, maxBytes);
    } catch (error) {
      throw asStoreError(error);
    }
    this.#statements = prepare(this.#db);
  }

  /** All of it durable when this returns, or nothing. */
  transaction(run: () => void): void {
    this.#statements.begin.run();
    try {
      run();
      this.#statements.commit.run();
    } catch (error) {
      this.#agents.clear();
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** The row of this DID, made if there is none: call it in a transaction. */
  agent(did: string): number {
    const known = this.#agents.get(did);
    if (known !== undefined) return known;
    const found = this.#statements.findAgent.get(did)?.['id'] ?? this.#statements.saveAgent.run(did, new Uint8Array()).lastInsertRowid;
    if (this.#agents.size >= maxCachedAgents) this.#agents.clear();
    this.#agents.set(did, Number(found));
    return Number(found);
  }

  isKnown(did: string): boolean {
    return this.#agents.has(did) || this.#statements.findAgent.get(did) !== undefined;
  }

  /** What was kept of the key history (`history-pin.ts`); empty if nothing. */
  history(did: string): Uint8Array {
    return (this.#statements.history.get(did)?.['history'] as Uint8Array | undefined) ?? new Uint8Array();
  }

  saveHistory(agent: number, history: Uint8Array): void {
    this.#statements.saveHistory.run(history, agent);
  }

  /** Whether `owner` wrote to `peer` since `after`. */
  isContact(owner: number, peer: number, after: number): boolean {
    return this.#statements.isContact.get(owner, peer, after) !== undefined;
  }

  saveContact(owner: number, peer: number, now: number): void {
    this.#statements.saveContact.run(owner, peer, now);
  }

  /** How many were kept before the first that does not fit the share; one that was there already counts, and takes no room. */
  saveFrames({ mailbox, sender, expires, rows }: NewFrames, share: number, quota: Quota): number {
    const { used, hasFrame, saveFrame } = this.#statements;
    const { frames, bytes } = (used.get(mailbox, share) as Quota | undefined) ?? { frames: 0, bytes: 0 };
    const room = { frames: quota.frames - frames, bytes: quota.bytes - bytes };
    for (const [i, { hash, body }] of rows.entries()) {
      const fits = room.frames > 0 && body.length <= room.bytes;
      if (!fits && hasFrame.get(mailbox, sender, hash) === undefined) return i;
      if (!fits || saveFrame.run(mailbox, sender, share, hash, body.length, expires, body).changes === 0) continue;
      room.frames -= 1;
      room.bytes -= body.length;
    }
    return rows.length;
  }

  /** Read one by one: who takes them stops when it has enough. */
  *framesAfter(mailbox: number, after: number, now: number): Generator<StoredFrame> {
    for (const row of this.#statements.framesAfter.iterate(mailbox, after, now)) yield row as unknown as StoredFrame;
  }

  deleteFrames(mailbox: number, upTo: number): void {
    this.#statements.deleteFrames.run(mailbox, upTo);
  }

  saveCard({ owner, issuedAt, body }: NewCard): void {
    this.#statements.saveCard.run(owner, issuedAt, body);
  }

  card(did: string): Uint8Array | undefined {
    return this.#statements.card.get(did)?.['body'] as Uint8Array | undefined;
  }

  saveBundle({ owner, oneTime, sequence, expires, hash, body }: NewBundle): void {
    if (!oneTime) this.#statements.deleteLastResort.run(owner);
    this.#statements.saveBundle.run(owner, oneTime ? 1 : 0, sequence, expires, hash, body);
  }

  /** Older ones than the newest `keep` with a pair: their owner has published enough since. */
  trimBundles(owner: number, keep: number): void {
    this.#statements.trimBundles.run(owner, owner, keep);
  }

  /** Bundles under a key that was given up. */
  deleteBundlesBefore(owner: number, sequence: number): void {
    this.#statements.deleteBundlesBefore.run(owner, sequence);
  }

  /** The oldest with a one-time pair, which is gone then. */
  takePair(owner: number, now: number): Uint8Array | undefined {
    const row = this.#statements.firstBundle.get(owner, 1, now) as StoredFrame | undefined;
    if (row !== undefined) this.#statements.deleteBundle.run(row.id);
    return row?.body;
  }

  lastResort(owner: number, now: number): Uint8Array | undefined {
    return (this.#statements.firstBundle.get(owner, 0, now) as StoredFrame | undefined)?.body;
  }

  countPairs(owner: number, now: number): number {
    return (this.#statements.countPairs.get(owner, now) as { n: number }).n;
  }

  /** What is over. Agents that nothing names any more are forgotten, never where a history ends: a key that was given up would speak again. */
  sweep(now: number, contactsBefore: number): void {
    const { sweepFrames, sweepBundles, sweepContacts, sweepShares, sweepAgents } = this.#statements;
    sweepFrames.run(now);
    sweepBundles.run(now);
    sweepContacts.run(contactsBefore);
    sweepShares.run();
    sweepAgents.run();
    this.#agents.clear();
  }

  close(): void {
    this.#db.close();
  }
}

function prepare(db: DatabaseSync) {
  return {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    findAgent: db.prepare('SELECT id FROM agent WHERE did = ?'),
    saveAgent: db.prepare('INSERT INTO agent (did, history) VALUES (?, ?)'),
    history: db.prepare('SELECT history FROM agent WHERE did = ?'),
    saveHistory: db.prepare('UPDATE agent SET history = ? WHERE id = ?'),
    isContact: db.prepare('SELECT 1 FROM contact WHERE owner = ? AND peer = ? AND last > ?'),
    saveContact: db.prepare('INSERT INTO contact (owner, peer, last) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last'),
    used: db.prepare('SELECT frames, bytes FROM share WHERE mailbox = ? AND share = ?'),
    hasFrame: db.prepare('SELECT 1 FROM frame WHERE mailbox = ? AND sender = ? AND hash = ?'),
    saveFrame: db.prepare(
      'INSERT INTO frame (mailbox, sender, share, hash, size, expires, body) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (mailbox, sender, hash) DO NOTHING',
    ),
    framesAfter: db.prepare('SELECT id, body FROM frame WHERE mailbox = ? AND id > ? AND expires > ? ORDER BY id'),
    deleteFrames: db.prepare('DELETE FROM frame WHERE mailbox = ? AND id <= ?'),
    saveCard: db.prepare(
      'INSERT INTO card (owner, issued_at, body) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET issued_at = excluded.issued_at, body = excluded.body WHERE excluded.issued_at >= issued_at',
    ),
    card: db.prepare('SELECT body FROM card JOIN agent ON agent.id = card.owner WHERE agent.did = ?'),
    saveBundle: db.prepare(
      'INSERT INTO bundle (owner, one_time, sequence, expires, hash, body) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (owner, hash) DO NOTHING',
    ),
    deleteLastResort: db.prepare('DELETE FROM bundle WHERE owner = ? AND one_time = 0'),
    trimBundles: db.prepare(
      'DELETE FROM bundle WHERE owner = ? AND one_time = 1 AND id NOT IN (SELECT id FROM bundle WHERE owner = ? AND one_time = 1 ORDER BY id DESC LIMIT ?)',
    ),
    deleteBundlesBefore: db.prepare('DELETE FROM bundle WHERE owner = ? AND sequence < ?'),
    firstBundle: db.prepare('SELECT id, body FROM bundle WHERE owner = ? AND one_time = ? AND expires > ? ORDER BY id LIMIT 1'),
    deleteBundle: db.prepare('DELETE FROM bundle WHERE id = ?'),
    countPairs: db.prepare('SELECT count(*) AS n FROM bundle WHERE owner = ? AND one_time = 1 AND expires > ?'),
    sweepFrames: db.prepare('DELETE FROM frame WHERE expires <= ?'),
    sweepBundles: db.prepare('DELETE FROM bundle WHERE expires <= ?'),
    sweepContacts: db.prepare('DELETE FROM contact WHERE last <= ?'),
    sweepShares: db.prepare('DELETE FROM share WHERE frames = 0'),
    sweepAgents: db.prepare(`DELETE FROM agent WHERE length(history) = 0
      AND NOT EXISTS (SELECT 1 FROM frame WHERE mailbox = agent.id)
      AND NOT EXISTS (SELECT 1 FROM bundle WHERE owner = agent.id) AND NOT EXISTS (SELECT 1 FROM card WHERE owner = agent.id)
      AND NOT EXISTS (SELECT 1 FROM contact WHERE owner = agent.id) AND NOT EXISTS (SELECT 1 FROM contact WHERE peer = agent.id)`),
  } satisfies Record<string, StatementSync>;
}

/**
 * Held exclusively: one relay is the only reader and writer, so no second connection can meet the WAL-reset fault of SQLite below 3.51.3,
 * and two relays on one file are refused instead of taking turns.
 */
function openFile(path: string, maxBytes: number): DatabaseSync {
  // Its owner's alone from the first byte: who writes to whom is in it.
  closeSync(openSync(path, 'a', 0o600));
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON');
    db.exec(`PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON; PRAGMA max_page_count = ${Math.ceil(maxBytes / pageBytes)}`);
    if (pragma(db, 'journal_mode') !== 'wal') throw corrupt('its file system cannot hold a WAL: choose a local disk', 'TALOS_STORE_UNSUPPORTED');
    createOrCheckSchema(db);
    // Added to files of before there were cards.
    db.exec('CREATE TABLE IF NOT EXISTS card (owner INTEGER PRIMARY KEY, issued_at INTEGER NOT NULL, body BLOB NOT NULL) STRICT');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function createOrCheckSchema(db: DatabaseSync): void {
  const found = { id: pragma(db, 'application_id'), version: pragma(db, 'user_version') };
  if (found.id === applicationId && found.version === formatVersion) return;
  const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number };
  if (tables !== 0 || found.id !== 0 || found.version !== 0) throw corrupt('the file is not one of this version', 'TALOS_STORE_CORRUPT');
  db.exec(`BEGIN IMMEDIATE; ${schema} COMMIT`);
}

function pragma(db: DatabaseSync, name: string): unknown {
  return Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

function corrupt(reason: string, code: 'TALOS_STORE_CORRUPT' | 'TALOS_STORE_UNSUPPORTED'): StoreError {
  return new StoreError({ code, message: `the relay's database was refused: ${reason}` });
}

function asStoreError(error: unknown): TalosError {
  if (TalosError.isInstance(error)) return error;
  const primary = ((error as { readonly errcode?: number }).errcode ?? 0) & 0xff;
  if (primary === busyCode || primary === lockedCode)
    return new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'another relay has this database: close it, or choose another --db', cause: error });
  return new StoreError({ code: 'TALOS_STORE_READ_FAILED', message: 'the relay’s database cannot be opened', cause: error });
}
