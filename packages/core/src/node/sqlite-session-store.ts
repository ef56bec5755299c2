/**
 * The session store on SQLite: one file for the agents of a home, several processes at once, and the rollback fence beside it in a folder
 * of its own. The databases live in a worker thread; what is secret is sealed before it goes there.
 * @module
 */
import type { AgentId } from '../identity/agent-id.ts';
import type { RollbackFence } from '../session/fence.ts';
import type { StoredPrekey } from '../session/prekeys.ts';
import type { SessionStore, SessionWrites, StoredSession } from '../session/session-store.ts';
import { DatabaseThread } from './database-thread.ts';
import { rowSeal, type RowSeal } from './session-row-seal.ts';
import { encodeWrites } from './sqlite-session-batch.ts';
import type { SessionAnswers, SessionDatabaseOptions, SessionRequest } from './sqlite-session-messages.ts';

export type SqliteSessionsOptions = SessionDatabaseOptions & {
  /** 32 bytes: seals states, skipped keys, prekeys and contents. Copied. */
  readonly key: Uint8Array;
};

/** The open files, for any number of agents. */
export type SqliteSessions = {
  /** What this agent keeps. Agents of one file do not see each other's rows. */
  of(agent: AgentId): { readonly store: SessionStore; readonly fence: RollbackFence };
  close(): Promise<void>;
};

type Thread = DatabaseThread<SessionRequest>;

/**
 * Opens or creates both files; their folders exist.
 * @throws {@link StoreError} `TALOS_STORE_UNSUPPORTED` on SQLite below 3.51.3, `_CORRUPT` if a file is damaged or another program's,
 * `_READ_FAILED` if one cannot be opened.
 */
export async function openSqliteSessions({ path, fencePath, key }: SqliteSessionsOptions): Promise<SqliteSessions> {
  const workerData: SessionDatabaseOptions = { path, fencePath };
  const thread: Thread = new DatabaseThread({ url: workerUrl(), workerData, name: 'talos-sessions', title: 'this session store' });
  await thread.opened;
  const copy = Uint8Array.from(key);
  return {
    of: (agent) => ({ store: agentStore(thread, { agent, seal: rowSeal(copy, agent) }), fence: agentFence(thread, agent) }),
    close: () => thread.close(),
  };
}

/** Beside this file, in the form this file has: TypeScript when Node runs the sources, JavaScript when it runs the build. */
const workerUrl = (): URL =>
  import.meta.url.endsWith('.ts') ? new URL('./sqlite-session-worker.ts', import.meta.url) : new URL('./sqlite-session-worker.js', import.meta.url);

function agentFence(thread: Thread, agent: AgentId): RollbackFence {
  return {
    read: (sessionId) => thread.ask({ op: 'readFence', agent, sessionId }),
    sweep: () => thread.ask({ op: 'sweepFence', agent }),
    raise: (sessionId, version) => thread.ask({ op: 'raiseFence', agent, sessionId, version }),
  };
}

function agentStore(thread: Thread, { agent, seal }: { readonly agent: AgentId; readonly seal: RowSeal }): SessionStore {
  const rows = async <Op extends 'outbox' | 'inbox'>(op: Op): Promise<SessionAnswers[Op]> => thread.ask({ op, agent });
  return {
    load: async (sessionId) => openStored(seal, sessionId, await thread.ask<SessionAnswers['load']>({ op: 'load', agent, sessionId })),
    sessionsWith: (peer) => thread.ask({ op: 'sessionsWith', agent, peer }),
    commit: (sessionId, expectedVersion, writes) => {
      const packed = encodeWrites(sealWrites(seal, { sessionId, expectedVersion, writes }));
      return thread.ask({ op: 'commit', agent, sessionId, expectedVersion, writes: packed }, [packed.bytes]);
    },
    opened: (sessionId, name) => thread.ask({ op: 'opened', agent, sessionId, name }),
    outbox: () => rows('outbox'),
    inbox: async () => (await rows('inbox')).map((row) => ({ ...row, contents: seal.open(`inbox ${row.id}`, row.contents) })),
    kept: async (peer) =>
      (await thread.ask<SessionAnswers['kept']>({ op: 'kept', agent, peer })).map((row) => ({ ...row, contents: seal.open(`kept ${row.id}`, row.contents) })),
    removeOutbox: (ids) => thread.ask({ op: 'removeOutbox', agent, ids }),
    removeInbox: (ids) => thread.ask({ op: 'removeInbox', agent, ids }),
    removeKeptBefore: (keptAt) => thread.ask({ op: 'removeKeptBefore', agent, keptAt }),
    removeSession: (sessionId) => thread.ask({ op: 'removeSession', agent, sessionId }),
    addPrekeys: (added) => thread.ask({ op: 'addPrekeys', agent, rows: added.map((row) => ({ ...row, secret: seal.seal(placeOf(row), row.secret) })) }),
    prekeys: async (kind) => (await thread.ask<readonly StoredPrekey[]>({ op: 'prekeys', agent, kind })).map((row) => openPrekey(seal, row)),
    prekey: async (kind, id) => {
      const row = await thread.ask<StoredPrekey | undefined>({ op: 'prekey', agent, kind, id });
      return row && openPrekey(seal, row);
    },
    removePrekeys: (removed) => thread.ask({ op: 'removePrekeys', agent, rows: removed.map(({ kind, id }) => ({ kind, id })) }),
  };
}

function openStored(seal: RowSeal, sessionId: string, stored: StoredSession | undefined): StoredSession | undefined {
  if (stored === undefined) return undefined;
  const skipped = stored.skipped.map((row) => ({ ...row, messageKey: seal.open(`skipped ${sessionId} ${row.chain}/${row.number}`, row.messageKey) }));
  return { version: stored.version, state: seal.open(`state ${sessionId} ${stored.version}`, stored.state), skipped };
}

type SealInput = { readonly sessionId: string; readonly expectedVersion: number; readonly writes: SessionWrites };

/** What is secret is sealed; ids, DIDs, sizes and times are not, nor is a frame, which is ciphertext already. */
function sealWrites(rows: RowSeal, { sessionId, expectedVersion, writes }: SealInput): SessionWrites {
  const seal = rows.sealer();
  const sealed = { ...writes, state: seal(`state ${sessionId} ${expectedVersion + 1}`, writes.state) };
  const { skippedAdded = [], inbox = [], kept = [] } = writes;
  return {
    ...sealed,
    skippedAdded: skippedAdded.map((row) => ({ ...row, messageKey: seal(`skipped ${sessionId} ${row.chain}/${row.number}`, row.messageKey) })),
    inbox: inbox.map((row) => ({ ...row, contents: seal(`inbox ${row.id}`, row.contents) })),
    kept: kept.map((row) => ({ ...row, contents: seal(`kept ${row.id}`, row.contents) })),
  };
}

function openPrekey(seal: RowSeal, row: StoredPrekey): StoredPrekey {
  return { ...row, secret: seal.open(placeOf(row), row.secret) };
}

function placeOf({ kind, id }: Pick<StoredPrekey, 'kind' | 'id'>): string {
  return `prekey ${kind} ${id}`;
}
