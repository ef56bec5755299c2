/** Token buckets by key, in memory: a relay that starts again starts with full ones. @module */
import type { Env } from '@talosprotocol/core';

export type RateOptions = {
  /** How many at once. */
  readonly burst: number;
  /** One more after each. */
  readonly everyMs: number;
};

type Bucket = { tokens: number; at: number };

/** Above it the buckets that are full again are dropped, and then the oldest: memory is bounded, and an attacker with that many DIDs pays for each. */
const maxBuckets = 50_000;

export class Rate {
  readonly #options: RateOptions;
  readonly #env: Env;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: RateOptions, env: Env) {
    this.#options = options;
    this.#env = env;
  }

  /** Whether there was one left; it is gone then. */
  take(key: string): boolean {
    const { burst, everyMs } = this.#options;
    const now = this.#env.monotonic();
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now };
    const refilled = Math.min(burst, bucket.tokens + (now - bucket.at) / everyMs);
    const isTaken = refilled >= 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: isTaken ? refilled - 1 : refilled, at: now });
    if (this.#buckets.size > maxBuckets) this.#forget(now);
    return isTaken;
  }

  #forget(now: number): void {
    const { burst, everyMs } = this.#options;
    for (const [key, { at }] of this.#buckets) {
      if (this.#buckets.size <= maxBuckets && now - at < burst * everyMs) return;
      this.#buckets.delete(key);
    }
  }
}
