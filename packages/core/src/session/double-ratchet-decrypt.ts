/**
 * The receiving half of the Double Ratchet with header encryption (Signal, revision 4, §4; docs/spec/04 §4): find the header's key,
 * open the body, and only then move. A state that goes out exists only if the tags verified: a forged, foreign or replayed message
 * cannot have advanced anything.
 *
 *     header under         number                    what happens
 *     next header key      within the bound          DH step, open, close the present chain
 *     next header key      beyond                    DH step, report the loss: the answer to it heals
 *     present header key   ahead, within the bound   walk the chain, open, store the keys passed over
 *     present header key   ahead, beyond             nothing moves, report the loss
 *     present header key   behind                    skipped key, or a duplicate
 *     old header key       any                       skipped key, or a duplicate
 *     none of seven                                  refused
 * @module
 */
import { importX25519PublicKey } from '#suite';
import { equalBytes } from '../bytes/equal.ts';
import { SessionError } from '../errors/session-error.ts';
import type { Secret } from '../primitives/secret.ts';
import { deriveMessageKey, deriveNextChainKey } from './chain-key.ts';
import { authFailed, type SealedMessage } from './frame.ts';
import type { MessageHeader } from './header.ts';
import { maxForward, maxHeaderTrials, maxOldChains, maxSkippedAgeMs } from './limits.ts';
import { contributeToReceiving, hashKemParts } from './post-quantum-step.ts';
import { talosRatchet, type RatchetConstants } from './ratchet-constants.ts';
import type { PeerOldChain, PeerReceivingChain, RatchetState } from './ratchet-state.ts';
import { deriveRootStep } from './root-key.ts';
import { skippedKeyId, updateSkippedKeys, type SkippedChange, type SkippedKey } from './skipped-keys.ts';

export type RatchetInput = {
  readonly message: SealedMessage;
  /** Associated data of the peer's direction. */
  readonly binding: Uint8Array;
  /** Milliseconds since 1970, for the age of skipped keys. */
  readonly now: number;
  /** Header keys to try, the likeliest first. Default `maxHeaderTrials`. */
  readonly maxTrials?: number | undefined;
  /** It came right behind a message that opened: the present chain is likelier than the next. A trial that fails costs more than the rest of a message. */
  readonly followsOpened?: boolean | undefined;
  /** Default: the only ones there are outside of tests. */
  readonly constants?: RatchetConstants;
};

export type RatchetReceipt = {
  readonly state: RatchetState;
  /**
   * Absent when the header is genuine but more messages are missing before it than the bound allows. Its body cannot be opened; the
   * session goes on, and heals as soon as the peer has seen an answer.
   */
  readonly plaintext?: Uint8Array | undefined;
  /** With the session id, the name of the message: no two messages that were opened share it. */
  readonly chain: number;
  readonly number: number;
  /** Messages that can never be opened any more, this one included if it is one of them. */
  readonly lost: number;
  readonly skipped: SkippedChange;
  /** Keys that only the old state needs: wipe them once the new state is durable. */
  readonly consumed: readonly Secret[];
};

/**
 * RatchetDecrypt.
 * @throws {@link SessionError} `TALOS_SESSION_AUTH_FAILED` if header or body do not open, `TALOS_SESSION_DUPLICATE` if the header is
 * genuine and its key was used or given up, `TALOS_SESSION_WEAK_PEER_KEY`. The state is then what it was.
 */
export function ratchetDecrypt(state: RatchetState, input: RatchetInput): RatchetReceipt {
  const { place, header, chain } = findHeader(state, input);
  if (place === 'next') return openInNextChain(state, header, input);
  const receiving = state.receiving as PeerReceivingChain;
  if (place === 'current' && !isSameHash(hashKemParts(header), receiving.kemHash)) throw authFailed();
  if (place === 'old' || header.number < receiving.nextNumber) return openSkipped(state, { chain, number: header.number }, input);
  if (!equalBytes(header.ratchetKey, receiving.peerRatchetKey.bytes)) throw authFailed();
  if (header.number - receiving.nextNumber > maxForward) return beyondBound(state, header, receiving);
  return openForward({ state, receiving, header, consumed: [] }, input);
}

/** Which message a frame says it is, if a header key opens it. Its body is not looked at. */
export function ratchetIdentify(state: RatchetState, input: RatchetInput): { readonly chain: number; readonly number: number } | undefined {
  try {
    const { chain, header } = findHeader(state, input);
    return { chain, number: header.number };
  } catch {
    return undefined;
  }
}

type FoundHeader = { readonly place: 'current' | 'next' | 'old'; readonly header: MessageHeader; readonly chain: number };

/** At most seven trials: the present chain, the next, five old ones. Which comes first decides the cost only. */
function findHeader(state: RatchetState, input: RatchetInput): FoundHeader {
  const constants = input.constants ?? talosRatchet;
  let left = input.maxTrials ?? maxHeaderTrials;
  for (const { place, headerKey, chain } of headerCandidates(state, input)) {
    if (left-- <= 0) break;
    const seal = { headerKey, isFirst: place === 'next', nonce: input.message.nonce, associatedData: input.binding };
    const header = constants.openHeader(input.message.encryptedHeader, seal);
    if (header !== undefined) return { place, header, chain };
  }
  throw authFailed();
}

/** `chain` is the receiving chain that a header under this key belongs to. */
type HeaderCandidate = { readonly place: FoundHeader['place']; readonly headerKey: Secret; readonly chain: number };

function* headerCandidates(state: RatchetState, { now, followsOpened = false }: RatchetInput): Generator<HeaderCandidate> {
  const { receiving, turn } = state;
  const current = receiving && ({ place: 'current', headerKey: receiving.headerKey, chain: receiving.id } as const);
  if (followsOpened && current !== undefined) yield current;
  // The peer begins a chain only in answer to a ratchet key of ours that it does not have while we wait; once we have sent, an answer is likelier.
  if (turn.kind !== 'waiting') yield { place: 'next', headerKey: state.nextReceivingHeaderKey, chain: (receiving?.id ?? 0) + 1 };
  if (!followsOpened && current !== undefined) yield current;
  for (const old of state.oldChains) if (now - old.closedAt <= maxSkippedAgeMs) yield { place: 'old', headerKey: old.headerKey, chain: old.id };
}

/** A key serves once: with the message it goes. The one that fails to open stays, for the genuine message. */
function openSkipped(state: RatchetState, name: { readonly chain: number; readonly number: number }, input: RatchetInput): RatchetReceipt {
  const used = state.skipped.get(skippedKeyId(name.chain, name.number));
  if (used === undefined) throw new SessionError({ code: 'TALOS_SESSION_DUPLICATE', message: 'this message was opened before, or its key was given up' });
  const plaintext = openBody(used.messageKey, input);
  const { keys, change } = updateSkippedKeys(state.skipped, { add: [], used, closedChains: [], now: input.now });
  return { ...name, state: { ...state, skipped: keys }, plaintext, lost: 0, skipped: change, consumed: keysOf(change) };
}

/** The receiving half of a DH ratchet step (§4.4 DHRatchetHE); the sending half waits until we send. */
function openInNextChain(state: RatchetState, header: MessageHeader, input: RatchetInput): RatchetReceipt {
  if (state.turn.kind === 'waiting') throw authFailed();
  const ownRatchetKey = state.turn.kind === 'opening' ? state.turn.ownRatchetKey : state.turn.chain.ownRatchetKey;
  const peerRatchetKey = importX25519PublicKey(header.ratchetKey);
  const kem = contributeToReceiving(state.postQuantum, header, input.now);
  const { rootInfo: info } = input.constants ?? talosRatchet;
  const step = deriveRootStep({ rootKey: state.rootKey, ownRatchetKey, peerRatchetKey, info, kemSecret: kem.kemSecret });
  const id = (state.receiving?.id ?? 0) + 1;
  const receiving = { id, peerRatchetKey, chainKey: step.chainKey, headerKey: state.nextReceivingHeaderKey, kemHash: hashKemParts(header), nextNumber: 0 };
  const entered: RatchetState = {
    ...state,
    rootKey: step.rootKey,
    turn: { kind: 'waiting', peerRatchetKey },
    previousCount: state.turn.kind === 'opening' ? 0 : state.turn.chain.nextNumber,
    receiving,
    nextReceivingHeaderKey: step.nextHeaderKey,
    postQuantum: kem.next,
  };
  const consumed = [state.rootKey, ...ownSecrets(state), ...kem.consumed];
  if (header.number > maxForward) {
    // The header is genuine, so its ratchet key is too: taking it in is what lets our answer heal the session.
    const closed = closeChain(state, { header, now: input.now });
    return finish(beyondBound(entered, header, receiving), { closed, consumed, now: input.now });
  }
  const opened = openForward({ state: entered, receiving, header, consumed }, input);
  // Only now, since a body that fails must not cost two thousand derivations.
  return finish(opened, { closed: closeChain(state, { header, now: input.now }), consumed: [], now: input.now });
}

/** The chain to walk, and the state it stands in: before the step for a present chain, after it for a new one. */
type Forward = {
  readonly state: RatchetState;
  readonly receiving: PeerReceivingChain;
  readonly header: MessageHeader;
  readonly consumed: readonly Secret[];
};

/** Walks the chain to the message's key, opens, and keeps the keys of what was passed over. */
function openForward({ state, receiving, header, consumed }: Forward, input: RatchetInput): RatchetReceipt {
  const chainKeys = walk(receiving.chainKey, header.number - receiving.nextNumber);
  const last = chainKeys.at(-1) as Secret;
  const messageKey = deriveMessageKey(last);
  let plaintext: Uint8Array;
  try {
    plaintext = openBody(messageKey, input);
  } catch (error) {
    for (const chainKey of chainKeys.slice(1)) chainKey.wipe();
    throw error;
  } finally {
    messageKey.wipe();
  }
  const add = passedOver(receiving, chainKeys.slice(0, -1), input.now);
  const advanced = { ...receiving, chainKey: deriveNextChainKey(last), nextNumber: header.number + 1 };
  const { keys, change } = updateSkippedKeys(state.skipped, { add, closedChains: [], now: input.now });
  const next = { ...state, receiving: advanced, skipped: keys };
  return {
    state: next,
    plaintext,
    chain: receiving.id,
    number: header.number,
    lost: 0,
    skipped: change,
    consumed: [...consumed, ...chainKeys, ...keysOf(change)],
  };
}

/** The chain key itself and `steps` more after it. */
function walk(chainKey: Secret, steps: number): readonly Secret[] {
  const chainKeys = [chainKey];
  for (let i = 0; i < steps; i++) chainKeys.push(deriveNextChainKey(chainKeys[i] as Secret));
  return chainKeys;
}

/** The keys of the messages that were not there, so that they can still come. Derived after the body opened, not before. */
function passedOver(chain: PeerReceivingChain, chainKeys: readonly Secret[], now: number): readonly SkippedKey[] {
  return chainKeys.map((chainKey, i) => ({ chain: chain.id, number: chain.nextNumber + i, messageKey: deriveMessageKey(chainKey), storedAt: now }));
}

type ClosedChain = {
  readonly oldChains: readonly PeerOldChain[];
  readonly closedIds: readonly number[];
  readonly add: readonly SkippedKey[];
  readonly lost: number;
  readonly consumed: readonly Secret[];
};

/** Ends the present receiving chain at the peer's previous count. More missing than the bound: the chain is dropped, the session goes on. */
function closeChain(state: RatchetState, { header, now }: { readonly header: MessageHeader; readonly now: number }): ClosedChain {
  const { receiving } = state;
  const missing = header.previousCount - (receiving?.nextNumber ?? 0);
  // Fewer than we have opened, or a chain before the first: only a peer that does not keep to the protocol says so.
  if (missing < 0 || (receiving === undefined && missing > 0)) throw authFailed();
  if (receiving === undefined) return { oldChains: [], closedIds: [], add: [], lost: 0, consumed: [] };
  const isLost = missing > maxForward;
  const chainKeys = isLost || missing === 0 ? [receiving.chainKey] : walk(receiving.chainKey, missing);
  const add = isLost ? [] : passedOver(receiving, chainKeys.slice(0, missing), now);
  const candidates = [{ id: receiving.id, headerKey: receiving.headerKey, closedAt: now }, ...state.oldChains];
  const oldChains = candidates.filter((chain, i) => i < maxOldChains && now - chain.closedAt <= maxSkippedAgeMs);
  const dropped = candidates.filter((chain) => !oldChains.includes(chain));
  const consumed = [...chainKeys, ...dropped.map((chain) => chain.headerKey)];
  return { oldChains, closedIds: dropped.map((chain) => chain.id), add, lost: isLost ? missing : 0, consumed };
}

/** The step's effects on chains and skipped keys, on top of what opening the message itself did. */
function finish(receipt: RatchetReceipt, step: { readonly closed: ClosedChain; readonly consumed: readonly Secret[]; readonly now: number }): RatchetReceipt {
  const { closed, now } = step;
  const { keys, change } = updateSkippedKeys(receipt.state.skipped, { add: closed.add, closedChains: closed.closedIds, now });
  const state = { ...receipt.state, oldChains: closed.oldChains, skipped: keys };
  const skipped = { added: [...receipt.skipped.added, ...change.added], removed: [...receipt.skipped.removed, ...change.removed] };
  const consumed = [...receipt.consumed, ...step.consumed, ...closed.consumed, ...keysOf(change)];
  return { ...receipt, state, skipped, lost: receipt.lost + closed.lost, consumed };
}

/** Costs nothing, whatever number the header names: no key is derived for it. */
function beyondBound(state: RatchetState, header: MessageHeader, receiving: PeerReceivingChain): RatchetReceipt {
  const lost = header.number - receiving.nextNumber + 1;
  return { state, chain: receiving.id, number: header.number, lost, skipped: { added: [], removed: [] }, consumed: [] };
}

function isSameHash(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b);
}

/** The second tag. One opaque error, as for the first: nobody learns how far a forged frame got. */
function openBody(messageKey: Secret, { message, binding, constants = talosRatchet }: RatchetInput): Uint8Array {
  try {
    return constants.decryptBody(message, { messageKey, binding });
  } catch {
    throw authFailed();
  }
}

/** What a receiving step makes useless of our own chain. The signed prekey of an opening responder is not ours alone. */
function ownSecrets({ turn }: RatchetState): readonly Secret[] {
  return turn.kind === 'sending' ? [turn.chain.chainKey, turn.chain.headerKey, turn.chain.ownRatchetKey.scalar] : [];
}

/** Removed from the map, not yet from memory. */
function keysOf(change: SkippedChange): readonly Secret[] {
  return change.removed.map((key) => key.messageKey);
}
