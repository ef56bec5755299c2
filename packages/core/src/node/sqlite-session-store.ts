/**
 * The session store on SQLite: one file for the agents of a home, several processes at once, and the rollback fence beside it in a folder
 * of its own. The databases live in a worker thread; what is secret is sealed before it goes there.
 * @module
 */
import type { AgentId } from '../identity/agent-id.ts';
import type { RollbackFence } from '../session/fence.ts';
import type { SessionStore } from '../session/session-store.ts';
import { DatabaseThread } from './database-thread.ts';
import { sealedSessionStore } from './sealed-session-store.ts';
import { encodeWrites } from './sqlite-session-batch.ts';
import type { CommittedVersion, SessionDatabaseOptions, SessionRequest } from './sqlite-session-messages.ts';

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
    of: (agent) => {
      const fenced: Fenced = { isAsked: false, versions: new Map() };
      return { store: sealedSessionStore({ store: agentStore({ thread, fenced }, agent), key: copy, agent }), fence: agentFence({ thread, fenced }, agent) };
    },
    close: () => thread.close(),
  };
}

/** Beside this file, in the form this file has: TypeScript when Node runs the sources, JavaScript when it runs the build. */
const workerUrl = (): URL =>
  import.meta.url.endsWith('.ts') ? new URL('./sqlite-session-worker.ts', import.meta.url) : new URL('./sqlite-session-worker.js', import.meta.url);

/** `isAsked`: who raises the fence does so after each commit, which then does it itself. `versions`: by session, to which one it did, until that is asked for. */
type Fenced = { isAsked: boolean; readonly versions: Map<string, number> };

type AgentParts = { readonly thread: Thread; readonly fenced: Fenced };

function agentFence({ thread, fenced }: AgentParts, agent: AgentId): RollbackFence {
  return {
    read: (sessionId) => thread.ask({ op: 'readFence', agent, sessionId }),
    sweep: () => thread.ask({ op: 'sweepFence', agent }),
    raise: async (sessionId, version) => {
      const isRaised = fenced.versions.get(sessionId) === version;
      fenced.versions.delete(sessionId);
      fenced.isAsked = true;
      if (!isRaised) await thread.ask({ op: 'raiseFence', agent, sessionId, version });
    },
  };
}

/** Rows as they come: what is secret is sealed by then. */
function agentStore({ thread, fenced }: AgentParts, agent: AgentId): SessionStore {
  return {
    load: (sessionId) => thread.ask({ op: 'load', agent, sessionId }),
    sessionsWith: (peer) => thread.ask({ op: 'sessionsWith', agent, peer }),
    commit: async (sessionId, expectedVersion, writes) => {
      const packed = encodeWrites(writes);
      const request = { op: 'commit', agent, sessionId, expectedVersion, writes: packed, raises: fenced.isAsked } as const;
      const { version, isFenced } = await thread.ask<CommittedVersion>(request, [packed.bytes]);
      if (isFenced) fenced.versions.set(sessionId, version);
      return version;
    },
    opened: (sessionId, name) => thread.ask({ op: 'opened', agent, sessionId, name }),
    outbox: () => thread.ask({ op: 'outbox', agent }),
    inbox: () => thread.ask({ op: 'inbox', agent }),
    kept: (peer) => thread.ask({ op: 'kept', agent, peer }),
    removeOutbox: (ids) => thread.askLater({ op: 'removeOutbox', agent, ids }),
    removeInbox: (ids) => thread.askLater({ op: 'removeInbox', agent, ids }),
    removeKeptBefore: (keptAt) => thread.ask({ op: 'removeKeptBefore', agent, keptAt }),
    removeSession: (sessionId) => thread.ask({ op: 'removeSession', agent, sessionId }),
    addPrekeys: (rows) => thread.ask({ op: 'addPrekeys', agent, rows }),
    prekeys: (kind) => thread.ask({ op: 'prekeys', agent, kind }),
    prekey: (kind, id) => thread.ask({ op: 'prekey', agent, kind, id }),
    removePrekeys: (removed) => thread.ask({ op: 'removePrekeys', agent, rows: removed.map(({ kind, id }) => ({ kind, id })) }),
  };
}
