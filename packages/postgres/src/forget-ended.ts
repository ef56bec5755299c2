/** Counters and proofs that have ended are dropped, and what they were is then refused as forgotten (docs/spec/05 §3, §6). @module */
import type { LimitHorizon } from '@talosprotocol/core/capability';
import type { PostgresState, Run } from './postgres-state.ts';
import { corruptState } from './postgres-state.ts';
import { decodeStateCount } from './state-values.ts';

/** Calls of one process between two sweeps. */
export const sweepEvery = 1000;

/** Clocks of those who share the tables may differ by so much. */
const skewMs = 30_000;

/** Whoever counts holds the lock of counting: what this drops nobody has just found missing. */
export async function forgetEnded(state: PostgresState, table: 'counter' | 'proof', nowMs: number): Promise<void> {
  const { schema, forgettingLock } = state.sql;
  const before = Math.floor(nowMs) - skewMs;
  if (!Number.isSafeInteger(before) || before <= 0) return;
  const [ended] = await state.read({ text: `SELECT EXISTS (SELECT FROM ${schema}.${table} WHERE until <= $1)::text AS some`, values: [before] });
  if (ended?.['some'] !== 'true') return;
  await state.write(async (run) => {
    await run({ text: `UPDATE ${schema}.rights SET purged = greatest(purged, $1)`, values: [before] });
    await run({ text: `DELETE FROM ${schema}.${table} WHERE until <= $1`, values: [before] });
  }, forgettingLock);
}

/** What the tables know of themselves. Call it under the lock of counting. */
export async function horizonOf({ sql }: PostgresState, run: Run): Promise<LimitHorizon> {
  const [row] = await run({ name: 'rights-horizon', text: `SELECT since::text, purged::text FROM ${sql.schema}.rights` });
  if (row === undefined) throw corruptState('its beginning is gone');
  return { since: decodeStateCount(row['since']), purgedBefore: decodeStateCount(row['purged']) };
}
