/** The arithmetic of limits, in whole numbers, for every store (docs/spec/05 §3). Pure. @module */
import type { Charge, ChargeRefusal, LimitRow, Settlement } from './limit-store.ts';

/** What a store knows about itself. Times in milliseconds since 1970. */
export type LimitHorizon = {
  /** When its data began. */
  readonly since: number;
  /** Counters that ended before this were dropped. */
  readonly purgedBefore: number;
};

export type ChargeResult = { readonly rows: ReadonlyMap<string, LimitRow>; readonly refusal?: undefined } | { readonly refusal: ChargeRefusal };

const empty: LimitRow = { used: 0, held: 0, at: 0 };

/**
 * The rows after all charges, or the first charge that is refused.
 * @param rows - What is stored of these keys; a key that is absent was never charged.
 */
export function applyCharges(
  charges: readonly Charge[],
  rows: ReadonlyMap<string, LimitRow>,
  context: LimitHorizon & { readonly nowMs: number },
): ChargeResult {
  const changed = new Map<string, LimitRow>();
  for (const [charge, wanted] of charges.entries()) {
    // Dropped counters and a store that is younger than the right would both count from zero again.
    if (wanted.from < context.since || wanted.until <= context.purgedBefore) return { refusal: { charge, reason: 'lost' } };
    const row = changed.get(wanted.key) ?? rows.get(wanted.key) ?? empty;
    if (!isRow(row) || !isRow({ ...empty, used: wanted.amount })) return { refusal: { charge, reason: 'lost' } };
    const next = take(wanted, row, context.nowMs);
    if (typeof next === 'number') return { refusal: { charge, reason: 'full', ...(next > 0 ? { retryAfterMs: next } : {}) } };
    changed.set(wanted.key, next);
  }
  return { rows: changed };
}

/** The rows after settling; a key that is absent is left out: its counter ended. */
export function applySettlements(settlements: readonly Settlement[], rows: ReadonlyMap<string, LimitRow>): ReadonlyMap<string, LimitRow> {
  const changed = new Map<string, LimitRow>();
  for (const { key, rule, held, used } of settlements) {
    const row = changed.get(key) ?? rows.get(key);
    // A rate counts calls that were tried: it refills by itself and is never given back.
    if (row === undefined || rule.kind === 'rate') continue;
    const spent = rule.kind === 'slots' ? 0 : Math.min(Number.MAX_SAFE_INTEGER - row.used, used);
    changed.set(key, { ...row, held: Math.max(0, row.held - held), used: row.used + spent });
  }
  return changed;
}

/** The row after the charge, or milliseconds to wait, 0 if waiting does not help. */
function take({ rule, amount }: Charge, row: LimitRow, nowMs: number): LimitRow | number {
  if (rule.kind === 'rate') return drip(rule, row, nowMs);
  // Subtracted, not added: the sum of three safe integers need not be one.
  return amount > rule.max - row.used - row.held ? 0 : { ...row, held: row.held + amount };
}

/** A bucket in calls × milliseconds: a call takes `periodMs`, each millisecond gives `n` back. No fraction is ever rounded. */
function drip(
  { n, periodMs, burst }: { readonly n: number; readonly periodMs: number; readonly burst: number },
  row: LimitRow,
  nowMs: number,
): LimitRow | number {
  const capacity = burst * periodMs;
  // A clock that went back gives nothing; a long pause gives a full bucket, before the product could leave the safe integers.
  const elapsed = Math.min(Math.max(0, nowMs - row.at), Math.ceil(capacity / n));
  const debt = Math.max(0, row.used - elapsed * n) + periodMs;
  if (debt > capacity) return Math.ceil((debt - capacity) / n);
  return { used: debt, held: 0, at: Math.max(row.at, nowMs) };
}

function isRow({ used, held, at }: LimitRow): boolean {
  return [used, held, at].every((value) => Number.isSafeInteger(value) && value >= 0);
}
