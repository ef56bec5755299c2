/** What every audit store must keep, as cases that any test runner can run. A case resolves, or throws an error that says what differed. @module */
import { findEach, type AuditBatch, type AuditStore, type NewAuditRow } from '../audit/audit-store.ts';
import { CompactRange, emptyRoot, hashLeaf, type TreeHead } from '../audit/tree-hash.ts';
import { equalBytes } from '../bytes/equal.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { TalosError } from '../errors/talos-error.ts';
import type { ConformanceCase } from './conformance.ts';

/** Where a store comes from. Each `create` gives an empty one; `reopen` closes it and opens the same data again, where there is such a thing. */
export type AuditStoreSource = { create(): Promise<{ readonly store: AuditStore; readonly reopen?: () => Promise<AuditStore> }> };

export function auditStoreSuite(source: AuditStoreSource): readonly ConformanceCase[] {
  return cases.map(({ name, check }) => ({
    name,
    run: async () => {
      const { store, reopen } = await source.create();
      const opened = [store];
      try {
        await check(store, reopen === undefined ? undefined : async () => keep(opened, await reopen()));
      } finally {
        for (const each of opened) await each.close();
      }
    },
  }));
}

function keep(opened: AuditStore[], store: AuditStore): AuditStore {
  opened.push(store);
  return store;
}

type Check = (store: AuditStore, reopen: (() => Promise<AuditStore>) | undefined) => Promise<void>;

const cases: readonly { readonly name: string; readonly check: Check }[] = [
  { name: 'an empty store has size 0 and the empty root', check: emptyStore },
  { name: 'rows, nodes and head come back as they were appended', check: roundTrip },
  { name: 'a batch on another head is refused and changes nothing', check: compareAndSet },
  { name: 'appends take effect in the order of the calls without waiting', check: pipelined },
  { name: 'find gives the first index under a key, and keeps kinds apart', check: findsFirst },
  { name: 'openings stand apart from rows, per entry and in order', check: keepsOpenings },
  { name: 'all checkpoints are kept, the first note of a size stays', check: keepsCheckpoints },
  { name: 'large and empty payloads survive', check: payloadSizes },
  { name: 'everything is there after opening again', check: reopened },
  { name: 'a closed store answers TALOS_USAGE_CLOSED', check: closed },
];

async function emptyStore(store: AuditStore): Promise<void> {
  expectHead(await store.loadHead(), { size: 0, root: emptyRoot() });
  expectEqual('rows', (await store.loadRows(0, 10)).length, 0);
  expectEqual('find', await store.find('id', 'nobody'), undefined);
  expectEqual('checkpoint', await store.loadCheckpoint(), undefined);
  expectEqual('openings', (await store.loadOpenings(0)).length, 0);
  await expectCode('a node that is not there', store.loadNodes([{ level: 0, index: 0 }]), 'TALOS_STORE_CORRUPT');
}

async function roundTrip(store: AuditStore): Promise<void> {
  const writer = new BatchWriter();
  const batches = [writer.batch(1), writer.batch(7), writer.batch(13)];
  for (const batch of batches) await store.append(batch);
  expectHead(await store.loadHead(), writer.head());
  const rows = batches.flatMap((batch) => batch.rows);
  const stored = await store.loadRows(0, 100);
  expectEqual('number of rows', stored.length, rows.length);
  for (const [i, row] of rows.entries()) {
    expectBytes(`bytes of row ${i}`, stored[i]?.bytes, row.bytes);
    expectBytes(`hashes of row ${i}`, stored[i]?.hashes, row.hashes);
  }
  expectEqual('a range of rows', (await store.loadRows(5, 9)).length, 4);
  // 21 leaves = subtrees of 16, 4 and 1.
  const edge = await store.loadNodes([
    { level: 4, index: 0 },
    { level: 2, index: 4 },
    { level: 0, index: 20 },
  ]);
  expectHead(new CompactRange(21, edge).head(), writer.head());
}

async function compareAndSet(store: AuditStore): Promise<void> {
  const writer = new BatchWriter();
  await store.append(writer.batch(3));
  const before = await store.loadHead();
  const other = new BatchWriter('other');
  other.batch(3);
  // Same size, other root: the fork that a size alone would not show.
  await expectCode('another root', store.append(other.batch(1)), 'TALOS_STORE_CONFLICT');
  await expectCode('another size', store.append(new BatchWriter().batch(1)), 'TALOS_STORE_CONFLICT');
  expectHead(await store.loadHead(), before);
  expectEqual('rows', (await store.loadRows(0, 10)).length, 3);
  await store.append(writer.batch(2));
}

async function pipelined(store: AuditStore): Promise<void> {
  const writer = new BatchWriter();
  const finished: number[] = [];
  const appends = Array.from({ length: 20 }, (_, i) => store.append(writer.batch(1 + (i % 3))).then(() => finished.push(i)));
  await Promise.all(appends);
  expectEqual('order', finished.join(), Array.from({ length: 20 }, (_, i) => i).join());
  expectHead(await store.loadHead(), writer.head());
}

async function findsFirst(store: AuditStore): Promise<void> {
  const writer = new BatchWriter();
  await store.append(
    writer.batch(4, (i) => ({
      keys: [
        { kind: 'call', key: i < 2 ? 'a' : 'ü\u0000b' },
        { kind: 'id', key: `id-${i}` },
      ],
    })),
  );
  expectEqual('first of a call', await store.find('call', 'a'), 0);
  expectEqual('a key that is not ASCII', await store.find('call', 'ü\u0000b'), 2);
  expectEqual('an id', await store.find('id', 'id-3'), 3);
  expectEqual('another kind', await store.find('message', 'a'), undefined);
  expectEqual('a prefix', await store.find('id', 'id-'), undefined);
  const asked = [
    { kind: 'message', key: 'a' },
    { kind: 'call', key: 'ü\u0000b' },
    { kind: 'id', key: 'id-3' },
    { kind: 'call', key: 'a' },
    { kind: 'id', key: 'id-3' },
  ] as const;
  expectEqual('many at once', String(await findEach(store, asked)), String([undefined, 2, 3, 0, 3]));
  expectEqual('none at once', (await findEach(store, [])).length, 0);
}

async function keepsOpenings(store: AuditStore): Promise<void> {
  const salt = new Uint8Array(32).fill(5);
  const opening = (field: string, text: string) => ({ field, salt, payload: encodeUtf8(text) });
  const writer = new BatchWriter();
  await store.append(writer.batch(3, (i) => ({ openings: i === 1 ? [opening('result', 'r'), opening('args', 'a')] : [] })));
  const stored = await store.loadOpenings(1);
  expectEqual('fields', stored.map(({ field }) => field).join(), 'result,args');
  expectBytes('salt', stored[0]?.salt, salt);
  expectBytes('payload', stored[1]?.payload, encodeUtf8('a'));
  expectEqual('neighbours', (await store.loadOpenings(0)).length + (await store.loadOpenings(2)).length, 0);
}

async function keepsCheckpoints(store: AuditStore): Promise<void> {
  for (const size of [5, 17, 9]) await store.saveCheckpoint({ size, note: `note ${size}` });
  await store.saveCheckpoint({ size: 17, note: 'another' });
  expectEqual('the largest', (await store.loadCheckpoint())?.note, 'note 17');
  expectEqual('an old one', (await store.loadCheckpoint(5))?.note, 'note 5');
  expectEqual('the list', (await store.loadCheckpoints(6, 10)).map(({ size, note }) => `${size} ${note}`).join(), '9 note 9,17 note 17');
  expectEqual('a page of it', (await store.loadCheckpoints(0, 2)).map(({ size }) => size).join(), '5,9');
  expectEqual('a size without one', await store.loadCheckpoint(6), undefined);
}

async function payloadSizes(store: AuditStore): Promise<void> {
  const payloads = [new Uint8Array(0), new Uint8Array(3 * 1024 * 1024).fill(7)];
  const salt = new Uint8Array(32);
  await store.append(new BatchWriter().batch(2, (i) => ({ openings: [{ field: 'args', salt, payload: payloads[i] as Uint8Array }] })));
  for (const [i, payload] of payloads.entries()) expectBytes(`payload ${i}`, (await store.loadOpenings(i))[0]?.payload, payload);
}

async function reopened(store: AuditStore, reopen: (() => Promise<AuditStore>) | undefined): Promise<void> {
  if (reopen === undefined) return;
  const writer = new BatchWriter();
  await store.append(writer.batch(10, (i) => ({ keys: [{ kind: 'id', key: `id-${i}` }] })));
  await store.saveCheckpoint({ size: 10, note: 'note' });
  const again = await reopen();
  expectHead(await again.loadHead(), writer.head());
  expectEqual('find', await again.find('id', 'id-7'), 7);
  expectEqual('checkpoint', (await again.loadCheckpoint())?.note, 'note');
  await again.append(writer.batch(1));
  expectHead(await again.loadHead(), writer.head());
}

async function closed(store: AuditStore): Promise<void> {
  await store.close();
  await expectCode('loadHead', store.loadHead(), 'TALOS_USAGE_CLOSED');
  await expectCode('append', store.append(new BatchWriter().batch(1)), 'TALOS_USAGE_CLOSED');
  await store.close();
}

/** Batches that follow each other, with a true tree behind them. */
class BatchWriter {
  readonly #range = new CompactRange();
  readonly #name: string;

  constructor(name = 'row') {
    this.#name = name;
  }

  head(): TreeHead {
    return this.#range.head();
  }

  batch(count: number, extra: (i: number) => Partial<NewAuditRow> = () => ({})): AuditBatch {
    const expected = this.head();
    const rows = Array.from({ length: count }, (_, i) => {
      const bytes = encodeUtf8(`${this.#name} ${this.#range.size}`);
      return { bytes, hashes: this.#range.append(hashLeaf(bytes)), keys: [], openings: [], ...extra(i) };
    });
    return { expected, head: this.head(), rows };
  }
}

function expectHead(actual: TreeHead, wanted: TreeHead): void {
  expectEqual('size of the head', actual.size, wanted.size);
  expectBytes('root of the head', actual.root, wanted.root);
}

function expectBytes(what: string, actual: Uint8Array | undefined, wanted: Uint8Array): void {
  if (actual === undefined || !equalBytes(actual, wanted))
    throw new Error(`${what}: got ${actual?.length ?? 'no'} bytes that differ from the ${wanted.length} wanted`);
}

function expectEqual(what: string, actual: unknown, wanted: unknown): void {
  if (actual !== wanted) throw new Error(`${what}: got ${String(actual).slice(0, 80)}, wanted ${String(wanted).slice(0, 80)}`);
}

async function expectCode(what: string, refused: Promise<unknown>, code: string): Promise<void> {
  const error = await refused.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expectEqual(`code of ${what}`, TalosError.isInstance(error) ? error.code : error, code);
}
