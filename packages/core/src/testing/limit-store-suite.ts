/** What every limit store must keep, as cases that any test runner can run. A case resolves, or throws an error that says what differed. @module */
import type { Charge, ChargeRefusal, ChargeRule, LimitStore } from '../capability/limit-store.ts';
import { storeSuite, type ConformanceCase, type StoreCase, type StoreUnderTest } from './conformance.ts';

/** `create` gives an empty store that began at `sinceMs`; `reopen` closes it and opens the same data again, where there is such a thing. */
export type LimitStoreSource = {
  create(sinceMs: number): Promise<StoreUnderTest<LimitStore>>;
};

export function limitStoreSuite(source: LimitStoreSource): readonly ConformanceCase[] {
  return storeSuite(cases, () => source.create(start));
}

const cases: readonly StoreCase<LimitStore>[] = [
  { name: 'a total is given out up to its maximum, spent or reserved', check: total },
  { name: 'what is given back can be taken again, what is spent cannot', check: settle },
  { name: 'more than was reserved is spent if it was', check: overrun },
  { name: 'slots are free again when they are settled', check: slots },
  { name: 'a rate refills steadily, to the millisecond, and is never given back', check: rate },
  { name: 'a clock that goes back refills nothing', check: clockBack },
  { name: 'all charges are taken or none', check: allOrNone },
  { name: 'of many at once exactly the maximum is taken', check: race },
  { name: 'two charges of one key add up', check: sameKey },
  { name: 'a right that is older than the store is refused', check: older },
  { name: 'a counter that ended never begins anew', check: ended },
  { name: 'amounts at the edge of the safe integers are not rounded', check: edges },
  { name: 'everything is there after opening again', check: reopened },
];

const start = 1_767_225_600_000;
const hour = 3_600_000;
const totalOf = (max: number): ChargeRule => ({ kind: 'total', max });
const charge = (key: string, rule: ChargeRule, amount = 1): Charge => ({ key, rule, amount, from: start, until: start + hour });

async function total(store: LimitStore): Promise<void> {
  for (let i = 0; i < 5; i++) await taken(store, charge('a', totalOf(5)));
  await refused(store, [charge('a', totalOf(5))], 'full');
  await taken(store, charge('b', totalOf(5), 5));
  await refused(store, [charge('b', totalOf(5))], 'full');
}

async function settle(store: LimitStore): Promise<void> {
  const rule = totalOf(2);
  await taken(store, charge('a', rule));
  await store.settle([{ key: 'a', rule, held: 1, used: 1 }]);
  await taken(store, charge('a', rule));
  await store.settle([{ key: 'a', rule, held: 1, used: 0 }]);
  await taken(store, charge('a', rule));
  await refused(store, [charge('a', rule)], 'full');
  await store.settle([{ key: 'never', rule, held: 1, used: 1 }]);
}

async function overrun(store: LimitStore): Promise<void> {
  const rule = totalOf(100);
  await taken(store, charge('a', rule, 10));
  await store.settle([{ key: 'a', rule, held: 10, used: 95 }]);
  await refused(store, [charge('a', rule, 6)], 'full');
  await taken(store, charge('a', rule, 5));
}

async function slots(store: LimitStore): Promise<void> {
  const rule: ChargeRule = { kind: 'slots', max: 2 };
  for (let round = 0; round < 3; round++) {
    await taken(store, charge('a', rule));
    await taken(store, charge('a', rule));
    await refused(store, [charge('a', rule)], 'full');
    await store.settle([
      { key: 'a', rule, held: 1, used: 1 },
      { key: 'a', rule, held: 1, used: 0 },
    ]);
  }
}

async function rate(store: LimitStore): Promise<void> {
  // Three in seven seconds: no whole number of milliseconds a call.
  const rule: ChargeRule = { kind: 'rate', n: 3, periodMs: 7000, burst: 2 };
  await taken(store, charge('a', rule));
  await store.settle([{ key: 'a', rule, held: 1, used: 0 }]);
  await taken(store, charge('a', rule));
  const { retryAfterMs } = await refused(store, [charge('a', rule)], 'full');
  equal('wait', retryAfterMs, 2334);
  await full(store, charge('a', rule), start + 2333);
  equal('after the wait', await store.reserve([charge('a', rule)], start + 2334), undefined);
  await full(store, charge('a', rule), start + 2334);
  for (let i = 0; i < 2; i++) equal('full again', await store.reserve([charge('a', rule)], start + hour - 1), undefined);
  await full(store, charge('a', rule), start + hour - 1);
}

async function clockBack(store: LimitStore): Promise<void> {
  const rule: ChargeRule = { kind: 'rate', n: 1, periodMs: 1000, burst: 1 };
  equal('first', await store.reserve([charge('a', rule)], start + 10_000), undefined);
  await full(store, charge('a', rule), start);
  await full(store, charge('a', rule), start + 10_999);
  equal('in time', await store.reserve([charge('a', rule)], start + 11_000), undefined);
}

async function allOrNone(store: LimitStore): Promise<void> {
  await taken(store, charge('b', totalOf(1)));
  const refusal = await refused(store, [charge('a', totalOf(1)), charge('b', totalOf(1)), charge('c', totalOf(1))], 'full');
  equal('which', refusal.charge, 1);
  await taken(store, charge('a', totalOf(1)));
  await taken(store, charge('c', totalOf(1)));
}

async function race(store: LimitStore): Promise<void> {
  const results = await Promise.all(Array.from({ length: 20 }, () => store.reserve([charge('a', totalOf(7)), charge('b', totalOf(9))], start)));
  equal('taken', results.filter((result) => result === undefined).length, 7);
  await taken(store, charge('b', totalOf(9), 2));
  await refused(store, [charge('b', totalOf(9))], 'full');
}

async function sameKey(store: LimitStore): Promise<void> {
  await refused(store, [charge('a', totalOf(1)), charge('a', totalOf(1))], 'full');
  equal('both', await store.reserve([charge('a', totalOf(2)), charge('a', totalOf(2))], start), undefined);
  await refused(store, [charge('a', totalOf(2))], 'full');
}

async function older(store: LimitStore): Promise<void> {
  const old = { ...charge('a', totalOf(5)), from: start - 1 };
  const refusal = await refused(store, [charge('b', totalOf(1)), old], 'lost');
  equal('which', refusal.charge, 1);
  await taken(store, charge('b', totalOf(1)));
}

async function ended(store: LimitStore): Promise<void> {
  await taken(store, charge('a', totalOf(1)));
  const later = start + 3 * hour;
  // Enough for any store to tidy up; whether it does is its own affair.
  for (let i = 0; i < 1100; i++) {
    equal('other', await store.reserve([{ ...charge(`k${i}`, totalOf(1)), from: later, until: later + hour }], later), undefined);
  }
  // The clock goes back to when the right was alive.
  const refusal = await store.reserve([charge('a', totalOf(1))], start);
  if (refusal === undefined) throw new Error('a spent right was given out again');
}

async function edges(store: LimitStore): Promise<void> {
  const max = Number.MAX_SAFE_INTEGER;
  const rule = totalOf(max);
  await taken(store, charge('a', rule, max - 1));
  await refused(store, [charge('a', rule, 2)], 'full');
  await taken(store, charge('a', rule, 1));
  await refused(store, [charge('a', rule, 1)], 'full');
  await taken(store, charge('a', rule, 0));
  await store.settle([{ key: 'a', rule, held: max, used: max }]);
  await refused(store, [charge('a', rule, 1)], 'full');
  for (const amount of [-1, 0.5, Number.NaN, Infinity, 2 ** 53]) await refused(store, [charge('b', rule, amount)], 'lost');
}

async function reopened(store: LimitStore, reopen: () => Promise<LimitStore>): Promise<void> {
  const rule = totalOf(3);
  await taken(store, charge('a', rule, 1));
  await taken(store, charge('a', rule, 1));
  await store.settle([{ key: 'a', rule, held: 1, used: 1 }]);
  const again = await reopen();
  await taken(again, charge('a', rule, 1));
  await refused(again, [charge('a', rule, 1)], 'full');
}

async function taken(store: LimitStore, wanted: Charge): Promise<void> {
  const refusal = await store.reserve([wanted], start);
  if (refusal !== undefined) throw new Error(`${wanted.key}: refused as ${refusal.reason}`);
}

async function full(store: LimitStore, wanted: Charge, nowMs: number): Promise<void> {
  equal('full', (await store.reserve([wanted], nowMs))?.reason, 'full');
}

async function refused(store: LimitStore, wanted: readonly Charge[], reason: ChargeRefusal['reason']): Promise<ChargeRefusal> {
  const refusal = await store.reserve(wanted, start);
  if (refusal === undefined) throw new Error('taken above the limit');
  equal('reason', refusal.reason, reason);
  return refusal;
}

function equal(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: expected ${String(expected)}, got ${String(actual)}`);
}
