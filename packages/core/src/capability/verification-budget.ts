/** How many forged tokens one peer may have checked: each costs a signature verification, and nothing else bounds them (docs/spec/05 §6). @module */
import type { Env } from '../env/env.ts';
import { TokenFault } from './token-fault.ts';

export type VerificationBudget = {
  /** Draws one verification for this peer. Undefined if it may be made, or milliseconds to wait. */
  readonly spend: (peer: string) => number | undefined;
  /** Gives it back: the token was good. */
  readonly refund: (peer: string) => void;
  /**
   * Draws one for a signature that is about to be checked; call the result if it was good.
   * @param issuer - Who should have signed. Whoever sends it without a name draws on what there is for this one.
   * @throws {@link TokenFault} `RATE` if none is left.
   */
  readonly draw: (issuer: string, peer?: string) => () => void;
};

export type VerificationBudgetOptions = {
  /** Verifications that fail, at once. 20 if not said: a peer with a wrong clock or an old key finds out before. */
  readonly burst?: number;
  /** And per second in the long run. 1 if not said: 70 µs of CPU a second. */
  readonly perSecond?: number;
  /** Peers that have a budget of their own. 10,000 if not said. */
  readonly maxPeers?: number;
};

/**
 * Whose budget it is where nobody says who sent a link: that of whom it names as its issuer, so that forgeries in one name cost the others nothing. Only
 * trusted issuers come this far, and those they passed a right to. No name that is given begins with a space.
 */
export function unnamed(issuer: string): string {
  return ` ${issuer}`;
}

type Bucket = { left: number; at: number };

/**
 * A bucket for each peer, by whatever names it before it is authenticated: an address, a session. When `maxPeers` have spent some of theirs, all
 * further ones share one bucket, so that inventing names buys nothing.
 */
export function verificationBudget(env: Pick<Env, 'monotonic'>, options: VerificationBudgetOptions = {}): VerificationBudget {
  const { burst = 20, perSecond = 1, maxPeers = 10_000 } = options;
  const buckets = new Map<string, Bucket>();
  const crowd: Bucket = { left: burst, at: env.monotonic() };
  const refill = (bucket: Bucket): Bucket => {
    const now = env.monotonic();
    bucket.left = Math.min(burst, bucket.left + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    return bucket;
  };
  const bucketOf = (peer: string): Bucket => {
    const known = buckets.get(peer);
    if (known !== undefined) return refill(known);
    if (buckets.size >= maxPeers) for (const [name, bucket] of buckets) if (refill(bucket).left >= burst) buckets.delete(name);
    if (buckets.size >= maxPeers) return refill(crowd);
    const fresh = { left: burst, at: env.monotonic() };
    buckets.set(peer, fresh);
    return fresh;
  };
  const spend = (peer: string): number | undefined => {
    const bucket = bucketOf(peer);
    if (bucket.left < 1) return Math.ceil(((1 - bucket.left) / perSecond) * 1000);
    bucket.left -= 1;
    return undefined;
  };
  const refund = (peer: string): void => {
    const bucket = bucketOf(peer);
    bucket.left = Math.min(burst, bucket.left + 1);
  };
  return {
    spend,
    refund,
    draw(issuer, peer = unnamed(issuer)) {
      const waitMs = spend(peer);
      if (waitMs !== undefined) throw new TokenFault('RATE', { retryAfter: Math.ceil(waitMs / 1000) });
      return () => refund(peer);
    },
  };
}
