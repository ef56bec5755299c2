import type { ReplayStore } from '@talosprotocol/core/capability';
import { forgetEnded, horizonOf, sweepEvery } from './forget-ended.ts';
import type { PostgresState } from './postgres-state.ts';
import { textBytes, wholeMs } from './state-values.ts';

/** Seen proofs in a table: a restart forgets none, and of all processes one is told that a proof is new. */
export function postgresReplayStore(state: PostgresState): ReplayStore {
  const { schema, countingLock } = state.sql;
  const add = { name: 'proof-add', text: `INSERT INTO ${schema}.proof (id, until) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING RETURNING 'new'` };
  let untilSweep = 0;
  return {
    add: async ({ id, from, until }, nowMs) => {
      if (untilSweep-- <= 0) {
        untilSweep = sweepEvery;
        await forgetEnded(state, 'proof', nowMs);
      }
      return state.write(async (run) => {
        const { since, purgedBefore } = await horizonOf(state, run);
        // Written so that what is no number is unknown.
        if (!(from >= since && until > purgedBefore)) return 'unknown';
        return (await run({ ...add, values: [textBytes(id), wholeMs(until)] })).length === 1 ? 'new' : 'seen';
      }, countingLock);
    },
  };
}
