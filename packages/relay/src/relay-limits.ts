/** Every bound of a relay, with its reason (docs/spec/06 §7). @module */

export type Quota = { readonly frames: number; readonly bytes: number };

export type RelayLimits = {
  /** What may wait in one mailbox from one sender that its owner has written to. */
  readonly known: Quota;
  /** What may wait in one mailbox from all others together: DIDs cost nothing, so a share for each would be no bound. */
  readonly strangers: Quota;
  /** Below the retention of prekeys (docs/spec/04 §2.3): a frame that waits longer opens nothing any more. */
  readonly frameLifeMs: number;
  /** The database as a whole. When it is full, sends are refused as retryable. */
  readonly databaseBytes: number;
  readonly connections: number;
};

const mebibyte = 1024 * 1024;

export const defaultLimits: RelayLimits = Object.freeze({
  known: { frames: 10_000, bytes: 64 * mebibyte },
  strangers: { frames: 500, bytes: 8 * mebibyte },
  frameLifeMs: 7 * 24 * 3_600_000,
  databaseBytes: 8 * 1024 * mebibyte,
  connections: 10_000,
});

/** From the challenge to its answer. */
export const authenticationMs = 15_000;

/** Answers that a client does not read: more, and it is taken for one that never will. A full window of deliveries fits. */
export const maxUnreadBytes = 8 * mebibyte;

/** Bundles with a one-time pair of one agent: two refills. */
export const maxBundlesOfAgent = 256;

/** At or below it the owner is told: a quarter of one refill. */
export const lowBundles = 25;

/** A sender that an owner wrote to stays known this long after the last time. */
export const contactLifeMs = 30 * 24 * 3_600_000;

export const sweepEveryMs = 60_000;

/** Fetches of one requester, of any agent's bundle: a burst, then one in each interval. */
export const fetchRate = Object.freeze({ burst: 30, everyMs: 2000 });

/** One-time pairs of one agent for one requester: it needs one for a session, and draining is what is left. Then the bundle without a pair. */
export const pairRate = Object.freeze({ burst: 3, everyMs: 20 * 60_000 });

/** Refills: each costs the relay two signatures a bundle. */
export const publishRate = Object.freeze({ burst: 8, everyMs: 15_000 });
