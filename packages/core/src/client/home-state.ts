/** What the rights of a home's agents have come to: spent, seen, approved, taken back. One for all clients of a home (docs/spec/05). @module */
import { memoryApprovalStore, type ApprovalStore } from '../capability/approval-store.ts';
import type { LimitStore } from '../capability/limit-store.ts';
import { memoryLimitStore } from '../capability/memory-limit-store.ts';
import { memoryReplayStore, type ReplayStore } from '../capability/replay-store.ts';
import { memoryRevocationStore, type RevocationStore } from '../capability/revocation-store.ts';
import { openRevocations, type Revocations } from '../capability/revocations.ts';
import type { Env } from '../env/env.ts';
import { memoryTrustStore, type TrustStore } from '../identity/trust-store.ts';
import { HomeClock, memoryClockStore, type ClockStore } from './home-clock.ts';
import { IssuedTokens } from './issued-tokens.ts';
import { peerKeys, type PeerKeys } from './peer-keys.ts';
import type { Shared } from './shared-log.ts';

export type HomeStores = {
  readonly limits: LimitStore;
  readonly replay: ReplayStore;
  readonly approvals: ApprovalStore;
  readonly revocations: RevocationStore;
  /** Default: in memory. */
  readonly clock?: ClockStore;
  /** What agents know of their peers' keys. */
  readonly trust: TrustStore;
  /**
   * Where it takes a round trip to learn whether others wrote: asked before each decision, and `revocations.version` then says what was heard.
   * Rejects if nobody answers, and nothing is allowed then.
   */
  readonly hear?: () => Promise<void>;
};

export type HomeState = Omit<HomeStores, 'revocations' | 'clock'> & {
  readonly revocations: Revocations;
  readonly clock: HomeClock;
  readonly issued: IssuedTokens;
  /** The keys that speak for agents now, as far as their histories are known here. */
  readonly keys: PeerKeys;
};

export type SharedState = Shared<HomeState>;

/** In memory: what is older than it is refused, since nobody knows what became of it. */
export function memoryStores(env: Env): HomeStores {
  return {
    limits: memoryLimitStore(env),
    replay: memoryReplayStore(env),
    approvals: memoryApprovalStore(),
    revocations: memoryRevocationStore(),
    trust: memoryTrustStore(),
  };
}

/** @throws {@link StoreError}; {@link CapabilityError} if the stored revocations are not signed lists. */
export async function openHomeState(stores: HomeStores, env: Env): Promise<HomeState> {
  const clock = await HomeClock.open(stores.clock ?? memoryClockStore());
  const keys = peerKeys(await stores.trust.all());
  return { ...stores, clock, keys, issued: new IssuedTokens(), revocations: await openRevocations({ store: stores.revocations, env, keys: keys.ofLists }) };
}
