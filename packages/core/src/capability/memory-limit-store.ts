import type { Env } from '../env/env.ts';
import { clockSkewSeconds } from './bounds.ts';
import { applyCharges, applySettlements } from './limit-charge.ts';
import type { LimitRow, LimitStore } from './limit-store.ts';

type KeptRow = LimitRow & { readonly until: number };

/** Counters that are looked over for ended ones at once; the next time is when they have doubled. */
const firstSweep = 1024;

/** Above it new counters are refused: an issuer of many small capabilities must not fill the memory of the verifier. */
const maxCounters = 1_000_000;

/**
 * Counters in memory, gone with the process: capabilities that are older than the store are refused, since nobody knows what they spent.
 * @param options.maxCounters - 1,000,000 if not said.
 */
export function memoryLimitStore(env: Pick<Env, 'now'>, options: { readonly maxCounters?: number } = {}): LimitStore {
  const limit = options.maxCounters ?? maxCounters;
  const since = startOf(env.now());
  const rows = new Map<string, KeptRow>();
  let purgedBefore = 0;
  let sweepAt = firstSweep;
  const sweep = (nowMs: number): void => {
    // By the skew later, so that a clock that is put right does not meet a counter that was dropped.
    purgedBefore = Math.max(purgedBefore, nowMs - clockSkewSeconds * 1000);
    for (const [key, { until }] of rows) if (until <= purgedBefore) rows.delete(key);
    sweepAt = Math.max(firstSweep, rows.size * 2);
  };
  return {
    async reserve(charges, nowMs) {
      if (rows.size >= sweepAt || rows.size >= limit) sweep(nowMs);
      const result = applyCharges(charges, rows, { since, purgedBefore, nowMs });
      if (result.refusal !== undefined) return result.refusal;
      const unknown = charges.findIndex(({ key }) => !rows.has(key));
      if (unknown !== -1 && rows.size >= limit) return { charge: unknown, reason: 'lost' };
      for (const { key, until } of charges) rows.set(key, { ...(result.rows.get(key) as LimitRow), until });
      return undefined;
    },
    async settle(settlements) {
      for (const [key, row] of applySettlements(settlements, rows)) rows.set(key, { ...row, until: (rows.get(key) as KeptRow).until });
    },
  };
}

/** Claims are in whole seconds: what was issued in the second in which the store began is not older than it. */
function startOf(nowMs: number): number {
  return Math.floor(nowMs / 1000) * 1000;
}
