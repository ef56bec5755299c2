/** Which proofs were seen: the port (docs/spec/05 §6). @module */
import type { Env } from '../env/env.ts';
import { clockSkewSeconds } from './bounds.ts';

/** Times in milliseconds since 1970. */
export type SeenProof = { readonly id: string; readonly from: number; readonly until: number };

/** `unknown`: it is older than the store's memory, so nobody can say. `full`: the store takes no more for now. */
export type ReplayVerdict = 'new' | 'seen' | 'unknown' | 'full';

/**
 * Remembers ids until their proofs have ended. Of two callers with one id, in whichever process of those that share the data, one is told `new`;
 * durable when it resolves. A store whose data began after `from` answers `unknown`. Rejects with a {@link StoreError} if it cannot be asked:
 * the call is then refused.
 */
export interface ReplayStore {
  add(proof: SeenProof, nowMs: number): Promise<ReplayVerdict>;
}

const firstSweep = 1024;

/** About 100 MB; proofs live a minute or as long as a mailbox holds a call. */
const maxProofs = 1_000_000;

/**
 * Ids in memory: after a restart every proof that was made before it is refused.
 * @param options.maxProofs - 1,000,000 if not said.
 * @param options.since - Milliseconds since 1970 from which on every proof was seen; now if not said. Earlier only if no verifier of this
 * audience can have run before: its key was drawn in this process.
 */
export function memoryReplayStore(env: Pick<Env, 'now'>, options: { readonly maxProofs?: number; readonly since?: number } = {}): ReplayStore {
  const limit = options.maxProofs ?? maxProofs;
  // Claims are in whole seconds. A proof of the second in which the store began could have been seen before: only later ones are known to be new.
  const since = Math.ceil((options.since ?? env.now()) / 1000) * 1000;
  const seen = new Map<string, number>();
  let purgedBefore = 0;
  let sweepAt = Math.min(firstSweep, limit);
  const sweep = (nowMs: number): void => {
    purgedBefore = Math.max(purgedBefore, nowMs - clockSkewSeconds * 1000);
    for (const [id, until] of seen) if (until <= purgedBefore) seen.delete(id);
    sweepAt = Math.min(limit, Math.max(firstSweep, seen.size * 2));
  };
  return {
    async add({ id, from, until }, nowMs) {
      if (seen.size >= sweepAt) sweep(nowMs);
      if (from < since || until <= purgedBefore) return 'unknown';
      if (seen.has(id)) return 'seen';
      if (seen.size >= limit) return 'full';
      seen.set(id, until);
      return 'new';
    },
  };
}
