/** What every store of cosignatures must keep, as cases that any test runner can run. @module */
import type { CosignatureStore } from '../audit/cosignature-store.ts';
import type { ConformanceCase } from './conformance.ts';

/** Each `create` gives an empty store; `reopen` closes it and opens the same data again, where there is such a thing. */
export type CosignatureStoreSource = {
  create(): Promise<{ readonly store: CosignatureStore; readonly reopen?: () => Promise<CosignatureStore>; readonly close?: () => Promise<void> }>;
};

export function cosignatureStoreSuite(source: CosignatureStoreSource): readonly ConformanceCase[] {
  return cases.map(({ name, check }) => ({
    name,
    run: async () => {
      const { store, reopen, close } = await source.create();
      try {
        await check(store, reopen);
      } finally {
        await close?.();
      }
    },
  }));
}

type Check = (store: CosignatureStore, reopen: (() => Promise<CosignatureStore>) | undefined) => Promise<void>;

const cases: readonly { readonly name: string; readonly check: Check }[] = [
  { name: 'an empty store has no cosignatures', check: async (store) => expectLines(store, [0, 10], []) },
  { name: 'lines of a size come together, smallest size first, each once', check: ordered },
  { name: 'a limit counts sizes, not lines', check: limited },
  { name: 'cosignatures are there after opening again', check: reopened },
];

const [a, b] = ['\u2014 w.example/a AAAA', '\u2014 w.example/b BBBB'];

async function ordered(store: CosignatureStore): Promise<void> {
  for (const [size, line] of [
    [20, b],
    [3, a],
    [20, a],
    [20, b],
    [3, a],
  ] as const)
    await store.saveCosignature({ size, line });
  await expectLines(store, [0, 10], [`3 ${a}`, `20 ${a}`, `20 ${b}`]);
  await expectLines(store, [4, 10], [`20 ${a}`, `20 ${b}`]);
  await expectLines(store, [21, 10], []);
}

async function limited(store: CosignatureStore): Promise<void> {
  for (let size = 1; size <= 4; size++) for (const line of [a, b]) await store.saveCosignature({ size, line });
  await expectLines(store, [2, 2], [`2 ${a}`, `2 ${b}`, `3 ${a}`, `3 ${b}`]);
}

async function reopened(store: CosignatureStore, reopen: (() => Promise<CosignatureStore>) | undefined): Promise<void> {
  if (reopen === undefined) return;
  await store.saveCosignature({ size: 7, line: a });
  await expectLines(await reopen(), [0, 10], [`7 ${a}`]);
}

async function expectLines(store: CosignatureStore, [from, limit]: readonly [number, number], wanted: readonly string[]): Promise<void> {
  const found = (await store.loadCosignatures(from, limit)).map(({ size, line }) => `${size} ${line}`);
  if (found.join('\n') !== wanted.join('\n')) throw new Error(`cosignatures from ${from}: got ${found.join(' | ')}, wanted ${wanted.join(' | ')}`);
}
