/**
 * The session store in memory: for tests, and for agents whose sessions may end with the process. Nothing is encrypted: it is as secret
 * as the process. What is replaced or removed is wiped.
 * @module
 */
import { StoreError } from '../errors/store-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { minDedupeKeys } from './limits.ts';
import type { StoredPrekey } from './prekeys.ts';
import type { InboxRow, KeptRow, OpenedMessage, OutboxRow, SessionStore, SessionWrites } from './session-store.ts';
import type { StoredSkippedKey } from './session-state-codec.ts';
import { skippedKeyId } from './skipped-keys.ts';

type Row = {
  version: number;
  state: Uint8Array;
  readonly peer: AgentId;
  readonly skipped: Map<string, StoredSkippedKey>;
  readonly opened: Map<string, Uint8Array>;
};

type Tables = {
  readonly sessions: Map<string, Row>;
  readonly outbox: Map<string, OutboxRow>;
  readonly inbox: Map<string, InboxRow>;
  readonly kept: Map<string, KeptRow>;
  readonly prekeys: Map<string, StoredPrekey>;
  /** By `signed prekey id/ephemeral key`. */
  readonly ephemerals: Set<string>;
};

/** Empty. Every method runs in one turn of the event loop, so that commits are serializable without a lock. */
export function memorySessionStore(): SessionStore {
  const tables: Tables = { sessions: new Map(), outbox: new Map(), inbox: new Map(), kept: new Map(), prekeys: new Map(), ephemerals: new Set() };
  return {
    load: async (sessionId) => load(tables, sessionId),
    sessionsWith: async (peer) => [...tables.sessions].filter(([, row]) => row.peer === peer).map(([id]) => id),
    commit: async (sessionId, expectedVersion, writes) => commit(tables, { sessionId, expectedVersion, writes }),
    outbox: async () => [...tables.outbox.values()],
    inbox: async () => [...tables.inbox.values()],
    opened: async (sessionId, name) => tables.sessions.get(sessionId)?.opened.get(name)?.slice(),
    kept: async (peer) => [...tables.kept.values()].filter(({ to }) => to === peer),
    removeKeptBefore: async (keptAt) => [...tables.kept.values()].forEach((row) => row.keptAt < keptAt && removeKept(tables, row.id)),
    removeSession: async (sessionId) => removeSession(tables, sessionId),
    removeOutbox: async (ids) => ids.forEach((id) => tables.outbox.delete(id)),
    removeInbox: async (ids) => ids.forEach((id) => tables.inbox.delete(id)),
    addPrekeys: async (rows) => addPrekeys(tables, rows),
    prekeys: async (kind) => [...tables.prekeys.values()].filter((row) => row.kind === kind).map(copyPrekey),
    prekey: async (kind, id) => {
      const row = tables.prekeys.get(prekeyId({ kind, id }));
      return row === undefined ? undefined : copyPrekey(row);
    },
    removePrekeys: async (rows) => rows.forEach((row) => removePrekey(tables, row)),
  };
}

function load({ sessions }: Tables, sessionId: string): Awaited<ReturnType<SessionStore['load']>> {
  const row = sessions.get(sessionId);
  if (row === undefined) return undefined;
  return { version: row.version, state: Uint8Array.from(row.state), skipped: [...row.skipped.values()].map(copySkipped) };
}

type Commit = { readonly sessionId: string; readonly expectedVersion: number; readonly writes: SessionWrites };

/** Synchronous: every check comes before the first write, and nothing can come between them. */
function commit(tables: Tables, { sessionId, expectedVersion, writes }: Commit): number {
  const present = tables.sessions.get(sessionId);
  checkCommit(tables, { present, expectedVersion, writes });
  const row = present ?? { version: 0, state: writes.state, peer: writes.peer, skipped: new Map(), opened: new Map() };
  writeSession(row, writes);
  if (present === undefined) tables.sessions.set(sessionId, row);
  if (writes.consumedOneTimeId !== undefined) removePrekey(tables, { kind: 'oneTime', id: writes.consumedOneTimeId });
  if (writes.seenEphemeral !== undefined) tables.ephemerals.add(ephemeralId(writes.seenEphemeral));
  writeRows(tables, writes);
  return row.version;
}

function writeRows(tables: Tables, writes: SessionWrites): void {
  for (const id of writes.keptRemoved ?? []) if (tables.kept.get(id)?.to === writes.peer) removeKept(tables, id);
  for (const message of writes.kept ?? []) tables.kept.set(message.id, { ...message, contents: Uint8Array.from(message.contents) });
  for (const message of writes.outbox ?? []) tables.outbox.set(message.id, { ...message, frame: Uint8Array.from(message.frame) });
  for (const message of writes.inbox ?? []) tables.inbox.set(message.id, { ...message, contents: Uint8Array.from(message.contents) });
}

function writeSession(row: Row, writes: SessionWrites): void {
  const next = Uint8Array.from(writes.state);
  if (row.version > 0) row.state.fill(0);
  row.state = next;
  row.version += 1;
  for (const key of writes.skippedAdded ?? []) row.skipped.set(skippedKeyId(key.chain, key.number), copySkipped(key));
  for (const { chain, number } of writes.skippedRemoved ?? []) removeSkipped(row, skippedKeyId(chain, number));
  for (const message of writes.opened ?? []) rememberMessage(row, message);
}

/** One code for every lost race: the caller reloads, and sees then what was there first. */
function checkCommit(tables: Tables, { present, expectedVersion, writes }: { readonly present: Row | undefined } & Omit<Commit, 'sessionId'>): void {
  if ((present?.version ?? 0) !== expectedVersion) throw conflict('the session has another version');
  if (isRepeated(present, writes.opened ?? [])) throw conflict('a message was opened before');
  const { consumedOneTimeId, seenEphemeral } = writes;
  if (consumedOneTimeId !== undefined && !tables.prekeys.has(prekeyId({ kind: 'oneTime', id: consumedOneTimeId })))
    throw conflict('the one-time pair was consumed');
  if (seenEphemeral !== undefined && tables.ephemerals.has(ephemeralId(seenEphemeral))) throw conflict('the ephemeral key was seen before');
}

/** Of an earlier commit, or twice in this one. */
function isRepeated(present: Row | undefined, messages: readonly OpenedMessage[]): boolean {
  return new Set(messages.map(({ name }) => name)).size < messages.length || messages.some(({ name }) => present?.opened.has(name) === true);
}

/** Bounded: the state refuses older repeats by itself. */
function rememberMessage({ opened }: Row, { name, headerHash }: OpenedMessage): void {
  opened.set(name, Uint8Array.from(headerHash));
  if (opened.size <= minDedupeKeys) return;
  const [oldest] = opened.keys();
  opened.delete(oldest as string);
}

function removeKept({ kept }: Tables, id: string): void {
  kept.get(id)?.contents.fill(0);
  kept.delete(id);
}

function removeSession({ sessions }: Tables, sessionId: string): void {
  const row = sessions.get(sessionId);
  row?.state.fill(0);
  for (const { messageKey } of row?.skipped.values() ?? []) messageKey.fill(0);
  sessions.delete(sessionId);
}

function addPrekeys({ prekeys }: Tables, rows: readonly StoredPrekey[]): void {
  if (rows.some((row) => prekeys.has(prekeyId(row)))) throw conflict('the id of a prekey is taken');
  for (const row of rows) prekeys.set(prekeyId(row), copyPrekey(row));
}

function removePrekey({ prekeys, ephemerals }: Tables, { kind, id }: Pick<StoredPrekey, 'kind' | 'id'>): void {
  prekeys.get(prekeyId({ kind, id }))?.secret.fill(0);
  prekeys.delete(prekeyId({ kind, id }));
  if (kind !== 'signed') return;
  for (const seen of ephemerals) if (seen.startsWith(`${id}/`)) ephemerals.delete(seen);
}

function removeSkipped(row: Row, id: string): void {
  row.skipped.get(id)?.messageKey.fill(0);
  row.skipped.delete(id);
}

function copyPrekey(row: StoredPrekey): StoredPrekey {
  return { ...row, secret: Uint8Array.from(row.secret) };
}

function copySkipped(row: StoredSkippedKey): StoredSkippedKey {
  return { ...row, messageKey: Uint8Array.from(row.messageKey) };
}

function prekeyId({ kind, id }: Pick<StoredPrekey, 'kind' | 'id'>): string {
  return `${kind}/${id}`;
}

function ephemeralId({ signedPrekeyId, key }: NonNullable<SessionWrites['seenEphemeral']>): string {
  return `${signedPrekeyId}/${key}`;
}

function conflict(reason: string): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CONFLICT', message: `another writer was first: ${reason}`, retryable: true });
}
