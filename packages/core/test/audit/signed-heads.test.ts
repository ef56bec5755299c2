import { describe, expect, it } from 'vitest';
import { openAuditLog, type AuditLog } from '../../src/audit/audit-log.ts';
import type { AuditStore } from '../../src/audit/audit-store.ts';
import { parseCheckpoint, verifyCheckpoint } from '../../src/audit/checkpoint.ts';
import { lookupKeys, parseEntry } from '../../src/audit/entry.ts';
import { verifyEntryProof } from '../../src/audit/entry-proof.ts';
import { acceptFork } from '../../src/audit/fork.ts';
import { fsck } from '../../src/audit/fsck.ts';
import { storeSource } from '../../src/audit/fsck-source.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { epochOf, epochOrigin } from '../../src/audit/origin-epoch.ts';
import { memorySignedHeads, type SignedHeads } from '../../src/audit/signed-heads.ts';
import { systemEnv } from '../../src/env/env.ts';
import { StoreError } from '../../src/errors/store-error.ts';
import { caught, testSigner } from './support.ts';

const origin = 'heads.example/log';
const signer = testSigner();
const env = systemEnv;
const open = (store: AuditStore, heads: SignedHeads, options: object = {}): Promise<AuditLog> =>
  openAuditLog({ store, heads, signer, origin, env, ...options });

/** A copy of the store as it is now, as a backup makes it. */
async function backup(store: AuditStore): Promise<AuditStore> {
  const copy = memoryAuditStore();
  const head = await store.loadHead();
  const rows = await store.loadRows(0, head.size);
  await copy.append({ expected: await copy.loadHead(), head, rows: rows.map((row) => ({ ...row, keys: lookupKeys(parseEntry(row.bytes)), openings: [] })) });
  for (const checkpoint of await store.loadCheckpoints(0, 1000)) await copy.saveCheckpoint(checkpoint);
  return copy;
}

async function grow(log: AuditLog, entries: number): Promise<void> {
  for (let n = 0; n < entries; n++) await log.append({ type: 'config', n });
}

describe('signed heads', () => {
  it('[AUDIT-SIGN-ORDER] a head is kept before it is signed, and signed before it is published', async () => {
    const order: string[] = [];
    const inner = memorySignedHeads();
    const store = memoryAuditStore();
    const save = store.saveCheckpoint.bind(store);
    store.saveCheckpoint = (checkpoint) => (order.push(`publish ${checkpoint.size}`), save(checkpoint));
    const heads: SignedHeads = { load: inner.load, replace: (change) => (order.push(`keep ${change.head.size}`), inner.replace(change)) };
    const log = await open(store, heads, { signer: { publicKey: signer.publicKey, sign: (text: Uint8Array) => (order.push('sign'), signer.sign(text)) } });
    await log.checkpoint();
    await grow(log, 1);
    // Two at once take turns: the second finds the first one's note.
    const [a, b] = await Promise.all([log.checkpoint(), log.checkpoint()]);
    expect(a).toBe(b);
    expect(order).toEqual(['keep 1', 'sign', 'publish 1', 'keep 2', 'sign', 'publish 2']);
  });

  it('[AUDIT-SIGN-ORDER] a signer that is away costs no head: the same size is signed when it is back', async () => {
    let away = true;
    const heads = memorySignedHeads();
    const sign = (text: Uint8Array): Uint8Array => {
      if (away) throw new Error('the signer is away');
      return signer.sign(text);
    };
    const log = await open(memoryAuditStore(), heads, { signer: { publicKey: signer.publicKey, sign } });
    await expect(log.checkpoint()).rejects.toThrow('away');
    expect((await heads.load(origin))?.size).toBe(1);
    away = false;
    expect(parseCheckpoint(await log.checkpoint()).size).toBe(1);
    await grow(log, 1);
    expect(parseCheckpoint(await log.checkpoint()).size).toBe(2);
  });

  it('[AUDIT-SIGN-STOP] a head that could not be kept, or was replaced by another signer, stops the log', async () => {
    for (const failure of [new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: 'EIO' }), new Error('EIO')]) {
      const inner = memorySignedHeads();
      const store = memoryAuditStore();
      const log = await open(store, { load: inner.load, replace: () => Promise.reject(failure) });
      await expect(log.checkpoint()).rejects.toThrow('EIO');
      for (const later of [() => log.append({ type: 'config' }), () => log.checkpoint()])
        expect(await caught(later)).toMatchObject({ code: 'TALOS_AUDIT_STOPPED' });
      await log.close();
      expect(await store.loadCheckpoint()).toBeUndefined();
    }
    // Two copies of one log, both open: the second to sign is told, and signs nothing.
    const heads = memorySignedHeads();
    const store = memoryAuditStore();
    await (await open(store, heads)).close();
    const [mine, theirs] = [await open(store, heads), await open(await backup(store), heads)];
    await grow(mine, 1);
    await grow(theirs, 1);
    await mine.checkpoint();
    expect(await caught(() => theirs.checkpoint())).toMatchObject({ code: 'TALOS_STORE_CONFLICT' });
    expect(await caught(() => theirs.append({ type: 'config' }))).toMatchObject({ code: 'TALOS_AUDIT_STOPPED' });
    expect((await heads.load(origin))?.size).toBe(mine.size);
  });

  it('[AUDIT-ROLLED-BACK] a log that was restored from an older copy signs nothing and writes nothing', async () => {
    const heads = memorySignedHeads();
    const store = memoryAuditStore();
    const log = await open(store, heads);
    await grow(log, 3);
    await log.checkpoint();
    const copy = await backup(store);
    await grow(log, 5);
    await log.close();
    const error = await caught(() => open(copy, heads));
    expect(error).toMatchObject({ code: 'TALOS_AUDIT_ROLLED_BACK' });
    expect(error.message).toContain('recoverLog({ acceptFork: true })');
    expect((await copy.loadHead()).size).toBe(4);
    // Nothing at all is an older copy too.
    expect(await caught(() => open(memoryAuditStore(), heads))).toMatchObject({ code: 'TALOS_AUDIT_ROLLED_BACK' });
    // The newer one opens.
    expect((await open(store, heads)).size).toBe(11);
  });

  it('[AUDIT-ROLLED-BACK] an old copy that has grown past the signed size is another history, and is refused', async () => {
    const heads = memorySignedHeads();
    const store = memoryAuditStore();
    const log = await open(store, heads);
    const copy = await backup(store);
    await grow(log, 3);
    await log.close();
    // Somebody opened the copy without the heads.
    const fork = await openAuditLog({ store: copy, signer, origin, env });
    await grow(fork, 10);
    expect(await caught(() => open(copy, heads))).toMatchObject({ code: 'TALOS_AUDIT_DIVERGED' });
    await fork.close();
    expect(await caught(() => open(copy, heads))).toMatchObject({ code: 'TALOS_AUDIT_DIVERGED' });
  });

  it('[AUDIT-HEADS-LOST] heads that were lost or are older than the log are brought up to its last checkpoint', async () => {
    const store = memoryAuditStore();
    const old = memorySignedHeads();
    const log = await open(store, old);
    await log.checkpoint();
    const { root, size } = (await old.load(origin)) as { root: Uint8Array; size: number };
    await grow(log, 4);
    await log.close();
    for (const before of [undefined, { root, size }]) {
      const heads = memorySignedHeads();
      if (before !== undefined) await heads.replace({ origin, expected: undefined, head: before });
      const again = await open(await backup(store), heads);
      expect((await heads.load(origin))?.size).toBe(6);
      await again.close();
      expect((await heads.load(origin))?.size).toBe(8);
    }
  });

  it('[AUDIT-FORK-ACCEPTED] an accepted fork goes on under a new origin, keeps its entries, and says so', async () => {
    const heads = memorySignedHeads();
    const store = memoryAuditStore();
    const log = await open(store, heads);
    await grow(log, 3);
    const kept = await log.checkpoint();
    const copy = await backup(store);
    await grow(log, 5);
    await log.close();

    const fork = await acceptFork({ store: copy, heads, signer, origin, env, acceptFork: true });
    expect(fork).toMatchObject({ origin: 'heads.example/log/epoch/2', kept: 4, signedSize: 10 });
    const again = await open(copy, heads);
    expect(again.origin).toBe(fork.origin);
    expect(again.verifierKey).toBe(fork.verifierKey);
    const entries = await Promise.all(Array.from({ length: again.size }, (_, i) => again.entry(i)));
    expect(entries.find(({ entry }) => entry['gap'] === 'fork')?.entry).toMatchObject({
      previous_origin: origin,
      origin: fork.origin,
      kept: 4,
      signed_size: 10,
    });
    // Old entries are proved under the new name, and the old promise still holds under the old one.
    expect(verifyEntryProof(await again.proveInclusion(1), fork.verifierKey).index).toBe(1);
    expect(verifyCheckpoint(kept, log.verifierKey).size).toBe(4);
    expect(await caught(() => again.proveInclusion(1).then((proof) => verifyEntryProof(proof, log.verifierKey)))).toMatchObject({
      code: 'TALOS_AUDIT_BAD_NOTE',
    });
    await again.close();
    const report = await fsck(storeSource(copy), { verifierKey: log.verifierKey });
    expect(report.sound).toBe(true);
    expect(report.findings.map(({ code }) => code)).toEqual(['RECORDER_NOT_STOPPED', 'HISTORY_LOST']);
    // Under the key that the log gives now too, and that one tells the copy from before the fork.
    expect(await fsck(storeSource(copy), { verifierKey: fork.verifierKey })).toMatchObject({ sound: true, checkpoints: report.checkpoints });
    const before = await fsck(storeSource(store), { verifierKey: fork.verifierKey });
    expect(before.findings.filter(({ about }) => about === 'integrity').map(({ code }) => code)).toEqual(['CHECKPOINT_BAD']);
  });

  it('[AUDIT-FORK-ACCEPTED] a copy from before the fork is refused however long it is; each fork has a name of its own', async () => {
    const heads = memorySignedHeads();
    const store = memoryAuditStore();
    const log = await open(store, heads);
    const oldest = await backup(store);
    await log.close();
    const whole = await backup(store);
    await acceptFork({ store: oldest, heads, signer, origin, env, acceptFork: true });
    // As long as what was signed under the old name, and still not the log that went on.
    const error = await caught(() => open(whole, heads));
    expect(error).toMatchObject({ code: 'TALOS_AUDIT_ROLLED_BACK' });
    expect(error.message).toContain('/epoch/2');
    expect(await acceptFork({ store: whole, heads, signer, origin, env, acceptFork: true })).toMatchObject({ origin: `${origin}/epoch/3` });
    expect((await open(whole, heads)).origin).toBe(`${origin}/epoch/3`);
    expect(await caught(() => open(oldest, heads))).toMatchObject({ code: 'TALOS_AUDIT_ROLLED_BACK' });
  });

  it('[AUDIT-FORK-ACCEPTED] is refused without consent, and where there is nothing to accept', async () => {
    const heads = memorySignedHeads();
    const store = memoryAuditStore();
    await (await open(store, heads)).close();
    for (const accept of [true, false, undefined])
      expect(await caught(() => acceptFork({ store, heads, signer, origin, env, acceptFork: accept as true }))).toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
  });

  it('[AUDIT-FORK-ACCEPTED] names of epochs are read in one way', () => {
    expect(epochOrigin('a', 1)).toBe('a');
    expect(epochOrigin('a', 12)).toBe('a/epoch/12');
    expect(epochOf('a', 'a')).toBe(1);
    expect(epochOf('a', 'a/epoch/12')).toBe(12);
    for (const name of ['a/epoch/1', 'a/epoch/0', 'a/epoch/02', 'a/epoch/', 'a/epoch/2/', 'b', 'ab/epoch/2', 'a/epoch/1e3'])
      expect(epochOf('a', name), name).toBeUndefined();
  });

  it('[AUDIT-CLOCK] a clock that goes backwards changes times only: order, ids and signatures go on', async () => {
    let now = 1_800_000_000_000;
    const backwards = { ...env, now: () => (now -= 3_600_000) };
    const store = memoryAuditStore();
    const heads = memorySignedHeads();
    const log = await open(store, heads, { env: backwards });
    const appended = [];
    for (let n = 0; n < 20; n++) appended.push(await log.append({ type: 'config', n }));
    await log.close();
    expect(appended.map(({ index }) => index)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    expect(new Set(appended.map(({ id }) => id)).size).toBe(20);
    const again = await open(store, heads, { env: backwards });
    expect(verifyEntryProof(await again.proveInclusion(20), again.verifierKey).entry).toMatchObject({ n: 19 });
    await again.close();
    expect((await fsck(storeSource(store), { verifierKey: again.verifierKey })).findings).toEqual([]);
  });
});
