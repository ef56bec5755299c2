import { applyCharges, applySettlements, type Charge, type LimitRow, type LimitStore } from '@talosprotocol/core/capability';
import type { Row } from './connection.ts';
import { forgetEnded, horizonOf, sweepEvery } from './forget-ended.ts';
import type { PostgresState, Run } from './postgres-state.ts';
import { decodeStateCount, decodeStateText, textBytes, wholeMs } from './state-values.ts';

/** Counters that were reserved or settled together, and are locked in one order whoever asks: two that meet wait, and never for each other. */
const sorted = (keys: Iterable<string>): Buffer[] => [...new Set(keys)].map(textBytes).toSorted((a, b) => a.compare(b));

/** A refused transaction is taken back whole. */
class Refused extends Error {}

/** Counters in a table: exact among all processes that use it. */
export function postgresLimitStore(state: PostgresState): LimitStore {
  const { schema, countingLock } = state.sql;
  const columns = "encode(key, 'hex') AS key, used::text, held::text, at::text";
  const lock = {
    name: 'counter-lock',
    // A counter that is not there yet is made first: of two that make it one waits for the other.
    text: `INSERT INTO ${schema}.counter (key, used, held, at, until) SELECT key, 0, 0, 0, 0 FROM unnest($1::bytea[]) WITH ORDINALITY AS wanted (key, n) ORDER BY n
      ON CONFLICT (key) DO UPDATE SET key = excluded.key RETURNING ${columns}`,
  };
  const find = { name: 'counter-find', text: `SELECT ${columns} FROM ${schema}.counter WHERE counter.key = ANY ($1::bytea[]) ORDER BY counter.key FOR UPDATE` };
  const save = {
    name: 'counter-save',
    text: `UPDATE ${schema}.counter SET used = new.used, held = new.held, at = new.at, until = greatest(counter.until, new.until)
      FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS new (key, used, held, at, until) WHERE counter.key = new.key`,
  };
  let untilSweep = 0;
  return {
    reserve: async (charges, nowMs) => {
      if (untilSweep-- <= 0) {
        untilSweep = sweepEvery;
        await forgetEnded(state, 'counter', nowMs);
      }
      let refusal: Awaited<ReturnType<LimitStore['reserve']>>;
      const reserve = async (run: Run): Promise<void> => {
        const horizon = await horizonOf(state, run);
        const rows = decodeCounters(await run({ ...lock, values: [sorted(charges.map(({ key }) => key))] }));
        const result = applyCharges(charges, rows, { ...horizon, nowMs });
        ({ refusal } = result);
        if (result.refusal !== undefined) throw new Refused();
        await run({ ...save, values: counterValues(result.rows, charges) });
      };
      await state.write(reserve, countingLock).catch((error: unknown) => {
        if (refusal === undefined) throw error;
      });
      return refusal;
    },
    settle: (settlements) =>
      state.write(async (run) => {
        const rows = decodeCounters(await run({ ...find, values: [sorted(settlements.map(({ key }) => key))] }));
        const changed = applySettlements(settlements, rows);
        if (changed.size > 0) await run({ ...save, values: counterValues(changed, []) });
      }),
  };
}

function counterValues(rows: ReadonlyMap<string, LimitRow>, charges: readonly Charge[]): unknown[] {
  const until = new Map(charges.map((charge) => [charge.key, charge.until]));
  const entries = [...rows];
  return [
    entries.map(([key]) => textBytes(key)),
    ...(['used', 'held', 'at'] as const).map((column) => entries.map(([, row]) => row[column])),
    entries.map(([key]) => wholeMs(until.get(key) ?? 0)),
  ];
}

/** A counter that is not a number that we wrote is not guessed at. */
function decodeCounters(rows: readonly Row[]): Map<string, LimitRow> {
  return new Map(
    rows.map(({ key, used, held, at }) => [decodeStateText(key), { used: decodeStateCount(used), held: decodeStateCount(held), at: decodeStateCount(at) }]),
  );
}
