/**
 * Which keys speak for the peers of one agent (docs/spec/01 §7). A peer is pinned when its owner says so, or when it is first met; from
 * then on another key speaks for it only if the signed history says so.
 * @module
 */
import { decodeBase64url, encodeBase64url } from '../bytes/base64url.ts';
import type { Env } from '../env/env.ts';
import { IdentityError } from '../errors/identity-error.ts';
import { StoreError } from '../errors/store-error.ts';
import { importX25519PublicKey } from '#suite';
import type { Ed25519PublicKey, X25519PublicKey } from '../primitives/keys.ts';
import { parseAgentId, type AgentId } from './agent-id.ts';
import type { FingerprintEnd } from './fingerprint.ts';
import { badHistory } from './key-event.ts';
import { reconcileKeyHistories, verifyKeyHistory, type KeyHistory } from './key-history.ts';
import type { KnownPeer, TrustStore } from './trust-store.ts';

/** What changed of a peer that was known. `key`: it rotated; `agreementKey`: the fingerprint changed; the rest is refused from now on. */
export type PeerChange = { readonly did: AgentId; readonly change: 'key' | 'agreementKey' | 'revoked' | 'equivocation' };

export type PeersOptions = {
  readonly owner: AgentId;
  readonly store: TrustStore;
  readonly env: Pick<Env, 'now'>;
  /** `refuse`: only peers that were pinned explicitly. Default `allow`: who comes first under a did:key is its key. */
  readonly firstContact?: 'allow' | 'refuse';
  readonly onChange?: (change: PeerChange) => void;
  /** Whenever more is known than before, and before `onChange`. */
  readonly onLearned?: (peer: KnownPeer) => void;
};

/** What a handshake showed of a peer, all of it verified. */
export type Meeting = {
  readonly history?: KeyHistory | undefined;
  readonly agreementKey?: X25519PublicKey;
  readonly endpoints?: readonly string[];
  readonly isExplicit?: true;
};

/** As a bundle has at most. */
const maxBundleBytes = 4096;
/** Other processes of this agent write too. */
const maxAttempts = 4;

export class Peers {
  readonly #options: PeersOptions;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /**
   * The key that speaks for `did`, if it is that of event `sequence`. Changes nothing: whether the peer holds that key is yet to be seen.
   * @param offered - The history that came along; it counts as far as it continues what is known.
   * @throws {@link IdentityError} `TALOS_IDENTITY_KEY_CHANGED`, `_NOT_PINNED`, `_REVOKED`, `_EQUIVOCATION`, `_BAD_HISTORY`, `_ROLLED_BACK`.
   */
  async resolveKey(did: AgentId, sequence: number, offered?: KeyHistory): Promise<Ed25519PublicKey> {
    const known = await this.#options.store.load(this.#options.owner, did);
    this.#admit(known, did);
    const history = longest(known?.history ?? [], offered ?? [], did);
    requireFound(did, history, known?.lost);
    if (history.length === 0) {
      if (sequence === 0) return parseAgentId(did);
      throw keyChanged('its key changed, and no signed history says so: take its identity card with client.pin(card), or connect through a directory');
    }
    const state = verifyKeyHistory(history);
    if (state.revoked) throw revoked(did);
    if (sequence < state.sequence) throw keyChanged('it is signed with a key that the peer gave up: ask for a new bundle');
    if (sequence > state.sequence) throw keyChanged('its key is newer than its known history: take its identity card with client.pin(card)');
    return state.currentKey;
  }

  /** Keeps what a handshake, a card or a message proved. A history that contradicts the known one refuses the identity for good. */
  async learn(did: AgentId, { history = [], agreementKey, endpoints, isExplicit }: Meeting): Promise<void> {
    const met = { did, history, agreementKey: agreementKey && encodeBase64url(agreementKey.bytes), endpoints, isExplicit };
    const peer = await this.#save(met);
    if (peer.equivocation !== undefined) throw equivocation(did);
  }

  async #save(met: Merge): Promise<KnownPeer> {
    const { store, owner, env } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const known = await store.load(owner, met.did);
      const peer = mergePeer(known, met, env.now());
      if (peer === known) return peer;
      try {
        await store.save(owner, peer);
        this.#tell(known, peer);
        return peer;
      } catch (error) {
        if (!isConflict(error) || attempt === maxAttempts) throw error;
      }
    }
  }

  #tell(known: KnownPeer | undefined, peer: KnownPeer): void {
    const { onLearned, onChange } = this.#options;
    onLearned?.(peer);
    for (const change of changesOf(known, peer)) onChange?.({ did: peer.did, change });
  }

  /** @throws {@link IdentityError} `TALOS_IDENTITY_REVOKED` or `_EQUIVOCATION` if this peer is refused for good. */
  async requireUsable(did: AgentId): Promise<void> {
    const { store, owner } = this.#options;
    if (!(await store.isRefused(owner, did))) return;
    this.#admit(await store.load(owner, did), did, true);
  }

  /** The keys in force of a peer that was met. @throws {@link IdentityError} `TALOS_IDENTITY_NOT_PINNED`, `_ROLLED_BACK`. */
  async end(did: AgentId): Promise<FingerprintEnd> {
    const known = await this.#options.store.load(this.#options.owner, did);
    if (known?.lost !== undefined) throw rolledBack(did);
    if (known === undefined || known.agreementKey === '') throw notPinned('this peer was never met: open a session to it, or pin its identity card, first');
    this.#admit(known, did, true);
    const identityKey = known.history.length === 0 ? parseAgentId(did) : verifyKeyHistory(known.history).currentKey;
    return { did, identityKey, agreementKey: importX25519PublicKey(decodeBase64url(known.agreementKey)) };
  }

  /** Where it takes its mail, by its newest card. */
  async endpointsOf(did: AgentId): Promise<readonly string[]> {
    return (await this.#options.store.load(this.#options.owner, did))?.endpoints ?? [];
  }

  /** Those that do not know of our event `sequence` yet. */
  async untold(sequence: number): Promise<readonly AgentId[]> {
    if (sequence === 0) return [];
    const all = await this.#options.store.all(this.#options.owner);
    return all.filter(({ told, isRefused }) => told < sequence && !isRefused).map(({ did }) => did);
  }

  async markTold(did: AgentId, sequence: number): Promise<void> {
    await this.#update(did, (known) => ({ ...known, told: Math.max(known.told, sequence) }));
  }

  /** For the session after this one. Nothing of it is trusted before it is used. */
  async keepBundle(did: AgentId, bundle: Uint8Array): Promise<void> {
    if (bundle.length > maxBundleBytes) return;
    await this.#update(did, (known) => ({ ...known, bundle: encodeBase64url(bundle) }));
  }

  /** Gone from here when it is handed out: a one-time pair is used once. */
  async takeBundle(did: AgentId): Promise<Uint8Array | undefined> {
    let taken: string | undefined;
    await this.#update(did, ({ bundle, ...rest }) => {
      taken = bundle;
      return rest;
    });
    return taken === undefined ? undefined : decodeBase64url(taken);
  }

  /** Of a peer that is known; others are left alone. */
  async #update(did: AgentId, change: (known: KnownPeer) => KnownPeer): Promise<void> {
    const { store, owner } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const known = await store.load(owner, did);
      // What was lost comes back by the peer's history, and by nothing else.
      if (known === undefined || known.lost !== undefined) return;
      try {
        return await store.save(owner, { ...change(known), revision: known.revision + 1 });
      } catch (error) {
        if (!isConflict(error) || attempt === maxAttempts) throw error;
      }
    }
  }

  #admit(known: KnownPeer | undefined, did: AgentId, isMet = false): void {
    if (known?.equivocation !== undefined) throw equivocation(did);
    if (known?.isRefused === true) throw revoked(did);
    if (!isMet && this.#options.firstContact === 'refuse' && known?.pinned !== 'explicit')
      throw notPinned('this agent talks to pinned peers only: take its identity card with client.pin(card)');
  }
}

type Merge = {
  readonly did: AgentId;
  readonly history: KeyHistory;
  readonly agreementKey: string | undefined;
  readonly endpoints: readonly string[] | undefined;
  readonly isExplicit: true | undefined;
};

/** The known one itself if nothing is new. @throws {@link IdentityError} `TALOS_IDENTITY_ROLLED_BACK` if what was lost is still not there. */
function mergePeer(known: KnownPeer | undefined, met: Merge, now: number): KnownPeer {
  const { lost, ...before } = known ?? firstMet(met.did, now);
  const revision = before.revision + 1;
  const contradiction = findContradiction(before.history, met);
  if (contradiction !== undefined) return { ...before, equivocation: contradiction, isRefused: true, revision };
  const history = longest(before.history, met.history, met.did);
  requireFound(met.did, history, lost);
  const isRefused = before.isRefused || (history.length > 0 && verifyKeyHistory(history).revoked);
  const after = { ...before, ...seenIn(met, before), history, isRefused, revision };
  return isNews(known, after) ? after : (known as KnownPeer);
}

function seenIn({ isExplicit, agreementKey, endpoints }: Merge, before: Omit<KnownPeer, 'lost'>): Pick<KnownPeer, 'pinned' | 'agreementKey' | 'endpoints'> {
  const pinned = isExplicit === true ? 'explicit' : before.pinned;
  return { pinned, agreementKey: agreementKey ?? before.agreementKey, endpoints: endpoints ?? before.endpoints ?? [] };
}

function isNews(known: KnownPeer | undefined, after: KnownPeer): boolean {
  return known === undefined || known.lost !== undefined || !isSame(known, after);
}

function requireFound(did: AgentId, history: KeyHistory, lost: KnownPeer['lost']): void {
  if (lost !== undefined && history.length < lost.events) throw rolledBack(did);
}

function firstMet(did: AgentId, now: number): KnownPeer {
  return { did, history: [], agreementKey: '', pinned: 'firstUse', pinnedAt: now, told: 0, isRefused: false, revision: 0 };
}

function isSame(before: KnownPeer, after: KnownPeer): boolean {
  const isMoved = (after.endpoints ?? []).join() !== (before.endpoints ?? []).join();
  return !isMoved && after.pinned === before.pinned && after.history === before.history && after.agreementKey === before.agreementKey;
}

/** What its owner wants to know of a peer that was known. */
function changesOf(before: KnownPeer | undefined, after: KnownPeer): PeerChange['change'][] {
  if (after.equivocation !== undefined) return before?.equivocation === undefined ? ['equivocation'] : [];
  const changes: PeerChange['change'][] = [];
  if (after.isRefused && before?.isRefused !== true) changes.push('revoked');
  else if (before !== undefined && sequenceOf(after.history) > sequenceOf(before.history)) changes.push('key');
  if (before !== undefined && before.agreementKey !== '' && after.agreementKey !== before.agreementKey) changes.push('agreementKey');
  return changes;
}

/** A history of one event says what the did:key says. */
function sequenceOf(history: KeyHistory): number {
  return Math.max(0, history.length - 1);
}

/** The known one unless the other verifies, is of this agent, and continues it. */
function longest(known: KeyHistory, offered: KeyHistory, did: AgentId): KeyHistory {
  if (offered.length === 0) return known;
  if (known.length > 0) return reconcileKeyHistories(known, offered);
  if (verifyKeyHistory(offered).did !== did) throw badHistory('it is of another agent');
  return offered;
}

/** Both are verified first: only who holds the keys can make an identity contradict itself. */
function findContradiction(known: KeyHistory, { did, history: offered }: Merge): KnownPeer['equivocation'] {
  if (known.length === 0 || offered.length === 0) return undefined;
  try {
    reconcileKeyHistories(known, offered);
    return undefined;
  } catch (error) {
    if (!IdentityError.isInstance(error) || error.code !== 'TALOS_IDENTITY_EQUIVOCATION' || verifyKeyHistory(offered).did !== did) throw error;
    const at = known.findIndex(({ event }, i) => offered[i]?.event !== event);
    return [known[at], offered[at]] as NonNullable<KnownPeer['equivocation']>;
  }
}

function isConflict(error: unknown): boolean {
  return StoreError.isInstance(error) && error.code === 'TALOS_STORE_CONFLICT';
}

/** Whether it says that a peer is refused for good: nobody is left there to be answered, now or later. */
export function isRefusedForGood(error: unknown): boolean {
  return IdentityError.isInstance(error) && (error.code === 'TALOS_IDENTITY_REVOKED' || error.code === 'TALOS_IDENTITY_EQUIVOCATION');
}

function keyChanged(reason: string): IdentityError {
  return new IdentityError({ code: 'TALOS_IDENTITY_KEY_CHANGED', message: `the peer's key is not the pinned one: ${reason}` });
}

function notPinned(reason: string): IdentityError {
  return new IdentityError({ code: 'TALOS_IDENTITY_NOT_PINNED', message: reason });
}

function revoked(did: AgentId): IdentityError {
  return new IdentityError({ code: 'TALOS_IDENTITY_REVOKED', message: `${did} revoked its key: it cannot be talked to any more` });
}

/** What was known of a peer's keys is not there any more. */
export function rolledBack(did: AgentId): IdentityError {
  return new IdentityError({
    code: 'TALOS_IDENTITY_ROLLED_BACK',
    message: `what this home keeps of ${did} is older than what was known, or was changed: take its identity card with client.pin(card)`,
  });
}

function equivocation(did: AgentId): IdentityError {
  return new IdentityError({ code: 'TALOS_IDENTITY_EQUIVOCATION', message: `${did} signed two events of one sequence: the identity is refused for good` });
}
