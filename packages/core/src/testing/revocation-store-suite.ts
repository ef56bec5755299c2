/** What every revocation store must keep, as cases that any test runner can run. A case resolves, or throws an error that says what differed. @module */
import type { RevocationStore } from '../capability/revocation-store.ts';
import { TalosError } from '../errors/talos-error.ts';
import { storeSuite, type ConformanceCase, type StoreCase, type StoreUnderTest } from './conformance.ts';

/** `create` gives an empty store; `reopen` opens the same data again, where there is such a thing. */
export type RevocationStoreSource = {
  create(): Promise<StoreUnderTest<RevocationStore>>;
};

export function revocationStoreSuite(source: RevocationStoreSource): readonly ConformanceCase[] {
  return storeSuite(cases, () => source.create());
}

const cases: readonly StoreCase<RevocationStore>[] = [
  { name: 'lists grow in order, each issuer its own', check: grows },
  { name: 'an append on another head is refused and writes nothing', check: conflict },
  { name: 'of two appends on one head one wins', check: race },
  { name: 'everything is there after opening again', check: reopened },
];

async function grows(store: RevocationStore): Promise<void> {
  equal('empty', (await store.load()).length, 0);
  await store.append({ issuer: 'a', expectedHead: undefined, segments: ['a0', 'a1'], head: 'h1' });
  await store.append({ issuer: 'b', expectedHead: undefined, segments: [], head: 'x' });
  await store.append({ issuer: 'a', expectedHead: 'h1', segments: ['a2'], head: 'h2' });
  await store.append({ issuer: 'a', expectedHead: 'h2', segments: [], head: 'h3' });
  equal('a', await listOf(store, 'a'), 'a0,a1,a2 h3');
  equal('b', await listOf(store, 'b'), ' x');
}

async function conflict(store: RevocationStore): Promise<void> {
  await store.append({ issuer: 'a', expectedHead: undefined, segments: ['a0'], head: 'h1' });
  for (const expectedHead of [undefined, 'h0']) await refused(store.append({ issuer: 'a', expectedHead, segments: ['evil'], head: 'h9' }));
  await refused(store.append({ issuer: 'new', expectedHead: 'h1', segments: ['evil'], head: 'h9' }));
  equal('a', await listOf(store, 'a'), 'a0 h1');
  equal('lists', (await store.load()).length, 1);
}

async function race(store: RevocationStore): Promise<void> {
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, (_, i) => store.append({ issuer: 'a', expectedHead: undefined, segments: [`s${i}`], head: `h${i}` })),
  );
  equal('winners', results.filter(({ status }) => status === 'fulfilled').length, 1);
  equal('segments', (await store.load())[0]?.segments.length, 1);
}

async function reopened(store: RevocationStore, reopen: () => Promise<RevocationStore>): Promise<void> {
  await store.append({ issuer: 'a', expectedHead: undefined, segments: ['a0'], head: 'h1' });
  const again = await reopen();
  equal('a', await listOf(again, 'a'), 'a0 h1');
  await again.append({ issuer: 'a', expectedHead: 'h1', segments: ['a1'], head: 'h2' });
}

async function listOf(store: RevocationStore, issuer: string): Promise<string> {
  const list = (await store.load()).find((stored) => stored.issuer === issuer);
  return `${list?.segments.join()} ${list?.head}`;
}

async function refused(promise: Promise<unknown>): Promise<void> {
  const code = await promise.then(
    () => 'nothing',
    (error: unknown) => (TalosError.isInstance(error) ? error.code : String(error)),
  );
  equal('code', code, 'TALOS_STORE_CONFLICT');
}

function equal(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: expected ${String(expected)}, got ${String(actual)}`);
}
