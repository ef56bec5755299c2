/** What the suites of stores have in common: cases without a test runner, each over a store of its own. @module */

/** A case resolves, or throws an error that says what differed. */
export type ConformanceCase = { readonly name: string; readonly run: () => Promise<void> };

/** `reopen` closes the store and opens the same data again, where there is such a thing; without it a case goes on with the same store. */
export type StoreUnderTest<Store> = { readonly store: Store; readonly reopen?: () => Promise<Store>; readonly close?: () => Promise<void> };

export type StoreCase<Store> = { readonly name: string; readonly check: (store: Store, reopen: () => Promise<Store>) => Promise<void> };

/** @param create - Gives an empty store for each case. It is closed however the case ends. */
export function storeSuite<Store>(cases: readonly StoreCase<Store>[], create: () => Promise<StoreUnderTest<Store>>): readonly ConformanceCase[] {
  return cases.map(({ name, check }) => ({
    name,
    run: async () => {
      const { store, reopen, close } = await create();
      try {
        await check(store, reopen ?? (async () => store));
      } finally {
        await close?.();
      }
    },
  }));
}
