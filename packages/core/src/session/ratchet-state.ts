/** What a Double Ratchet with header encryption holds between two messages. Immutable: a step makes a new one. @module */
import type { X25519PublicKey, X25519SecretKey } from '../primitives/keys.ts';
import type { Secret } from '../primitives/secret.ts';
import { beginPostQuantum, type PostQuantumState } from './post-quantum-step.ts';
import { noSkippedKeys, type SkippedKeys } from './skipped-keys.ts';

export type OwnSendingChain = {
  /** DHs: the secret whose public half the headers carry. */
  readonly ownRatchetKey: X25519SecretKey;
  /** CKs. */
  readonly chainKey: Secret;
  /** HKs. */
  readonly headerKey: Secret;
  /** Ns: the number of the next message. */
  readonly nextNumber: number;
};

export type PeerReceivingChain = {
  /** Counted from 1: names the chain in the rows of skipped keys and in the dedupe key. */
  readonly id: number;
  /** DHr. */
  readonly peerRatchetKey: X25519PublicKey;
  /** CKr. */
  readonly chainKey: Secret;
  /** HKr. */
  readonly headerKey: Secret;
  /** SHA-256 of what of a post-quantum step each of its headers carries, 32 bytes. */
  readonly kemHash?: Uint8Array | undefined;
  /** Nr: the lowest number whose key has not been derived. */
  readonly nextNumber: number;
};

/** A chain that the peer has left. Its header key opens stragglers until it falls out of the five. */
export type PeerOldChain = { readonly id: number; readonly headerKey: Secret; readonly closedAt: number };

export type RatchetState = {
  /** RK. */
  readonly rootKey: Secret;
  /**
   * `opening`: a responder before its first message; its ratchet key is the signed prekey, which others use too and nobody may wipe.
   * `waiting`: the peer's newest ratchet key was taken in, our answer to it is made when we send next.
   * `sending`: our chain stands.
   */
  readonly turn:
    | { readonly kind: 'opening'; readonly ownRatchetKey: X25519SecretKey }
    | { readonly kind: 'waiting'; readonly peerRatchetKey: X25519PublicKey }
    | { readonly kind: 'sending'; readonly chain: OwnSendingChain };
  /** NHKs: the header key of the sending chain after the present one. */
  readonly nextSendingHeaderKey: Secret;
  /** PN: how many messages the sending chain before the present one had. */
  readonly previousCount: number;
  readonly receiving?: PeerReceivingChain | undefined;
  /** NHKr. */
  readonly nextReceivingHeaderKey: Secret;
  /** Newest first, at most `maxOldChains`. */
  readonly oldChains: readonly PeerOldChain[];
  readonly skipped: SkippedKeys;
  readonly postQuantum: PostQuantumState;
};

/** What a handshake gives a ratchet to begin with; nothing was received, skipped or closed yet. */
export type RatchetStart = Pick<RatchetState, 'rootKey' | 'turn' | 'nextSendingHeaderKey' | 'nextReceivingHeaderKey'>;

export function beginRatchet(start: RatchetStart, now: number): RatchetState {
  return { ...start, previousCount: 0, receiving: undefined, oldChains: [], skipped: noSkippedKeys, postQuantum: beginPostQuantum(now) };
}
