/** Where limits are counted: the port, and what passes through it (docs/spec/05 §3). @module */

/** `total`: what was ever spent. `slots`: what is in use now. `rate`: a bucket of `burst` calls that refills by `n` per `periodMs`. */
export type ChargeRule =
  | { readonly kind: 'total'; readonly max: number }
  | { readonly kind: 'slots'; readonly max: number }
  | { readonly kind: 'rate'; readonly n: number; readonly periodMs: number; readonly burst: number };

/** One limit that one call draws on. Whole numbers; times in milliseconds since 1970. */
export type Charge = {
  /** One counter. Two charges of one key are of one rule. */
  readonly key: string;
  readonly rule: ChargeRule;
  /** How much; 1 for calls. 0 or more. */
  readonly amount: number;
  /** When the right began: a store that is younger cannot know what was spent, and refuses. */
  readonly from: number;
  /** When the right has ended for good: the counter is not needed afterwards. */
  readonly until: number;
};

/** Which charge was refused. `lost`: the store cannot know what was spent before. `full`: it is. */
export type ChargeRefusal = { readonly charge: number; readonly reason: 'full' | 'lost'; readonly retryAfterMs?: number };

/** How a charge ended: of `held` that was reserved, `used` was spent. More than was held is spent all the same. */
export type Settlement = { readonly key: string; readonly rule: ChargeRule; readonly held: number; readonly used: number };

/** What a store keeps of one counter. `rate`: `used` is what is missing in the bucket, in calls × milliseconds, at time `at`. */
export type LimitRow = { readonly used: number; readonly held: number; readonly at: number };

/**
 * Counters. What is reserved counts as spent until it is settled, so that spent and reserved together never exceed the limit; a process that
 * dies in between has spent what it reserved.
 *
 * `reserve` and `settle` are atomic and serialised among all who use the same data, in whichever process: of two that reserve the last unit
 * one is refused. What they did is durable when they resolve. Both reject with a {@link StoreError} if the data cannot be read or written;
 * the caller then refuses the call. Arithmetic is `applyCharges` and `applySettlements`, the same for every store.
 */
export interface LimitStore {
  /** Takes all charges or none. Undefined if they were taken. */
  reserve(charges: readonly Charge[], nowMs: number): Promise<ChargeRefusal | undefined>;
  /** Ends charges that were taken, each once. If it rejects they stay reserved. */
  settle(settlements: readonly Settlement[]): Promise<void>;
}
