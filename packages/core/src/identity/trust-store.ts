/** Where an agent keeps what it knows of its peers' keys (docs/spec/01 §7). @module */
import { StoreError } from '../errors/store-error.ts';
import type { AgentId } from './agent-id.ts';
import type { SignedKeyEvent } from './key-event.ts';
import type { KeyHistory } from './key-history.ts';

export type KnownPeer = {
  readonly did: AgentId;
  /** The longest history that was seen, verified; empty while only the key of the did:key is known. */
  readonly history: KeyHistory;
  /** The peer's agreement key, base64url: of its last handshake or card. Empty if none was seen. */
  readonly agreementKey: string;
  /** `explicit`: its owner was asked; `firstUse`: it was there first. */
  readonly pinned: 'explicit' | 'firstUse';
  /** Milliseconds since 1970. */
  readonly pinnedAt: number;
  /** Up to which event of our own history this peer was told. */
  readonly told: number;
  /** Where the peer takes its mail, by its newest card. */
  readonly endpoints?: readonly string[];
  /** A bundle that the peer gave for the session after the present one, base64url. */
  readonly bundle?: string;
  /** Two signed events of one sequence: the identity is refused for good, and this is why. */
  readonly equivocation?: readonly [SignedKeyEvent, SignedKeyEvent];
  /** Ends in a revocation, or equivocates. */
  readonly isRefused: boolean;
  /** 1 when it is first saved, one more each time. */
  readonly revision: number;
  /**
   * What is kept is of an older copy, or was changed: the peer counts again with a history of at least so many events, as its card has it. Said by
   * the store, never saved.
   */
  readonly lost?: { readonly events: number };
};

/** Of any number of agents: `owner` says whose knowledge it is. Integrity is the store's: who can write it unnoticed can make an agent forget a rotation. */
export interface TrustStore {
  load(owner: AgentId, did: AgentId): Promise<KnownPeer | undefined>;
  /** Of one agent, or of all. */
  all(owner?: AgentId): Promise<readonly KnownPeer[]>;
  /** Asked for each message: cheap. */
  isRefused(owner: AgentId, did: AgentId): Promise<boolean>;
  /**
   * Durable when it resolves. `peer.revision` is one more than that of what it replaces.
   * @throws {@link StoreError} `TALOS_STORE_CONFLICT` if another writer was first, `TALOS_STORE_WRITE_FAILED` if nothing was kept.
   */
  save(owner: AgentId, peer: KnownPeer): Promise<void>;
}

/** Gone with the process: a peer whose key changed before it began is met anew. */
export function memoryTrustStore(): TrustStore {
  const peers = new Map<string, KnownPeer>();
  return {
    load: async (owner, did) => peers.get(`${owner} ${did}`),
    all: async (owner) => [...peers].filter(([key]) => owner === undefined || key.startsWith(`${owner} `)).map(([, peer]) => peer),
    isRefused: async (owner, did) => peers.get(`${owner} ${did}`)?.isRefused === true,
    save: async (owner, peer) => {
      const key = `${owner} ${peer.did}`;
      if ((peers.get(key)?.revision ?? 0) !== peer.revision - 1) throw trustConflict();
      peers.set(key, peer);
    },
  };
}

export function trustConflict(): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'another writer knew more of this peer first: load again', retryable: true });
}
