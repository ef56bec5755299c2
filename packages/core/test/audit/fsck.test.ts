import { describe, expect, it } from 'vitest';
import { openAuditLog, type AuditLog } from '../../src/audit/audit-log.ts';
import type { AuditStore } from '../../src/audit/audit-store.ts';
import type { LookupKey } from '../../src/audit/entry.ts';
import { fsck } from '../../src/audit/fsck.ts';
import type { FsckReport } from '../../src/audit/fsck-finding.ts';
import { storeSource } from '../../src/audit/fsck-source.ts';
import { readAuditLog } from '../../src/audit/log-reader.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { SequenceChecker } from '../../src/audit/recorder-run.ts';
import { CompactRange, hashLeaf } from '../../src/audit/tree-hash.ts';
import { encodeBase64url } from '../../src/bytes/base64url.ts';
import { systemEnv } from '../../src/env/env.ts';
import { caught, flipBit, testSigner } from './support.ts';

const origin = 'fsck.example';
const open = (store: AuditStore): Promise<AuditLog> => openAuditLog({ store, signer: testSigner(), origin, env: systemEnv, recorder: 'r' });

type Row = { bytes: Uint8Array; hashes: Uint8Array };
type Made = { readonly rows: Row[]; readonly notes: readonly { readonly size: number; readonly note: string }[]; readonly key: string };

/** Calls with results, a refusal at 5, checkpoints at 10, 20 and at the end, 33 entries. */
async function make(): Promise<Made> {
  const store = memoryAuditStore();
  const log = await open(store);
  const call = async (n: number): Promise<void> => {
    const { leafHash } = await log.append({ type: 'tool.request', call: `c${n}`, policy: { decision: 'allow' } });
    await log.append({ type: 'tool.result', call: `c${n}`, intent: encodeBase64url(leafHash), outcome: 'ok' });
  };
  for (let n = 0; n < 2; n++) await call(n);
  await log.append({ type: 'policy.decision', call: 'refused', policy: { decision: 'deny', code: 'TOOL_NOT_GRANTED' } });
  for (let n = 2; n < 4; n++) await call(n);
  await log.checkpoint();
  for (let n = 4; n < 9; n++) await call(n);
  await log.checkpoint();
  for (let n = 9; n < 15; n++) await call(n);
  await log.close();
  const rows = (await store.loadRows(0, 100)).map(({ bytes, hashes }) => ({ bytes: bytes.slice(), hashes: hashes.slice() }));
  return { rows, notes: await store.loadCheckpoints(0, 100), key: log.verifierKey };
}

/** A store that holds these rows, whatever they are. */
async function check({ rows, notes, key }: Made, known: readonly string[] = []): Promise<FsckReport> {
  const head = rows.length;
  return fsck(
    {
      size: async () => head,
      readRows: async (start, end) =>
        Array.from({ length: end - start }, (_, i) => {
          const row = rows[start + i];
          return row === undefined ? { bytes: undefined, hashes: [] } : { bytes: row.bytes, hashes: split(row.hashes) };
        }),
      readCheckpoints: async (from) => notes.filter(({ size }) => size >= from),
    },
    { verifierKey: key, known },
  );
}

const noteAt = ({ notes }: Made, at: number): string => notes[at]?.note ?? '';
const split = (hashes: Uint8Array): Uint8Array[] => Array.from({ length: hashes.length / 32 }, (_, i) => hashes.subarray(32 * i, 32 * i + 32));
const named = (report: FsckReport): string[] => report.findings.map(({ code, index }) => `${code} ${index}`);
const edit = (made: Made, index: number, change: (text: string) => string): Made => ({
  ...made,
  rows: made.rows.map((row, i) => (i === index ? { ...row, bytes: new TextEncoder().encode(change(new TextDecoder().decode(row.bytes))) } : row)),
});
/** What somebody does who knows how the store works: all hashes made anew. Only the signatures are out of reach. */
function rehash(made: Made): Made {
  const range = new CompactRange();
  return { ...made, rows: made.rows.map(({ bytes }) => ({ bytes, hashes: range.append(hashLeaf(bytes)) })) };
}

describe('fsck', () => {
  it('[AUDIT-FSCK] a sound log has no finding, and all its checkpoints are found', async () => {
    const made = await make();
    expect(made.rows.length).toBe(33);
    expect(await check(made)).toMatchObject({
      size: 33,
      checkpoints: 3,
      signedSize: 33,
      sound: true,
      findings: [],
      recorders: [{ recorder: 'r', first: 0, last: 32 }],
    });
  });

  it('[AUDIT-FSCK] what a log admits of itself ten thousand times leaves no room for what was done to it: that is found all the same', async () => {
    const store = memoryAuditStore();
    const log = await open(store);
    await Promise.all(Array.from({ length: 10_001 }, () => log.append({ type: 'gap', gap: 'lost', lost: 1 })));
    await log.append({ type: 'config', who: 'mallory' });
    await log.close();
    const rows = (await store.loadRows(0, 11_000)).map(({ bytes, hashes }) => ({ bytes: bytes.slice(), hashes: hashes.slice() }));
    const made = { rows, notes: await store.loadCheckpoints(0, 100), key: log.verifierKey };
    expect(await check(made)).toMatchObject({ sound: true });
    for (const forged of [
      edit(made, 10_002, (text) => text.replace('mallory', 'nobody0')),
      rehash(edit(made, 10_002, (text) => text.replace('mallory', 'nobody0'))),
    ]) {
      const report = await check(forged);
      expect(report.sound).toBe(false);
      expect(report.findings.filter(({ about }) => about === 'integrity').length).toBeGreaterThan(0);
    }
  });

  it('[AUDIT-FSCK] an index that hides an entry, or leads to another, is named; the log answers with no entry that does not have the key', async () => {
    const store = memoryAuditStore();
    const log = await open(store);
    for (const call of ['a', 'b', 'a', 'c']) await log.append({ type: 'config', call });
    const wrong: readonly (readonly [string, number | undefined, string[]])[] = [
      ['c', undefined, ['LOOKUP_CHANGED 4']],
      ['c', 2, ['LOOKUP_CHANGED 4']],
      ['a', 3, ['LOOKUP_CHANGED 1']],
      ['a', 2, ['LOOKUP_CHANGED 1', 'LOOKUP_CHANGED 3']],
      ['b', 0, ['LOOKUP_CHANGED 2']],
      ['b', 2, []],
    ];
    for (const [key, index, expected] of wrong) {
      const find: AuditStore['find'] = async (kind, asked) => (kind === 'call' && asked === key ? index : store.find(kind, asked));
      const source = storeSource(store);
      const changed = { ...source, find: (keys: readonly LookupKey[]) => Promise.all(keys.map(({ kind, key: asked }) => find(kind, asked))) };
      const { findings } = await fsck(changed, { verifierKey: log.verifierKey });
      expect(findings.filter(({ about }) => about === 'integrity').map(({ code, index: at }) => `${code} ${at}`)).toEqual(expected);
    }
    const original = store.find.bind(store);
    store.find = async (kind, asked) => (kind === 'call' ? 2 : original(kind, asked));
    expect(await log.find('call', 'b')).toBe(2);
    expect(await caught(() => log.find('call', 'c'))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    await log.checkpoint();
    const reader = await readAuditLog({ store, verifierKey: log.verifierKey });
    expect(await reader.find('call', 'b')).toBe(2);
    expect(await caught(() => reader.find('call', 'c'))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
  });

  it('[AUDIT-FSCK] forged jumps of many recorders are each named, and fill no memory', () => {
    const checker = new SequenceChecker({ fromStart: true });
    const entry = { v: 1, type: 'config', id: 'x', time: '2026-11-22T00:00:00.000Z' } as const;
    for (let n = 0; n < 20_000; n++)
      checker.add({ index: n, leafHash: new Uint8Array(32), entry: { ...entry, recorder: `r${n}`, recorder_seq: Number.MAX_SAFE_INTEGER } });
    expect(checker.findings().map(({ code, index }) => `${code} ${index}`)).toEqual(Array.from({ length: 20_000 }, (_, n) => `RECORDER_GAP ${n}`));
  });

  it('[AUDIT-FSCK] every changed byte of every entry is found and named by its index', async () => {
    const made = await make();
    for (let index = 0; index < made.rows.length; index++) {
      const { bytes } = made.rows[index] as Row;
      for (let bit = index; bit < bytes.length * 8; bit += 211) {
        const report = await check({ ...made, rows: made.rows.with(index, { ...(made.rows[index] as Row), bytes: flipBit(bytes, bit) }) });
        expect(report.sound).toBe(false);
        expect(named(report)).toContain(`ENTRY_CHANGED ${index}`);
      }
    }
  });

  it('[AUDIT-FSCK] a changed field is named, even by one who makes the hashes anew', async () => {
    const made = await make();
    const fields: readonly (readonly [string, string])[] = [
      ['"outcome":"ok"', '"outcome":"tool_error"'],
      ['"call":"c1"', '"call":"c2"'],
      ['"time":"2', '"time":"3'],
      ['"id":"', '"id":"f'],
    ];
    for (const [from, to] of fields) {
      const changed = edit(made, 4, (text) => text.replace(from, to));
      expect(named(await check(changed)), from).toContain('ENTRY_CHANGED 4');
      const report = await check(rehash(changed));
      expect(report.sound).toBe(false);
      expect(named(report), from).toEqual(expect.arrayContaining(['CHAIN_BROKEN 4', 'ROOT_DIFFERS 0']));
    }
  });

  it('[AUDIT-FSCK] a refusal turned into a permission is called that', async () => {
    const made = await make();
    const decision = edit(made, 5, (text) => text.replace('"decision":"deny"', '"decision":"allow"'));
    expect(named(await check(decision))).toContain('REFUSAL_CHANGED 5');
    const whole = edit(made, 5, (text) => text.replace('"decision":"deny"', '"decision":"allow"').replace('"type":"policy.decision"', '"type":"tool.request"'));
    expect(named(await check(whole))).toContain('REFUSAL_CHANGED 5');
    // With all hashes anew the signed root and the next entry still contradict it, and so does its own form.
    expect(named(await check(rehash(decision)))).toEqual(expect.arrayContaining(['DECISION_CONTRADICTS 5', 'CHAIN_BROKEN 5', 'ROOT_DIFFERS 0']));
    expect(named(await check(rehash(whole)))).toEqual(expect.arrayContaining(['REQUEST_WITHOUT_RESULT 5', 'CHAIN_BROKEN 5', 'ROOT_DIFFERS 0']));
  });

  it('[AUDIT-FSCK] reordering is named: bodies, whole rows, and with all hashes anew', async () => {
    const made = await make();
    const [a, b] = [made.rows[12] as Row, made.rows[13] as Row];
    expect(named(await check({ ...made, rows: made.rows.with(12, { ...a, bytes: b.bytes }).with(13, { ...b, bytes: a.bytes }) }))).toEqual(
      expect.arrayContaining(['ENTRY_MOVED 12', 'ENTRY_MOVED 13']),
    );
    const swapped = { ...made, rows: made.rows.with(12, b).with(13, a) };
    expect(named(await check(swapped))).toContain('ENTRY_MOVED 13');
    expect(named(await check(rehash(swapped)))).toEqual(expect.arrayContaining(['ENTRY_MOVED 13', 'ROOT_DIFFERS 10']));
  });

  it('[AUDIT-FSCK] substitution, repetition and removal are named', async () => {
    const made = await make();
    const other = await make();
    expect(named(await check({ ...made, rows: made.rows.with(14, other.rows[14] as Row) }))).toEqual(
      expect.arrayContaining(['CHAIN_BROKEN 14', 'ROOT_DIFFERS 10']),
    );
    const substituted = named(await check(rehash({ ...made, rows: made.rows.with(14, other.rows[14] as Row) })));
    expect(substituted).toEqual(expect.arrayContaining(['CHAIN_BROKEN 13', 'CHAIN_BROKEN 14', 'ROOT_DIFFERS 10', 'RESULT_WITHOUT_REQUEST 15']));
    expect(named(await check(rehash({ ...made, rows: made.rows.with(14, made.rows[13] as Row) })))).toContain('ENTRY_REPEATED 14');
    const removed = named(await check(rehash({ ...made, rows: made.rows.toSpliced(14, 1) })));
    expect(removed).toEqual(expect.arrayContaining(['RECORDER_GAP 14', 'ROOT_DIFFERS 10', 'TAIL_MISSING 32']));
  });

  it('[AUDIT-FSCK] a cut tail is found against the last checkpoint, and against one that the reader kept if all later ones were cut too', async () => {
    const made = await make();
    const cut = { ...made, rows: made.rows.slice(0, 25) };
    expect(named(await check(cut))).toEqual(['REQUEST_WITHOUT_RESULT 24', 'RECORDER_NOT_STOPPED 24', 'TAIL_MISSING 25']);
    const clean = { ...cut, notes: made.notes.filter(({ size }) => size <= 25) };
    expect((await check(clean)).sound).toBe(true);
    expect(named(await check(clean, [noteAt(made, 2)]))).toContain('TAIL_MISSING 25');
    expect(named(await check({ ...made, rows: [] }))).toEqual(['TAIL_MISSING 0']);
  });

  it('[AUDIT-FSCK] changed tree hashes, notes and rows that are no entries are named', async () => {
    const made = await make();
    const row = made.rows[7] as Row;
    expect(named(await check({ ...made, rows: made.rows.with(7, { ...row, hashes: flipBit(row.hashes, 700) }) }))).toEqual(['HASH_CHANGED 7']);
    expect(named(await check({ ...made, notes: made.notes.with(1, { size: 20, note: noteAt(made, 1).replace('fsck', 'fsek') }) }))).toEqual([
      'CHECKPOINT_BAD 20',
    ]);
    expect(named(await check({ ...made, notes: made.notes.with(1, { ...(made.notes[1] as { size: number; note: string }), size: 21 }) }))).toEqual([
      'CHECKPOINT_BAD 21',
    ]);
    const hole = { ...made, rows: made.rows.with(20, undefined as never) };
    expect(named(await check(hole))).toContain('ENTRY_MISSING 20');
    expect(named(await check(rehash({ ...made, rows: made.rows.with(32, { ...row, bytes: Uint8Array.of(1, 2) }) })))).toContain('ENTRY_MALFORMED 32');
    expect(await caught(() => check({ ...made, key: 'x' }))).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
  });

  it('[AUDIT-FSCK] requests without results, lost events and recorders without a stop are told, and leave the log sound', async () => {
    const store = memoryAuditStore();
    const log = await open(store);
    await log.append({ type: 'tool.request', call: 'c', policy: { decision: 'allow' } });
    const next = await openAuditLog({ store, signer: testSigner(), origin, env: systemEnv, lost: 4 });
    await next.close();
    const report = await fsck(storeSource(store), { verifierKey: log.verifierKey });
    expect(report.sound).toBe(true);
    expect(named(report)).toEqual(['REQUEST_WITHOUT_RESULT 1', 'RECORDER_NOT_STOPPED 1', 'EVENTS_LOST 2']);
  });

  it('[AUDIT-FSCK] a hash that the store does not have is not passed over', async () => {
    const store = memoryAuditStore();
    const log = await open(store);
    await log.close();
    const rows = await store.loadRows(0, 2);
    const leafOnly = rows.map(({ bytes, hashes }) => ({ bytes, hashes: hashes.slice(0, 32) }));
    const source = storeSource({
      ...(Object.create(store) as AuditStore),
      loadHead: () => store.loadHead(),
      loadCheckpoints: async () => [],
      loadRows: async () => leafOnly,
      find: (kind, key) => store.find(kind, key),
    });
    expect(named(await fsck(source, { verifierKey: log.verifierKey }))).toEqual(['HASH_CHANGED 1']);
  });

  it('[AUDIT-FSCK] a head that is not that of the entries is named', async () => {
    const store = memoryAuditStore();
    const log = await open(store);
    await log.close();
    const source = storeSource(store);
    const { root, size } = await store.loadHead();
    expect(named(await fsck({ ...source, head: async () => ({ size, root: flipBit(root, 0) }) }, { verifierKey: log.verifierKey }))).toEqual([
      'HEAD_DIFFERS 2',
    ]);
    expect(named(await fsck({ ...source, head: async () => ({ size: 5, root }) }, { verifierKey: log.verifierKey }))).toContain('HEAD_DIFFERS 2');
  });
});
