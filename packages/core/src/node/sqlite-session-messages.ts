/** What the session store's two halves say to each other across the thread. Blobs are sealed before they come here. @module */
import type { AgentId } from '../identity/agent-id.ts';
import type { PackedWrites } from './sqlite-session-batch.ts';
import type { StoredPrekey } from '../session/prekeys.ts';

export type SessionDatabaseOptions = {
  readonly path: string;
  /** The rollback fence's own file, in another folder. */
  readonly fencePath: string;
};

/** The answer to a commit. `isFenced`: the fence was raised to it in the same breath. */
export type CommittedVersion = { readonly version: number; isFenced: boolean };

/** One agent of the home: two agents that talk to each other have the same session ids. */
type OfAgent = { readonly agent: string };

export type PrekeyName = Pick<StoredPrekey, 'kind' | 'id'>;

export type SessionRequest =
  | ({ readonly op: 'load'; readonly sessionId: string } & OfAgent)
  | ({ readonly op: 'sessionsWith'; readonly peer: AgentId } & OfAgent)
  | ({ readonly op: 'commit'; readonly sessionId: string; readonly expectedVersion: number; readonly writes: PackedWrites; readonly raises: boolean } & OfAgent)
  | ({ readonly op: 'opened'; readonly sessionId: string; readonly name: string } & OfAgent)
  | ({ readonly op: 'outbox' | 'inbox' } & OfAgent)
  | ({ readonly op: 'kept'; readonly peer: AgentId } & OfAgent)
  | ({ readonly op: 'removeOutbox' | 'removeInbox'; readonly ids: readonly string[] } & OfAgent)
  | ({ readonly op: 'removeKeptBefore'; readonly keptAt: number } & OfAgent)
  | ({ readonly op: 'sweepFence' } & OfAgent)
  | ({ readonly op: 'removeSession'; readonly sessionId: string } & OfAgent)
  | ({ readonly op: 'addPrekeys'; readonly rows: readonly StoredPrekey[] } & OfAgent)
  | ({ readonly op: 'prekeys'; readonly kind: StoredPrekey['kind'] } & OfAgent)
  | ({ readonly op: 'prekey' } & PrekeyName & OfAgent)
  | ({ readonly op: 'removePrekeys'; readonly rows: readonly PrekeyName[] } & OfAgent)
  | ({ readonly op: 'readFence'; readonly sessionId: string } & OfAgent)
  | ({ readonly op: 'raiseFence'; readonly sessionId: string; readonly version: number } & OfAgent)
  | { readonly op: 'close' };
