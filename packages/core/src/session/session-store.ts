/**
 * Where sessions live: one port, one transaction (docs/spec/04 §6).
 *
 * State, outbox, inbox, consumed prekey and dedupe key are one commit, because a crash between two of them would leave a key that is
 * used twice or a message that is lost. Everything here is secret: a store that writes to disk encrypts it.
 * @module
 */
import type { AgentId } from '../identity/agent-id.ts';
import type { StoredPrekey } from './prekeys.ts';
import type { StoredSkippedKey } from './session-state-codec.ts';

export type StoredSession = {
  /** 1 after the first commit, one more with each. */
  readonly version: number;
  /** `encodeSessionState`. */
  readonly state: Uint8Array;
  readonly skipped: readonly StoredSkippedKey[];
};

/** A frame that is durable and not yet known to be taken over by the transport. Sent again byte for byte, never encrypted again. `id`: the frame's hash. */
export type OutboxRow = { readonly id: string; readonly sessionId: string; readonly sessionVersion: number; readonly to: AgentId; readonly frame: Uint8Array };

/** Contents that were opened and not yet handled. `id`: the frame's hash. */
export type InboxRow = {
  readonly id: string;
  readonly sessionId: string;
  readonly sessionVersion: number;
  readonly from: AgentId;
  readonly contents: Uint8Array;
  readonly frameBytes: number;
  readonly receivedAt: number;
};

/**
 * Contents that the peer has not acknowledged: what a new session encrypts again when this one is superseded. `id`: the message's name,
 * the hash of the frame that carried it first. Secret.
 */
export type KeptRow = { readonly id: string; readonly sessionId: string; readonly to: AgentId; readonly contents: Uint8Array; readonly keptAt: number };

/** A message that was opened: `chain/number`, and eight bytes of the hash of the header that named it. */
export type OpenedMessage = { readonly name: string; readonly headerHash: Uint8Array };

export type SessionWrites = {
  /** The new state. */
  readonly state: Uint8Array;
  readonly peer: AgentId;
  readonly skippedAdded?: readonly StoredSkippedKey[];
  /** Removed after `skippedAdded` was added: a key may be in both. */
  readonly skippedRemoved?: readonly Pick<StoredSkippedKey, 'chain' | 'number'>[];
  readonly outbox?: readonly OutboxRow[];
  readonly inbox?: readonly InboxRow[];
  readonly kept?: readonly KeptRow[];
  /** Names of kept rows that go with this commit, of any session with `peer` and of no other. */
  readonly keptRemoved?: readonly string[];
  /** In the order in which they were opened. The store keeps the last `minDedupeKeys` of a session at the least; the state refuses the rest. */
  readonly opened?: readonly OpenedMessage[];
  /** The one-time pair this session consumed: its secret is gone when the session is there. */
  readonly consumedOneTimeId?: number;
  /** An ephemeral key, base64url, that must not have been seen with this signed prekey before. */
  readonly seenEphemeral?: { readonly signedPrekeyId: number; readonly key: string };
};

export interface SessionStore {
  /** `undefined` if there is none. What it gives is the caller's own copy. */
  load(sessionId: string): Promise<StoredSession | undefined>;
  /** Ids of the sessions with this peer, in order of their first commit. Empty if there are none. */
  sessionsWith(peer: AgentId): Promise<readonly string[]>;
  /**
   * All writes or none, by compare-and-set: `expectedVersion` 0 creates, any other replaces. Durable when it resolves; serializable
   * with every other commit, of this process or another.
   * @returns The new version.
   * @throws {@link StoreError} `TALOS_STORE_CONFLICT` if the version is another, an opened message or the ephemeral key is there already, or
   * the one-time pair is not there (any more). `TALOS_STORE_WRITE_FAILED` if nothing was kept.
   */
  commit(sessionId: string, expectedVersion: number, writes: SessionWrites): Promise<number>;
  /** The header hash under which this message was opened; `undefined` if it was not, or too long ago. */
  opened(sessionId: string, name: string): Promise<Uint8Array | undefined>;
  /** Rows in the order in which they were committed. */
  outbox(): Promise<readonly OutboxRow[]>;
  inbox(): Promise<readonly InboxRow[]>;
  /** What a peer has not acknowledged, in order. */
  kept(peer: AgentId): Promise<readonly KeptRow[]>;
  /** Removes kept rows of any peer whose `keptAt` is earlier. */
  removeKeptBefore(keptAt: number): Promise<void>;
  /** Idempotent. State, skipped keys and dedupe keys go; outbox, inbox and kept rows stay. */
  removeSession(sessionId: string): Promise<void>;
  /** Idempotent. A row that comes back after a crash is sent or handled again, and recognised as a repeat. */
  removeOutbox(ids: readonly string[]): Promise<void>;
  removeInbox(ids: readonly string[]): Promise<void>;
  /** All or none; durable when it resolves. @throws {@link StoreError} `TALOS_STORE_CONFLICT` if an id of that kind is taken. */
  addPrekeys(rows: readonly StoredPrekey[]): Promise<void>;
  /** Every prekey of this kind, in no order. */
  prekeys(kind: StoredPrekey['kind']): Promise<readonly StoredPrekey[]>;
  /** `undefined` if the id is unknown or was consumed. */
  prekey(kind: StoredPrekey['kind'], id: number): Promise<StoredPrekey | undefined>;
  /** Idempotent. With a signed prekey go the ephemeral keys that were seen with it. */
  removePrekeys(rows: readonly Pick<StoredPrekey, 'kind' | 'id'>[]): Promise<void>;
}
