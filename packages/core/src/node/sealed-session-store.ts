/** Sessions at rest in any place: what is secret is sealed before a store that sees rows gets it (docs/spec/04 §6.6). @module */
import type { AgentId } from '../identity/agent-id.ts';
import type { StoredPrekey } from '../session/prekeys.ts';
import type { InboxRow, KeptRow, SessionStore, SessionWrites, StoredSession } from '../session/session-store.ts';
import { rowSeal, type RowSeal } from './session-row-seal.ts';

export type SealedSessionsOptions = {
  /** Keeps rows as they come. An object of functions, not a class. */
  readonly store: SessionStore;
  /** 32 bytes: seals states, skipped keys, prekeys and contents. Copied. */
  readonly key: Uint8Array;
  readonly agent: AgentId;
};

/**
 * The same store, of which `store` sees ids, DIDs, sizes, times and frames, and nothing secret. A blob that was moved to another row, agent or
 * peer, or put behind another version, does not open: `TALOS_STORE_CORRUPT`.
 */
export function sealedSessionStore({ store, key, agent }: SealedSessionsOptions): SessionStore {
  const seal = rowSeal(key, agent);
  return {
    ...store,
    load: async (sessionId) => openStored(seal, sessionId, await store.load(sessionId)),
    commit: (sessionId, expectedVersion, writes) => store.commit(sessionId, expectedVersion, sealWrites(seal, { sessionId, expectedVersion, writes })),
    inbox: async () => (await store.inbox()).map((row) => ({ ...row, contents: seal.open(inboxPlace(row), row.contents) })),
    kept: async (peer) => (await store.kept(peer)).map((row) => ({ ...row, contents: seal.open(keptPlace(row), row.contents) })),
    addPrekeys: (added) => store.addPrekeys(added.map((row) => ({ ...row, secret: seal.seal(prekeyPlace(row), row.secret) }))),
    prekeys: async (kind) => (await store.prekeys(kind)).map((row) => openPrekey(seal, row)),
    prekey: async (kind, id) => {
      const row = await store.prekey(kind, id);
      return row && openPrekey(seal, row);
    },
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
    inbox: inbox.map((row) => ({ ...row, contents: seal(inboxPlace(row), row.contents) })),
    kept: kept.map((row) => ({ ...row, contents: seal(keptPlace(row), row.contents) })),
  };
}

function openPrekey(seal: RowSeal, row: StoredPrekey): StoredPrekey {
  return { ...row, secret: seal.open(prekeyPlace(row), row.secret) };
}

/** With the sender: who may write rows must not put words into another's mouth … */
function inboxPlace({ id, from }: InboxRow): string {
  return `inbox ${id} ${from}`;
}

/** … nor have them sent again to another than they were for. */
function keptPlace({ id, to }: KeptRow): string {
  return `kept ${id} ${to}`;
}

function prekeyPlace({ kind, id }: Pick<StoredPrekey, 'kind' | 'id'>): string {
  return `prekey ${kind} ${id}`;
}
