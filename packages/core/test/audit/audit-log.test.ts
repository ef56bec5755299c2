import { describe, expect, it } from 'vitest';
import { openAuditLog, type AuditLog } from '../../src/audit/audit-log.ts';
import type { AuditBatch, AuditRow, AuditStore } from '../../src/audit/audit-store.ts';
import { verifyCheckpoint } from '../../src/audit/checkpoint.ts';
import { verifyCommitment } from '../../src/audit/commitment.ts';
import { verifyConsistency } from '../../src/audit/consistency.ts';
import { formatProof, parseProof, verifyEntryProof, type EntryProof } from '../../src/audit/entry-proof.ts';
import { verifyInclusion } from '../../src/audit/inclusion.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { systemEnv } from '../../src/env/env.ts';
import { StoreError } from '../../src/errors/store-error.ts';
import { caught, flipBit, hex, merkleTreeHash, testSigner } from './support.ts';

const signer = testSigner();
const origin = 'acme.example/talos';
const open = (store: AuditStore, options: object = {}) => openAuditLog({ store, signer, origin, env: systemEnv, ...options });

/** Reads the whole log from its bytes and compares every index, hash, sequence and root. */
async function checkLog(log: AuditLog): Promise<void> {
  const leaves: Uint8Array[] = [];
  const last = new Map<string, { readonly seq: number; readonly leafHash: Uint8Array }>();
  for (let i = 0; i < log.size; i++) {
    const { bytes, entry, leafHash } = await log.entry(i);
    leaves.push(bytes);
    const before = last.get(entry.recorder);
    expect(entry.recorder_seq).toBe((before?.seq ?? -1) + 1);
    if (before !== undefined) expect(entry.recorder_prev).toBe(Buffer.from(before.leafHash).toString('base64url'));
    last.set(entry.recorder, { seq: entry.recorder_seq, leafHash });
  }
  expect(hex(verifyCheckpoint(await log.checkpoint(), log.verifierKey).root)).toBe(hex(merkleTreeHash(leaves)));
}

describe('audit log', () => {
  it('[AUDIT-APPEND] entries get consecutive indices in the order of the calls', async () => {
    const log = await open(memoryAuditStore());
    const appended = await Promise.all(Array.from({ length: 500 }, (_, i) => log.append({ type: 'config', n: i })));
    expect(appended.map(({ index }) => index)).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
    for (const { index, bytes } of appended) expect(JSON.parse(Buffer.from(bytes).toString())).toMatchObject({ n: index - 1, recorder_seq: index });
    expect(log.size).toBe(501);
    await checkLog(log);
  });

  it('[AUDIT-RECORDER-GAPS] start and stop of each recorder are entries', async () => {
    const store = memoryAuditStore();
    for (const name of ['first', 'second']) {
      const log = await open(store, { recorder: name });
      await log.append({ type: 'config' });
      await log.close();
    }
    const log = await open(store, { recorder: 'third' });
    const seen = [];
    for (let i = 0; i < log.size; i++) {
      const { entry } = await log.entry(i);
      seen.push(`${entry.recorder} ${entry.type} ${JSON.stringify(entry['gap'] ?? '')}`);
    }
    expect(seen).toEqual([
      'first gap "start"',
      'first config ""',
      'first gap "stop"',
      'second gap "start"',
      'second config ""',
      'second gap "stop"',
      'third gap "start"',
    ]);
    await checkLog(log);
  });

  it('[AUDIT-LOST] events that found no room are counted before the stop entry too', async () => {
    const store = new SlowStore();
    const log = await open(store);
    store.hold();
    const results = Promise.allSettled(Array.from({ length: 16_387 }, () => log.append({ type: 'config' })));
    await new Promise((resolve) => setTimeout(resolve, 5));
    store.release();
    await results;
    await log.close();
    expect(JSON.parse(Buffer.from((await store.loadRows(16_385, 16_386))[0]?.bytes as Uint8Array).toString())).toMatchObject({ gap: 'lost', lost: 3 });
    const again = await open(store);
    expect((await again.entry(16_387)).entry).toMatchObject({ gap: 'start', previous_stopped: true });
    expect((await again.entry(16_387)).entry['lost']).toBeUndefined();
  });

  it('[AUDIT-RECOVERY-SAID] a start says whether the recorder before it came to its end', async () => {
    const store = memoryAuditStore();
    const first = await open(store, { recorder: 'first' });
    expect(first.recovery).toEqual({ size: 0, checkpointSize: 0, previous: undefined });
    await first.append({ type: 'config' });
    // No close: as a crash leaves it.
    const second = await open(store, { recorder: 'second' });
    expect(second.recovery).toEqual({ size: 2, checkpointSize: 0, previous: { recorder: 'first', stopped: false } });
    expect((await second.entry(2)).entry).toMatchObject({ gap: 'start', previous: 'first', previous_stopped: false });
    await second.close();
    const third = await open(store);
    expect(third.recovery).toEqual({ size: 4, checkpointSize: 4, previous: { recorder: 'second', stopped: true } });
    expect((await third.entry(4)).entry).toMatchObject({ previous: 'second', previous_stopped: true });
  });

  it('[AUDIT-FIND] finds entries by id, call and message hash', async () => {
    const log = await open(memoryAuditStore());
    const request = await log.append({ type: 'tool.request', call: 'call-1' });
    await log.append({ type: 'tool.result', call: 'call-1' });
    const message = await log.append({ type: 'message.out', message_hash: 'abc' });
    expect([await log.find('id', request.id), await log.find('call', 'call-1'), await log.find('message', 'abc'), await log.find('call', 'abc')]).toEqual([
      1,
      1,
      message.index,
      undefined,
    ]);
  });

  it('[AUDIT-COMMIT] openings are kept beside the log and open what the entry committed to', async () => {
    const log = await open(memoryAuditStore());
    const { index, bytes } = await log.append({ type: 'tool.request', commit: { args: { path: 'docs/' } } });
    expect(Buffer.from(bytes).toString()).not.toContain('docs/');
    const [opening] = await log.openings(index);
    const { entry } = await log.entry(index);
    verifyCommitment({ ...(opening as NonNullable<typeof opening>), commitment: Buffer.from(entry.commit?.['args'] as string, 'base64url') });
  });

  it('[AUDIT-APPEND] an entry that is refused changes nothing, and the log goes on', async () => {
    const log = await open(memoryAuditStore());
    for (const bad of [{ type: 'nonsense' }, { type: 'config', a: null }, { type: 'config', a: 'x'.repeat(70_000) }]) {
      expect(await caught(() => log.append(bad as never))).toMatchObject({ code: 'TALOS_AUDIT_BAD_ENTRY' });
    }
    expect(await caught(() => log.append({ type: 'config', v: 1 }))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    expect((await log.append({ type: 'config' })).index).toBe(1);
    await checkLog(log);
  });

  it('[AUDIT-CHECKPOINT-DURABLE] a checkpoint covers what is durable, never what is on its way', async () => {
    const store = new SlowStore();
    const log = await open(store);
    store.hold();
    const pending = log.append({ type: 'config' });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(verifyCheckpoint(await log.checkpoint(), log.verifierKey).size).toBe(1);
    expect(await caught(() => log.entry(1))).toMatchObject({ code: 'TALOS_AUDIT_NOT_FOUND' });
    store.release();
    await pending;
    expect(verifyCheckpoint(await log.checkpoint(), log.verifierKey).size).toBe(2);
  });

  it('[AUDIT-CHECKPOINT-DURABLE] one size has one note; every note stays', async () => {
    const store = memoryAuditStore();
    const log = await open(store);
    const first = await log.checkpoint();
    expect(await log.checkpoint()).toBe(first);
    await log.append({ type: 'config' });
    const second = await log.checkpoint();
    await log.close();
    expect((await store.loadCheckpoint(1))?.note).toBe(first);
    expect((await store.loadCheckpoint(2))?.note).toBe(second);
    expect((await store.loadCheckpoint())?.size).toBe(3);
  });

  it('[AUDIT-CHECKPOINT-DURABLE] a signer that signs something else is found out before the note is kept', async () => {
    const store = memoryAuditStore();
    const log = await open(store, { signer: { publicKey: signer.publicKey, sign: () => new Uint8Array(64) } });
    expect(await caught(() => log.checkpoint())).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
    expect(await store.loadCheckpoint()).toBeUndefined();
  });

  it('[AUDIT-CLOSE] close waits for pending entries, then takes no more', async () => {
    const store = memoryAuditStore();
    const log = await open(store);
    const pending = Array.from({ length: 100 }, () => log.append({ type: 'config' }));
    await log.close();
    expect((await Promise.all(pending)).length).toBe(100);
    expect((await store.loadHead()).size).toBe(102);
    expect(await caught(() => log.append({ type: 'config' }))).toMatchObject({ code: 'TALOS_USAGE_CLOSED' });
    await log.close();
  });

  it('[AUDIT-OVERLOAD] waiting entries are bounded: more are refused with a retryable code, none is lost', async () => {
    const store = new SlowStore();
    const log = await open(store);
    store.hold();
    const results = Array.from({ length: 17_000 }, () =>
      log.append({ type: 'config' }).then(
        () => 'ok',
        (error: StoreError) => `${error.code} ${error.retryable}`,
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 5));
    store.release();
    const settled = await Promise.all(results);
    expect(new Set(settled)).toEqual(new Set(['ok', 'TALOS_AUDIT_OVERLOADED true']));
    expect(settled.filter((each) => each === 'ok').length).toBe(16_384);
    expect(log.lost).toBe(616);
    // What was refused is counted by an entry of its own, before the next one.
    expect((await log.append({ type: 'config' })).index).toBe(16_386);
    expect((await log.entry(16_385)).entry).toMatchObject({ type: 'gap', gap: 'lost', lost: 616 });
    expect(log.lost).toBe(0);
    await checkLog(log);
  });

  it('[AUDIT-OVERLOAD] large payloads count by their bytes, and one is always taken', async () => {
    const store = new SlowStore();
    const log = await open(store);
    store.hold();
    const payload = new Uint8Array(16 * 1024 * 1024);
    const results = Array.from({ length: 6 }, () =>
      log.append({ type: 'config', commit: { args: payload } }).then(
        () => 'ok',
        (error: StoreError) => error.code,
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 5));
    store.release();
    expect((await Promise.all(results)).filter((each) => each === 'ok').length).toBe(4);
  });
});

describe('a store that fails', () => {
  it('[AUDIT-STOP] one failed write rejects every waiting caller and stops the log; nothing of it is acknowledged', async () => {
    const inner = memoryAuditStore();
    const store = new FailingStore(inner);
    const log = await open(store);
    await log.append({ type: 'config' });
    store.failNext = 1;
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        log.append({ type: 'config', n: i }).then(
          () => 'ok',
          (error: StoreError) => error.code,
        ),
      ),
    );
    expect(results[0]).toBe('TALOS_STORE_WRITE_FAILED');
    expect(new Set(results)).toEqual(new Set(['TALOS_STORE_WRITE_FAILED', 'TALOS_AUDIT_STOPPED']));
    expect(log.size).toBe(2);
    for (const later of [() => log.append({ type: 'config' }), () => log.checkpoint()])
      expect(await caught(later)).toMatchObject({ code: 'TALOS_AUDIT_STOPPED' });
    // What was durable stays readable.
    expect((await log.entry(1)).entry.type).toBe('config');
    await log.close();
    expect((await inner.loadHead()).size).toBe(2);
    // 200 had a number, one came after the stop.
    expect(log.lost).toBe(201);
    const again = await open(inner, { lost: log.lost });
    expect((await again.entry(2)).entry).toMatchObject({ gap: 'start', previous_stopped: false, lost: 201 });
    await again.append({ type: 'config' });
    await checkLog(again);
  });

  it('[AUDIT-STOP] a store that throws something else, or cannot write at opening, gives coded errors', async () => {
    const store = new FailingStore(memoryAuditStore());
    store.failNext = 1;
    store.failure = 'a string';
    expect(await caught(() => open(store))).toMatchObject({ code: 'TALOS_STORE_WRITE_FAILED' });
  });

  it('[AUDIT-ONE-WRITER] of two logs on one store the second to write stops', async () => {
    const store = memoryAuditStore();
    const first = await open(store);
    const second = await open(store);
    expect(await caught(() => first.append({ type: 'config' }))).toMatchObject({ code: 'TALOS_STORE_CONFLICT' });
    expect(await caught(() => first.append({ type: 'config' }))).toMatchObject({ code: 'TALOS_AUDIT_STOPPED' });
    await second.append({ type: 'config' });
    await checkLog(second);
  });
});

describe('opening again', () => {
  async function written(): Promise<{ readonly store: AuditStore; readonly rows: AuditRow[] }> {
    const store = memoryAuditStore();
    const log = await open(store);
    for (let i = 0; i < 5; i++) await log.append({ type: 'config' });
    await log.checkpoint();
    for (let i = 0; i < 6; i++) await log.append({ type: 'config' });
    return { store, rows: [...(await store.loadRows(0, 12))] };
  }

  /** The same store with some answers changed, as after a hand edit. */
  const tampered = (store: AuditStore, changes: Partial<AuditStore>): AuditStore =>
    ({
      ...Object.fromEntries(
        ['loadHead', 'append', 'loadRows', 'loadNodes', 'find', 'loadOpenings', 'saveCheckpoint', 'loadCheckpoint', 'close'].map((name) => [
          name,
          (...args: never[]) => (store as never as Record<string, (...args: never[]) => unknown>)[name]?.(...args),
        ]),
      ),
      ...changes,
    }) as AuditStore;

  it('[AUDIT-RECOVER] goes on where the log ended', async () => {
    const { store } = await written();
    const log = await open(store);
    expect(log.size).toBe(13);
    await checkLog(log);
  });

  it('[AUDIT-RECOVER] a changed byte or hash, and missing rows, are TALOS_STORE_CORRUPT', async () => {
    const { store, rows } = await written();
    const change = (i: number, row: Partial<AuditRow>) => ({
      loadRows: async (start: number, end: number) => rows.with(i, { ...(rows[i] as AuditRow), ...row }).slice(start, end),
    });
    for (const changes of [
      change(8, { bytes: flipBit(rows[8]?.bytes as Uint8Array, 9) }),
      change(9, { hashes: flipBit(rows[9]?.hashes as Uint8Array, 300) }),
      { loadRows: async (start: number, end: number) => rows.slice(start, Math.min(end, 9)) },
    ]) {
      expect(await caught(() => open(tampered(store, changes)))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    }
  });

  it('[AUDIT-RECOVER] another head, and a log behind its signed checkpoint, are TALOS_AUDIT_DIVERGED', async () => {
    const { store } = await written();
    const head = await store.loadHead();
    expect(await caught(() => open(tampered(store, { loadHead: async () => ({ ...head, root: flipBit(head.root, 1) }) })))).toMatchObject({
      code: 'TALOS_AUDIT_DIVERGED',
    });
    const old = memoryAuditStore();
    await open(old);
    expect(await caught(() => open(tampered(old, { loadCheckpoint: () => store.loadCheckpoint() })))).toMatchObject({ code: 'TALOS_AUDIT_DIVERGED' });
    // As long, but another history than the one that was signed.
    const other = memoryAuditStore();
    const log = await open(other);
    for (let i = 0; i < 8; i++) await log.append({ type: 'config' });
    expect(await caught(() => open(tampered(other, { loadCheckpoint: () => store.loadCheckpoint() })))).toMatchObject({ code: 'TALOS_AUDIT_DIVERGED' });
  });

  it('[AUDIT-RECOVER] another key, another origin or a changed note is refused', async () => {
    const { store } = await written();
    expect(await caught(() => open(store, { signer: testSigner(9) }))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    expect(await caught(() => open(store, { origin: 'other.example' }))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    const { size, note } = (await store.loadCheckpoint()) as { size: number; note: string };
    expect(await caught(() => open(tampered(store, { loadCheckpoint: async () => ({ size, note: note.replace('\n6\n', '\n7\n') }) })))).toMatchObject({
      code: 'TALOS_STORE_CORRUPT',
    });
    expect(await caught(() => open(tampered(store, { loadCheckpoint: async () => ({ size: size + 1, note }) })))).toMatchObject({
      code: 'TALOS_STORE_CORRUPT',
    });
  });
});

describe('proofs', () => {
  it('[AUDIT-PROOF] every entry is proved at every size, and every size to every later one', async () => {
    const store = memoryAuditStore();
    const log = await open(store);
    const roots = [new Uint8Array(), verifyCheckpoint(await log.checkpoint(), log.verifierKey).root];
    for (let i = 1; i < 40; i++) {
      await log.append({ type: 'config' });
      roots.push(verifyCheckpoint(await log.checkpoint(), log.verifierKey).root);
    }
    for (let size = 1; size <= 40; size++) {
      for (let index = 0; index < size; index++) {
        const proof = await log.proveInclusion(index, size);
        expect(verifyEntryProof(proof, log.verifierKey)).toMatchObject({ index, checkpoint: { size } });
        verifyInclusion({ ...proof, root: roots[size] as Uint8Array });
      }
      for (let oldSize = 1; oldSize <= size; oldSize++) {
        const { proof } = await log.proveConsistency(oldSize, size);
        verifyConsistency({ oldSize, oldRoot: roots[oldSize] as Uint8Array, newSize: size, newRoot: roots[size] as Uint8Array, proof });
      }
    }
  });

  it('[AUDIT-PROOF] without a size it leads to a signed checkpoint that covers the entry, an old one if it does', async () => {
    const log = await open(memoryAuditStore());
    await log.append({ type: 'config' });
    await log.checkpoint();
    const late = await log.append({ type: 'config' });
    expect((await log.proveInclusion(0)).size).toBe(2);
    expect((await log.proveInclusion(late.index)).size).toBe(3);
    await log.append({ type: 'config' });
    const unsigned = await log.proveInclusion(0, 4);
    expect(unsigned.checkpoint).toBeUndefined();
    expect(await caught(() => verifyEntryProof(unsigned, log.verifierKey))).toMatchObject({ code: 'TALOS_AUDIT_INCLUSION' });
  });

  it('[AUDIT-PROOF] indices and sizes outside the log are TALOS_AUDIT_NOT_FOUND, nonsense is misuse', async () => {
    const log = await open(memoryAuditStore());
    for (const refused of [
      () => log.proveInclusion(1),
      () => log.proveInclusion(0, 2),
      () => log.proveInclusion(1, 1),
      () => log.proveInclusion(0, 0),
      () => log.proveConsistency(0),
      () => log.proveConsistency(2),
      () => log.proveConsistency(1, 2),
      () => log.entry(1),
      () => log.openings(5),
    ]) {
      expect(await caught(refused)).toMatchObject({ code: 'TALOS_AUDIT_NOT_FOUND' });
    }
    for (const refused of [
      () => log.proveInclusion(-1),
      () => log.proveInclusion(0.5),
      () => log.proveInclusion(0, Number.NaN),
      () => log.entry('0' as never),
      () => log.proveConsistency(1n as never),
    ]) {
      expect(await caught(refused)).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    }
  });

  it('[AUDIT-PROOF] changed stored bytes or hashes give TALOS_STORE_CORRUPT, never a false proof', async () => {
    const store = memoryAuditStore();
    const log = await open(store);
    for (let i = 0; i < 9; i++) await log.append({ type: 'config' });
    await log.checkpoint();
    const rows = await store.loadRows(0, 10);
    // The memory store hands out its own bytes: this edits the stored row.
    for (const stored of [rows[4]?.bytes, rows[5]?.hashes] as Uint8Array[]) {
      stored[3] = (stored[3] as number) ^ 1;
      expect(await caught(() => log.proveInclusion(4))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
      stored[3] = (stored[3] as number) ^ 1;
    }
    const bytes = rows[4]?.bytes as Uint8Array;
    bytes[3] = (bytes[3] as number) ^ 1;
    expect(await caught(() => log.entry(4))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
  });
});

describe('entry proof', () => {
  async function proved(): Promise<{ readonly proof: EntryProof; readonly key: string }> {
    const log = await open(memoryAuditStore());
    for (let i = 0; i < 9; i++) await log.append({ type: 'message.out', message_hash: `hash-${i}` });
    return { proof: await log.proveInclusion((await log.find('message', 'hash-4')) as number), key: log.verifierKey };
  }

  it('[AUDIT-PROOF-FILE] survives its file form and gives the entry back', async () => {
    const { proof, key } = await proved();
    const read = parseProof(formatProof(proof));
    expect(hex(read.entry)).toBe(hex(proof.entry));
    expect(verifyEntryProof(read, key)).toMatchObject({ index: 5, entry: { type: 'message.out', message_hash: 'hash-4' }, checkpoint: { origin, size: 10 } });
  });

  it('[AUDIT-PROOF-FILE] any flipped bit of entry, hashes, index, size or note is found', async () => {
    const { proof, key } = await proved();
    const forgeries: [string, object, string][] = [
      ['index', { index: 6 }, 'TALOS_AUDIT_INCLUSION'],
      ['size', { size: 11 }, 'TALOS_AUDIT_INCLUSION'],
      ['leaf', { leafHash: flipBit(proof.leafHash, 0) }, 'TALOS_AUDIT_INCLUSION'],
      ['note', { checkpoint: (proof.checkpoint as string).replace('\n10\n', '\n11\n') }, 'TALOS_AUDIT_BAD_NOTE'],
      ['no note', { checkpoint: undefined }, 'TALOS_AUDIT_INCLUSION'],
      ['path', { proof: proof.proof.with(2, flipBit(proof.proof[2] as Uint8Array, 77)) }, 'TALOS_AUDIT_INCLUSION'],
    ];
    for (let bit = 0; bit < proof.entry.length * 8; bit += 7) forgeries.push(['entry', { entry: flipBit(proof.entry, bit) }, 'TALOS_AUDIT_INCLUSION']);
    for (const [name, change, code] of forgeries)
      expect(await caught(() => verifyEntryProof({ ...proof, ...change } as EntryProof, key)), name).toMatchObject({ code });
    const { verifierKey } = await open(memoryAuditStore(), { signer: testSigner(1) });
    expect(await caught(() => verifyEntryProof(proof, verifierKey))).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
    expect(await caught(() => verifyEntryProof({ ...proof, entry: 'x' } as never, key))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
  });

  it('[AUDIT-PROOF-FILE] malformed, truncated and oversized files are refused with a code', async () => {
    const text = formatProof((await proved()).proof);
    for (let length = 0; length < text.length; length += 13) expect((await caught(() => parseProof(text.slice(0, length)))).code).toMatch(/^TALOS_ENCODING_/);
    const value = JSON.parse(text) as Record<string, unknown>;
    const changes: object[] = [
      { format: 'talos/entry-proof/v2' },
      { extra: 1 },
      { index: -1 },
      { index: '5' },
      { size: 1.5 },
      { proof: {} },
      { proof: [1] },
      { entry: 5 },
      { entry: '!!' },
      { leafHash: null },
      { checkpoint: 7 },
      { checkpoint: null },
    ];
    for (const change of changes) expect((await caught(() => parseProof(JSON.stringify({ ...value, ...change })))).code).toMatch(/^TALOS_ENCODING_/);
    for (const whole of ['[]', 'null', '7', '""', text.replace('{', '{"index":5,'), `${text}${' '.repeat(1024 * 1024)}`])
      expect((await caught(() => parseProof(whole))).code).toMatch(/^TALOS_ENCODING_/);
    expect(await caught(() => parseProof(undefined as never))).toMatchObject({ code: 'TALOS_ENCODING_JSON' });
  });
});

/** A store whose disk takes its time. */
class SlowStore implements AuditStore {
  readonly #inner = memoryAuditStore();
  #gate: Promise<void> = Promise.resolve();
  release = (): void => undefined;

  hold(): void {
    this.#gate = new Promise((resolve) => (this.release = resolve));
  }

  async append(batch: AuditBatch): Promise<void> {
    await this.#gate;
    return this.#inner.append(batch);
  }

  loadHead = () => this.#inner.loadHead();
  loadRows = (start: number, end: number) => this.#inner.loadRows(start, end);
  loadNodes: AuditStore['loadNodes'] = (nodes) => this.#inner.loadNodes(nodes);
  find: AuditStore['find'] = (kind, key) => this.#inner.find(kind, key);
  loadOpenings = (index: number) => this.#inner.loadOpenings(index);
  saveCheckpoint: AuditStore['saveCheckpoint'] = (checkpoint) => this.#inner.saveCheckpoint(checkpoint);
  loadCheckpoint = (size?: number) => this.#inner.loadCheckpoint(size);
  loadCheckpoints = (from: number, limit: number) => this.#inner.loadCheckpoints(from, limit);
  close = () => this.#inner.close();
}

/** A store whose disk fails, as the port says: once, and from then on. */
class FailingStore extends SlowStore {
  failNext = 0;
  failure: unknown = new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: 'disk full' });
  #failed = false;

  constructor(inner: AuditStore) {
    super();
    for (const name of ['loadHead', 'loadRows', 'loadNodes', 'find', 'loadOpenings', 'saveCheckpoint', 'loadCheckpoint', 'loadCheckpoints', 'close'] as const) {
      (this as never as Record<string, unknown>)[name] = (...args: never[]) =>
        (inner as never as Record<string, (...args: never[]) => unknown>)[name]?.(...args);
    }
    this.#real = inner;
  }

  readonly #real: AuditStore;

  override async append(batch: AuditBatch): Promise<void> {
    if (this.failNext > 0 || this.#failed) {
      this.#failed = true;
      throw this.failure;
    }
    return this.#real.append(batch);
  }
}
