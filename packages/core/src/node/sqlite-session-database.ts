/** The session database: schema, statements, the one commit. Runs in the store's thread; what is secret comes here sealed. @module */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { StoreError } from '../errors/store-error.ts';
import { minDedupeKeys } from '../session/limits.ts';
import type { StoredPrekey } from '../session/prekeys.ts';
import type { InboxRow, KeptRow, OpenedMessage, OutboxRow, SessionWrites, StoredSession } from '../session/session-store.ts';
import type { StoredSkippedKey } from '../session/session-state-codec.ts';
import { inOneTransaction, inTransaction, inUnsyncedTransaction, openDatabase } from './open-database.ts';
import { decodeWrites } from './sqlite-session-batch.ts';
import type { PrekeyName, SessionRequest } from './sqlite-session-messages.ts';

/** "talo" and one: not the log's. */
const applicationId = 0x74616c70;
const title = 'the session database';

/** Opened messages of a session between two sweeps of its oldest dedupe keys: a sweep walks the index, and more may stay than must. */
const sweepEvery = 256;

const schema = `
CREATE TABLE session (seq INTEGER PRIMARY KEY, agent TEXT NOT NULL, id TEXT NOT NULL, peer TEXT NOT NULL, version INTEGER NOT NULL, state BLOB NOT NULL, UNIQUE (agent, id)) STRICT;
CREATE INDEX session_peer ON session (agent, peer, seq);
CREATE TABLE skipped (agent TEXT NOT NULL, session TEXT NOT NULL, chain INTEGER NOT NULL, number INTEGER NOT NULL, key BLOB NOT NULL, stored_at INTEGER NOT NULL, PRIMARY KEY (agent, session, chain, number)) STRICT, WITHOUT ROWID;
CREATE TABLE opened (seq INTEGER PRIMARY KEY, session INTEGER NOT NULL, name TEXT NOT NULL, header BLOB NOT NULL, UNIQUE (session, name)) STRICT;
CREATE TABLE outbox (seq INTEGER PRIMARY KEY, agent TEXT NOT NULL, id TEXT NOT NULL, session TEXT NOT NULL, version INTEGER NOT NULL, peer TEXT NOT NULL, frame BLOB NOT NULL, UNIQUE (agent, id)) STRICT;
CREATE TABLE inbox (seq INTEGER PRIMARY KEY, agent TEXT NOT NULL, id TEXT NOT NULL, session TEXT NOT NULL, version INTEGER NOT NULL, peer TEXT NOT NULL, contents BLOB NOT NULL, frame_bytes INTEGER NOT NULL, received_at INTEGER NOT NULL, UNIQUE (agent, id)) STRICT;
CREATE TABLE kept (seq INTEGER PRIMARY KEY, agent TEXT NOT NULL, id TEXT NOT NULL, session TEXT NOT NULL, peer TEXT NOT NULL, contents BLOB NOT NULL, kept_at INTEGER NOT NULL, UNIQUE (agent, id)) STRICT;
CREATE TABLE prekey (agent TEXT NOT NULL, kind TEXT NOT NULL, id INTEGER NOT NULL, secret BLOB NOT NULL, not_after INTEGER NOT NULL, PRIMARY KEY (agent, kind, id)) STRICT, WITHOUT ROWID;
CREATE TABLE ephemeral (agent TEXT NOT NULL, prekey INTEGER NOT NULL, key TEXT NOT NULL, PRIMARY KEY (agent, prekey, key)) STRICT, WITHOUT ROWID
`;

type Asked<Op extends SessionRequest['op']> = Extract<SessionRequest, { readonly op: Op }>;
type Present = { readonly seq: number; readonly version: number };

export class SessionDatabase {
  readonly #db: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;
  /** Opened messages since the last sweep, by the session's row number. Lost with the process, which only puts a sweep off. */
  readonly #unswept = new Map<number, number>();

  constructor(path: string) {
    this.#db = openDatabase({ path, title, applicationId, formatVersion: 1, schema, synchronous: 'FULL' });
    this.#statements = prepare(this.#db);
  }

  load({ agent, sessionId }: Asked<'load'>): StoredSession | undefined {
    const { loadSession, loadSkipped } = this.#statements;
    const row = loadSession.get(agent, sessionId) as { version: number; state: Uint8Array } | undefined;
    return row && { version: row.version, state: row.state, skipped: loadSkipped.all(agent, sessionId) as unknown as StoredSkippedKey[] };
  }

  sessionsWith({ agent, peer }: Asked<'sessionsWith'>): readonly string[] {
    return this.#statements.sessionsWith.all(agent, peer).map((row) => row['id'] as string);
  }

  opened({ agent, sessionId, name }: Asked<'opened'>): Uint8Array | undefined {
    return this.#statements.loadOpened.get(agent, sessionId, name)?.['header'] as Uint8Array | undefined;
  }

  outbox({ agent }: Asked<'outbox' | 'inbox'>): readonly OutboxRow[] {
    return this.#statements.outbox.all(agent) as unknown as OutboxRow[];
  }

  inbox({ agent }: Asked<'outbox' | 'inbox'>): readonly InboxRow[] {
    return this.#statements.inbox.all(agent) as unknown as InboxRow[];
  }

  kept({ agent, peer }: Asked<'kept'>): readonly KeptRow[] {
    return this.#statements.kept.all(agent, peer) as unknown as KeptRow[];
  }

  /** All or none. A check that fails inside the transaction takes back what was written before it. */
  commit({ agent, sessionId, expectedVersion, writes: packed }: Asked<'commit'>): number {
    const writes = decodeWrites(packed);
    return inTransaction(this.#db, title, () => {
      const seq = this.#saveState({ agent, sessionId, expectedVersion, writes });
      this.#saveMemory(agent, { sessionId, seq, writes });
      this.#saveRows(agent, writes);
      return expectedVersion + 1;
    });
  }

  /** One transaction for all that is changed in it; each change is kept or refused by itself. If it throws none was kept. */
  together(changes: () => void): void {
    inOneTransaction(this.#db, title, changes);
  }

  removeOutbox({ agent, ids }: Asked<'removeOutbox' | 'removeInbox'>): void {
    if (ids.length > 0) inUnsyncedTransaction(this.#db, title, () => ids.forEach((id) => this.#statements.dropOutbox.run(agent, id)));
  }

  removeInbox({ agent, ids }: Asked<'removeOutbox' | 'removeInbox'>): void {
    if (ids.length > 0) inUnsyncedTransaction(this.#db, title, () => ids.forEach((id) => this.#statements.dropInbox.run(agent, id)));
  }

  removeKeptBefore({ agent, keptAt }: Asked<'removeKeptBefore'>): void {
    inTransaction(this.#db, title, () => this.#statements.sweepKept.run(agent, keptAt));
  }

  removeSession({ agent, sessionId }: Asked<'removeSession'>): void {
    const { findSession, dropSession, dropOpened, dropAllSkipped } = this.#statements;
    inTransaction(this.#db, title, () => {
      const present = findSession.get(agent, sessionId) as Present | undefined;
      if (present === undefined) return;
      dropOpened.run(present.seq);
      this.#unswept.delete(present.seq);
      dropAllSkipped.run(agent, sessionId);
      dropSession.run(present.seq);
    });
  }

  addPrekeys({ agent, rows }: Asked<'addPrekeys'>): void {
    inTransaction(this.#db, title, () => {
      for (const { kind, id, secret, notAfter } of rows)
        if (this.#statements.savePrekey.run(agent, kind, id, secret, notAfter).changes !== 1) throw conflict('the id of a prekey is taken');
    });
  }

  prekeys({ agent, kind }: Asked<'prekeys'>): readonly StoredPrekey[] {
    return this.#statements.prekeys.all(agent, kind) as unknown as StoredPrekey[];
  }

  prekey({ agent, kind, id }: Asked<'prekey'>): StoredPrekey | undefined {
    return this.#statements.prekey.get(agent, kind, id) as unknown as StoredPrekey | undefined;
  }

  removePrekeys({ agent, rows }: Asked<'removePrekeys'>): void {
    inTransaction(this.#db, title, () => rows.forEach((row) => this.#dropPrekey(agent, row)));
  }

  close(): void {
    this.#db.close();
  }

  /** @returns The session's row number. */
  #saveState({ agent, sessionId, expectedVersion, writes }: Omit<Asked<'commit'>, 'op' | 'writes' | 'raises'> & { readonly writes: SessionWrites }): number {
    const { findSession, saveSession, updateSession } = this.#statements;
    const present = findSession.get(agent, sessionId) as Present | undefined;
    if ((present?.version ?? 0) !== expectedVersion) throw conflict('the session has another version');
    if (present === undefined) return Number(saveSession.run(agent, sessionId, writes.peer, writes.state).lastInsertRowid);
    updateSession.run(expectedVersion + 1, writes.state, present.seq);
    return present.seq;
  }

  /** What the session remembers beside its state: skipped keys, opened messages, consumed and seen prekeys. */
  #saveMemory(agent: string, { sessionId, seq, writes }: { readonly sessionId: string; readonly seq: number; readonly writes: SessionWrites }): void {
    const { saveSkipped, dropSkipped, dropPrekey, saveEphemeral } = this.#statements;
    for (const { chain, number, messageKey, storedAt } of writes.skippedAdded ?? []) saveSkipped.run(agent, sessionId, chain, number, messageKey, storedAt);
    for (const { chain, number } of writes.skippedRemoved ?? []) dropSkipped.run(agent, sessionId, chain, number);
    this.#saveOpened(seq, writes.opened ?? []);
    const { consumedOneTimeId, seenEphemeral } = writes;
    if (consumedOneTimeId !== undefined && dropPrekey.run(agent, 'oneTime', consumedOneTimeId).changes !== 1) throw conflict('the one-time pair was consumed');
    if (seenEphemeral !== undefined && saveEphemeral.run(agent, seenEphemeral.signedPrekeyId, seenEphemeral.key).changes !== 1)
      throw conflict('the ephemeral key was seen before');
  }

  #saveOpened(seq: number, opened: readonly OpenedMessage[]): void {
    const { saveOpened, sweepOpened } = this.#statements;
    for (const { name, headerHash } of opened) if (saveOpened.run(seq, name, headerHash).changes !== 1) throw conflict('a message was opened before');
    const unswept = (this.#unswept.get(seq) ?? 0) + opened.length;
    if (unswept >= sweepEvery) sweepOpened.run(seq, seq, minDedupeKeys);
    this.#unswept.set(seq, unswept % sweepEvery);
  }

  #saveRows(agent: string, writes: SessionWrites): void {
    const { dropKept, saveOutbox, saveInbox, saveKept } = this.#statements;
    for (const id of writes.keptRemoved ?? []) dropKept.run(agent, id, writes.peer);
    for (const row of writes.kept ?? []) saveKept.run(agent, row.id, row.sessionId, row.to, row.contents, row.keptAt);
    for (const row of writes.outbox ?? []) saveOutbox.run(agent, row.id, row.sessionId, row.sessionVersion, row.to, row.frame);
    for (const row of writes.inbox ?? [])
      saveInbox.run(agent, row.id, row.sessionId, row.sessionVersion, row.from, row.contents, row.frameBytes, row.receivedAt);
  }

  #dropPrekey(agent: string, { kind, id }: PrekeyName): void {
    this.#statements.dropPrekey.run(agent, kind, id);
    if (kind === 'signed') this.#statements.dropEphemerals.run(agent, id);
  }
}

function prepare(db: DatabaseSync) {
  return {
    findSession: db.prepare('SELECT seq, version FROM session WHERE agent = ? AND id = ?'),
    loadSession: db.prepare('SELECT version, state FROM session WHERE agent = ? AND id = ?'),
    loadSkipped: db.prepare('SELECT chain, number, key AS messageKey, stored_at AS storedAt FROM skipped WHERE agent = ? AND session = ?'),
    sessionsWith: db.prepare('SELECT id FROM session WHERE agent = ? AND peer = ? ORDER BY seq'),
    loadOpened: db.prepare(
      'SELECT header FROM opened JOIN session ON opened.session = session.seq WHERE session.agent = ? AND session.id = ? AND opened.name = ?',
    ),
    outbox: db.prepare('SELECT id, session AS sessionId, version AS sessionVersion, peer AS "to", frame FROM outbox WHERE agent = ? ORDER BY seq'),
    inbox: db.prepare(
      'SELECT id, session AS sessionId, version AS sessionVersion, peer AS "from", contents, frame_bytes AS frameBytes, received_at AS receivedAt FROM inbox WHERE agent = ? ORDER BY seq',
    ),
    kept: db.prepare('SELECT id, session AS sessionId, peer AS "to", contents, kept_at AS keptAt FROM kept WHERE agent = ? AND peer = ? ORDER BY seq'),
    saveSession: db.prepare('INSERT INTO session (agent, id, peer, version, state) VALUES (?, ?, ?, 1, ?)'),
    updateSession: db.prepare('UPDATE session SET version = ?, state = ? WHERE seq = ?'),
    dropSession: db.prepare('DELETE FROM session WHERE seq = ?'),
    saveSkipped: db.prepare('INSERT OR REPLACE INTO skipped (agent, session, chain, number, key, stored_at) VALUES (?, ?, ?, ?, ?, ?)'),
    dropSkipped: db.prepare('DELETE FROM skipped WHERE agent = ? AND session = ? AND chain = ? AND number = ?'),
    dropAllSkipped: db.prepare('DELETE FROM skipped WHERE agent = ? AND session = ?'),
    saveOpened: db.prepare('INSERT INTO opened (session, name, header) VALUES (?, ?, ?) ON CONFLICT DO NOTHING'),
    sweepOpened: db.prepare('DELETE FROM opened WHERE session = ? AND seq <= (SELECT seq FROM opened WHERE session = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)'),
    dropOpened: db.prepare('DELETE FROM opened WHERE session = ?'),
    saveOutbox: db.prepare('INSERT INTO outbox (agent, id, session, version, peer, frame) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING'),
    dropOutbox: db.prepare('DELETE FROM outbox WHERE agent = ? AND id = ?'),
    saveInbox: db.prepare(
      'INSERT INTO inbox (agent, id, session, version, peer, contents, frame_bytes, received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    dropInbox: db.prepare('DELETE FROM inbox WHERE agent = ? AND id = ?'),
    saveKept: db.prepare('INSERT INTO kept (agent, id, session, peer, contents, kept_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING'),
    dropKept: db.prepare('DELETE FROM kept WHERE agent = ? AND id = ? AND peer = ?'),
    sweepKept: db.prepare('DELETE FROM kept WHERE agent = ? AND kept_at < ?'),
    savePrekey: db.prepare('INSERT INTO prekey (agent, kind, id, secret, not_after) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING'),
    prekeys: db.prepare('SELECT kind, id, secret, not_after AS notAfter FROM prekey WHERE agent = ? AND kind = ?'),
    prekey: db.prepare('SELECT kind, id, secret, not_after AS notAfter FROM prekey WHERE agent = ? AND kind = ? AND id = ?'),
    dropPrekey: db.prepare('DELETE FROM prekey WHERE agent = ? AND kind = ? AND id = ?'),
    saveEphemeral: db.prepare('INSERT INTO ephemeral (agent, prekey, key) VALUES (?, ?, ?) ON CONFLICT DO NOTHING'),
    dropEphemerals: db.prepare('DELETE FROM ephemeral WHERE agent = ? AND prekey = ?'),
  } satisfies Record<string, StatementSync>;
}

/** One code for every lost race: the caller reloads, and sees then what was there first. */
function conflict(reason: string): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CONFLICT', message: `another writer was first: ${reason}`, retryable: true });
}
