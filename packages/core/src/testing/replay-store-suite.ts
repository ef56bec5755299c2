/** What every replay store must keep, as cases that any test runner can run. A case resolves, or throws an error that says what differed. @module */
import type { ReplayStore, ReplayVerdict } from '../capability/replay-store.ts';
import { storeSuite, type ConformanceCase, type StoreCase, type StoreUnderTest } from './conformance.ts';

/** `create` gives an empty store that began at `sinceMs`; `reopen` opens the same data again, where there is such a thing. */
export type ReplayStoreSource = {
  create(sinceMs: number): Promise<StoreUnderTest<ReplayStore>>;
};

export function replayStoreSuite(source: ReplayStoreSource): readonly ConformanceCase[] {
  return storeSuite(cases, () => source.create(start));
}

const cases: readonly StoreCase<ReplayStore>[] = [
  { name: 'an id is new once', check: once },
  { name: 'of many at once one is told that it is new', check: race },
  { name: 'what is older than the store is unknown', check: older },
  { name: 'an id that ended is never new again, whatever the clock says', check: ended },
  { name: 'everything is there after opening again', check: reopened },
];

const start = 1_767_225_600_000;

async function once(store: ReplayStore): Promise<void> {
  await expectVerdict(store, 'a', 'new');
  await expectVerdict(store, 'a', 'seen');
  await expectVerdict(store, 'b', 'new');
}

async function race(store: ReplayStore): Promise<void> {
  const verdicts = await Promise.all(Array.from({ length: 16 }, () => store.add({ id: 'a', from: start, until: start + 60_000 }, start)));
  if (verdicts.filter((verdict) => verdict === 'new').length !== 1) throw new Error(`told: ${verdicts.join()}`);
}

async function older(store: ReplayStore): Promise<void> {
  const verdict = await store.add({ id: 'a', from: start - 1000, until: start + 60_000 }, start);
  if (verdict !== 'unknown') throw new Error(`older than the store: ${verdict}`);
  await expectVerdict(store, 'a', 'new');
}

async function ended(store: ReplayStore): Promise<void> {
  await expectVerdict(store, 'a', 'new');
  const later = start + 3_600_000;
  for (let i = 0; i < 1100; i++) await store.add({ id: `k${i}`, from: later, until: later + 60_000 }, later);
  const verdict = await store.add({ id: 'a', from: start, until: start + 60_000 }, start);
  if (verdict === 'new') throw new Error('a proof was new twice');
}

async function reopened(store: ReplayStore, reopen: () => Promise<ReplayStore>): Promise<void> {
  await expectVerdict(store, 'a', 'new');
  await expectVerdict(await reopen(), 'a', 'seen');
}

async function expectVerdict(store: ReplayStore, id: string, expected: ReplayVerdict): Promise<void> {
  const verdict = await store.add({ id, from: start, until: start + 60_000 }, start);
  if (verdict !== expected) throw new Error(`${id}: expected ${expected}, got ${verdict}`);
}
