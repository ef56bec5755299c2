/** What every private store must keep, as cases that any test runner can run. @module */
import type { OpeningsOfEntry, PrivateStore, Subject } from '../audit/private-store.ts';
import { equalBytes } from '../bytes/equal.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { TalosError } from '../errors/talos-error.ts';
import type { ConformanceCase } from './conformance.ts';

/** Each `create` gives an empty store; `reopen` closes it and opens the same data again, where there is such a thing. */
export type PrivateStoreSource = { create(): Promise<{ readonly store: PrivateStore; readonly reopen?: () => Promise<PrivateStore> }> };

export function privateStoreSuite(source: PrivateStoreSource): readonly ConformanceCase[] {
  return cases.map(({ name, check }) => ({
    name,
    run: async () => {
      const { store, reopen } = await source.create();
      let last = store;
      const again = async (): Promise<PrivateStore> => (last = reopen === undefined ? last : await reopen());
      try {
        await check(store, again);
      } finally {
        await last.close();
      }
    },
  }));
}

type Check = (store: PrivateStore, reopen: () => Promise<PrivateStore>) => Promise<void>;

const cases: readonly { readonly name: string; readonly check: Check }[] = [
  { name: 'openings come back per entry and in order', check: keepsOpenings },
  { name: 'openings of an entry are kept once', check: refusesTwice },
  { name: 'after a save that failed none is kept', check: stopsSaving },
  { name: 'how far openings were kept is known after they are gone', check: knowsSaved },
  { name: 'openings of entries that did not become durable are dropped', check: trims },
  { name: 'a person keeps the first key, and nobody else has it', check: keepsSubjects },
  { name: 'beginning an erasure destroys the key and nothing else', check: begins },
  { name: 'one erasure at a time, and numbers have no gap', check: oneAtATime },
  { name: 'erasing takes what is named and leaves the rest', check: erases },
  { name: 'what was begun is there after opening again', check: survives },
  { name: 'holds and recipients are kept until they are removed', check: keepsHolds },
  { name: 'a closed store answers TALOS_USAGE_CLOSED', check: closed },
];

async function keepsOpenings(store: PrivateStore): Promise<void> {
  await store.saveOpenings([entryOf(3, ['result', 'args']), entryOf(9, ['args'], 'r1')]);
  const [first, second] = await store.loadOpenings(3);
  expectEqual('order', `${first?.field},${second?.field}`, 'result,args');
  expectBytes('salt', first?.salt, new Uint8Array(32).fill(3));
  expectBytes('payload', second?.payload, encodeUtf8('3 args'));
  expectEqual('nobody named', first?.subject, undefined);
  expectEqual('a person', (await store.loadOpenings(9))[0]?.subject, 'r1');
  expectEqual('another index', (await store.loadOpenings(4)).length, 0);
  expectEqual('indices', (await store.indices({ from: 0, limit: 10 })).join(), '3,9');
  expectEqual('a page', (await store.indices({ from: 4, limit: 1 })).join(), '9');
  expectEqual('of a person', (await store.indices({ subject: 'r1' })).join(), '9');
}

async function refusesTwice(store: PrivateStore): Promise<void> {
  await store.saveOpenings([entryOf(1, ['args'])]);
  const error = await rejection(store.saveOpenings([entryOf(0, ['args']), entryOf(1, ['other'])]));
  if (!TalosError.isInstance(error)) throw new Error(`a second save gave ${String(error)}`);
  expectEqual('nothing of a refused save', (await store.loadOpenings(0)).length, 0);
  expectEqual('the first', (await store.loadOpenings(1))[0]?.field, 'args');
}

async function stopsSaving(store: PrivateStore, reopen: () => Promise<PrivateStore>): Promise<void> {
  await store.saveOpenings([entryOf(1, ['args'])]);
  const saves = [store.saveOpenings([entryOf(1, ['other'])]), store.saveOpenings([entryOf(2, ['args'])])];
  for (const save of saves) if (!TalosError.isInstance(await rejection(save))) throw new Error('a save beside or after one that failed was kept');
  expectEqual('saved', await store.saved(), 2);
  const again = await reopen();
  if (again === store) return;
  await again.saveOpenings([entryOf(2, ['args'])]);
  expectEqual('saved after opening again', await again.saved(), 3);
}

async function knowsSaved(store: PrivateStore, reopen: () => Promise<PrivateStore>): Promise<void> {
  expectEqual('in an empty store', await store.saved(), 0);
  await store.saveOpenings([entryOf(4, ['args'], 'r1'), entryOf(7, ['args'], 'r1')]);
  await store.erase({ subject: 'r1' });
  await store.trim(2);
  expectEqual('after erasing', await (await reopen()).saved(), 8);
}

async function trims(store: PrivateStore): Promise<void> {
  await store.saveOpenings([1, 2, 3, 4].map((index) => entryOf(index, ['args'])));
  await store.trim(3);
  expectEqual('indices', (await store.indices({ from: 0, limit: 10 })).join(), '1,2');
  await store.saveOpenings([entryOf(3, ['again'])]);
}

async function keepsSubjects(store: PrivateStore): Promise<void> {
  const first = await store.ensureSubject('Ada', subjectOf('r1', 1));
  expectBytes('key', (await store.ensureSubject('Ada', subjectOf('r2', 2))).key, first.key);
  expectEqual('by name', (await store.findSubject('Ada'))?.ref, 'r1');
  expectBytes('by reference', (await store.loadSubject('r1'))?.key, first.key);
  expectEqual('since', (await store.loadSubject('r1'))?.since, 5);
  expectEqual('another name', await store.findSubject('ada'), undefined);
  expectEqual('a reference that lost', await store.loadSubject('r2'), undefined);
}

async function begins(store: PrivateStore): Promise<void> {
  await store.ensureSubject('Ada', subjectOf('r1', 1));
  await store.ensureSubject('Bob', subjectOf('r2', 2));
  await store.begin({ number: 1, entry: { type: 'erasure', subject: 'r1', list: ['a'] } }, 'r1');
  expectEqual('by name', await store.findSubject('Ada'), undefined);
  expectEqual('by reference', await store.loadSubject('r1'), undefined);
  expectEqual('another', (await store.findSubject('Bob'))?.ref, 'r2');
  expectEqual('the task', JSON.stringify(await store.pending()), '{"number":1,"entry":{"type":"erasure","subject":"r1","list":["a"]}}');
  expectEqual('a new key', (await store.ensureSubject('Ada', subjectOf('r3', 3))).ref, 'r3');
}

async function oneAtATime(store: PrivateStore): Promise<void> {
  await expectConflict('number 2 first', store.begin({ number: 2, entry: {} }));
  await store.begin({ number: 1, entry: {} });
  await expectConflict('while one is under way', store.begin({ number: 2, entry: {} }));
  expectEqual('finished', await store.finished(), 0);
  await store.finish(1);
  expectEqual('finished', await store.finished(), 1);
  expectEqual('pending', await store.pending(), undefined);
  await expectConflict('number 1 again', store.begin({ number: 1, entry: {} }));
  await store.begin({ number: 2, entry: {} });
}

async function erases(store: PrivateStore): Promise<void> {
  await store.saveOpenings([entryOf(1, ['args', 'result'], 'r1'), entryOf(2, ['args'], 'r2'), entryOf(3, ['args', 'result']), entryOf(4, ['args'], 'r1')]);
  expectEqual('of a person', await store.erase({ subject: 'r1' }), 3);
  expectEqual('again', await store.erase({ subject: 'r1' }), 0);
  expectEqual('left', (await store.indices({ from: 0, limit: 10 })).join(), '2,3');
  expectEqual('a field', await store.erase({ indices: [3], field: 'args' }), 1);
  expectEqual('the other field', (await store.loadOpenings(3)).map(({ field }) => field).join(), 'result');
  expectEqual('entries', await store.erase({ indices: [2, 3, 77] }), 2);
  expectEqual('left', (await store.indices({ from: 0, limit: 10 })).length, 0);
}

async function survives(store: PrivateStore, reopen: () => Promise<PrivateStore>): Promise<void> {
  await store.ensureSubject('Ada', subjectOf('r1', 1));
  await store.saveOpenings([entryOf(1, ['args'], 'r1')]);
  await store.begin({ number: 1, entry: { subject: 'r1' } }, 'r1');
  const again = await reopen();
  expectEqual('the task', (await again.pending())?.number, 1);
  expectEqual('the key', await again.loadSubject('r1'), undefined);
  expectEqual('what is sealed under it', (await again.loadOpenings(1)).length, 1);
  await again.finish(1);
  expectEqual('finished', await (await reopen()).finished(), 1);
}

async function keepsHolds(store: PrivateStore): Promise<void> {
  await store.saveHold({ id: 'h1', reason: 'lawsuit', authority: 'court', from: 3 });
  await store.saveHold({ id: 'h2', reason: 'lawsuit', authority: 'court', subject: 'r1' });
  await store.removeHold('h1');
  expectEqual('holds', JSON.stringify(await store.holds()), '[{"id":"h2","reason":"lawsuit","authority":"court","subject":"r1"}]');
  await store.saveDisclosures([1, 2], 'b');
  await store.saveDisclosures([1], 'a');
  await store.saveDisclosures([1], 'b');
  expectEqual('recipients', (await store.recipients(1)).join(), 'a,b');
  expectEqual('of another entry', (await store.recipients(3)).length, 0);
}

async function closed(store: PrivateStore): Promise<void> {
  await store.close();
  for (const refused of [store.loadOpenings(0), store.saveOpenings([entryOf(0, ['args'])]), store.erase({ indices: [0] })]) {
    const error = await rejection(refused);
    expectEqual('code', TalosError.isInstance(error) ? error.code : error, 'TALOS_USAGE_CLOSED');
  }
  await store.close();
}

function entryOf(index: number, fields: readonly string[], subject?: string): OpeningsOfEntry {
  const openings = fields.map((field) => ({
    field,
    salt: new Uint8Array(32).fill(index),
    payload: encodeUtf8(`${index} ${field}`),
    ...(subject && { subject }),
  }));
  return { index, openings };
}

function subjectOf(ref: string, byte: number): Subject {
  return { ref, key: new Uint8Array(32).fill(byte), since: 5 };
}

async function expectConflict(what: string, refused: Promise<unknown>): Promise<void> {
  const error = await rejection(refused);
  expectEqual(`code of ${what}`, TalosError.isInstance(error) ? error.code : error, 'TALOS_STORE_CONFLICT');
}

function rejection(refused: Promise<unknown>): Promise<unknown> {
  return refused.then(
    () => undefined,
    (reason: unknown) => reason,
  );
}

function expectBytes(what: string, actual: Uint8Array | undefined, wanted: Uint8Array): void {
  if (actual === undefined || !equalBytes(actual, wanted))
    throw new Error(`${what}: got ${actual?.length ?? 'no'} bytes that differ from the ${wanted.length} wanted`);
}

function expectEqual(what: string, actual: unknown, wanted: unknown): void {
  if (actual !== wanted) throw new Error(`${what}: got ${String(actual).slice(0, 120)}, wanted ${String(wanted).slice(0, 120)}`);
}
