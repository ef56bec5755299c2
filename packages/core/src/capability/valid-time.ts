/** When a capability holds, by a clock that may be wrong or moved (docs/spec/02 §8). @module */
import type { Env } from '../env/env.ts';
import { clockSkewSeconds, defaultMaxStaleSeconds } from './bounds.ts';
import type { CapabilityClaims } from './capability.ts';
import type { ReachedCode } from './denial.ts';
import type { Standing } from './standing.ts';

const skewMs = clockSkewSeconds * 1000;

/** Milliseconds since 1970, skew included. */
export type ValidTime = {
  readonly from: number;
  readonly until: number;
  /** Until when the issuer lets its revocation state go unseen. */
  readonly staleAfter: number;
  /** The latest time seen: a clock that goes back must not bring an expired capability back to life. */
  latest: number;
  /** What is known of revocations; absent in a verifier that keeps none. */
  standing?: Standing;
};

export function validTime(claims: CapabilityClaims): ValidTime {
  const { iat, nbf, exp, max_stale: maxStale = defaultMaxStaleSeconds } = claims;
  return {
    from: nbf * 1000 - skewMs,
    until: exp * 1000 + skewMs,
    // `max_stale: 0` demands an answer about this very moment, which nothing in this version can give: no skew is lent to it.
    staleAfter: maxStale === 0 ? -Infinity : (iat + maxStale) * 1000 + skewMs,
    latest: -Infinity,
  };
}

/** When all links of a chain hold: no child outlives its parent, and none forgets how fresh its parent's revocations have to be. */
export function intersectTimes(times: readonly ValidTime[]): ValidTime {
  return {
    from: Math.max(...times.map(({ from }) => from)),
    until: Math.min(...times.map(({ until }) => until)),
    staleAfter: Math.min(...times.map(({ staleAfter }) => staleAfter)),
    latest: -Infinity,
  };
}

/** Undefined if the capability holds now. Total: a clock that throws or gives no number is unsafe. */
export function checkTime(time: ValidTime, env: Env): ReachedCode | undefined {
  const now = readClock(env);
  // Every comparison with NaN is false, so a broken clock ends in the slow path as well.
  if (now >= time.from && now < time.until && now >= time.latest - skewMs && (time.standing === undefined ? now < time.staleAfter : time.standing.holds(now))) {
    if (now > time.latest) time.latest = now;
    return undefined;
  }
  return explainTime(time, now);
}

function explainTime(time: ValidTime, now: number): ReachedCode {
  if (!Number.isFinite(now) || now < time.latest - skewMs) return 'CLOCK_UNSAFE';
  if (now >= time.until) return 'EXPIRED';
  if (now < time.from) return 'NOT_YET';
  return time.standing?.ended?.code ?? 'REVOCATION_STALE';
}

function readClock(env: Env): number {
  try {
    return env.now();
  } catch {
    return Number.NaN;
  }
}
