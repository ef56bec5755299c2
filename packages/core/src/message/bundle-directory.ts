/** Where agents leave prekey bundles for peers that come while they are away (docs/spec/06 §6). @module */
import type { AgentId } from '../identity/agent-id.ts';

/** Not trusted: a bundle from here is verified like one that came any other way. It can withhold bundles, and give an old one. */
export interface BundleDirectory {
  /**
   * Publishes own bundles, all or none. Those with a one-time pair are each given to one peer; the newest without one is given when no
   * other is left.
   * @throws {@link TransportError} `TALOS_TRANSPORT_REFUSED`, `TALOS_TRANSPORT_UNREACHABLE`.
   */
  publishBundles(bundles: readonly Uint8Array[]): Promise<void>;
  /**
   * The bytes of one bundle of `did`, unverified.
   * @throws {@link TransportError} `TALOS_TRANSPORT_NO_BUNDLE` if there is none; `TALOS_TRANSPORT_REFUSED`, retryable, if we asked too often.
   */
  fetchBundle(did: AgentId): Promise<Uint8Array>;
  /** How many own bundles with a one-time pair are left. */
  countPrekeys(): Promise<number>;
  /** Publishes the own identity card, in place of an older one. @throws as `publishBundles`. */
  publishCard?(card: string): Promise<void>;
  /** The identity card of `did`, unverified. @throws as `fetchBundle`. */
  fetchCard?(did: AgentId): Promise<string>;
  /** Calls `run` when one-time pairs run low, also when none was ever published; the result takes it off. */
  onLow(run: (shortage: BundleShortage) => void): () => void;
}

export type BundleShortage = {
  /** Own bundles with a one-time pair that are left there. */
  readonly left: number;
  /** As `publishBundles`, to the place that is short of them. The same function for the same place. */
  readonly publish: (bundles: readonly Uint8Array[]) => Promise<void>;
  /** As `publishCard`, to the place that is short of bundles: it may have forgotten the card as well. */
  readonly publishCard?: (card: string) => Promise<void>;
};
