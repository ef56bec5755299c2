import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openAuditLog, type AuditLog } from '../../src/audit/audit-log.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { verifyRange, type RangeProof } from '../../src/audit/range.ts';
import { Recorder } from '../../src/audit/recorder.ts';
import { signCheckpoint } from '../../src/audit/checkpoint.ts';
import { hashLeaf, CompactRange } from '../../src/audit/tree-hash.ts';
import { rangeSubtrees } from '../../src/audit/range.ts';
import { systemEnv } from '../../src/env/env.ts';
import { caught, flipBit, merkleTreeHash, proofFrom, testSigner } from './support.ts';

const origin = 'range.example';
const signer = testSigner();
const open = (): Promise<AuditLog> => openAuditLog({ store: memoryAuditStore(), signer, origin, env: systemEnv });

async function logOf(entries: number): Promise<AuditLog> {
  const log = await open();
  await Promise.all(Array.from({ length: entries - 1 }, (_, n) => log.append({ type: 'config', n })));
  return log;
}

/** A signed tree over any bytes, as a dishonest log would make it. */
async function proofOver(entries: readonly Uint8Array[], window: { readonly start: number; readonly end: number }): Promise<RangeProof> {
  const range = new CompactRange();
  const rows = entries.map((bytes) => range.append(hashLeaf(bytes)));
  const size = entries.length;
  const checkpoint = await signCheckpoint({ origin, size, root: merkleTreeHash(entries) }, signer);
  return { ...window, size, proof: proofFrom(rows, rangeSubtrees({ ...window, size })), entries: entries.slice(window.start, window.end), checkpoint };
}

describe('range proof', () => {
  it('[AUDIT-RANGE] every window of every size up to 40 verifies, with at most two hashes for each level', async () => {
    const log = await logOf(1);
    for (let size = 1; size <= 40; size++) {
      await log.checkpoint();
      for (let start = 0; start < size; start++) {
        for (let end = start + 1; end <= size; end++) {
          const proof = await log.proveRange({ start, end, size });
          expect(verifyRange(proof, log.verifierKey)).toMatchObject({ start, end, findings: [], checkpoint: { size } });
          expect(proof.proof.length).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(size + 1)));
        }
      }
      await log.append({ type: 'config' });
    }
  });

  it('[AUDIT-RANGE] random windows of a larger log verify, and say which sequence each recorder has in them', async () => {
    const log = await logOf(3000);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2999 }), fc.integer({ min: 1, max: 3000 }), async (start, length) => {
        const end = Math.min(3000, start + length);
        const { recorders, entries } = verifyRange(await log.proveRange({ start, end }), log.verifierKey);
        expect(entries.length).toBe(end - start);
        expect(recorders).toMatchObject([{ first: start, last: end - 1, stopped: false, lost: 0 }]);
      }),
      { seed: 5, numRuns: 40 },
    );
  });

  it('[AUDIT-RANGE] a window with an entry left out, added, exchanged or changed is refused', async () => {
    const log = await logOf(200);
    const proof = await log.proveRange({ start: 37, end: 150 });
    const { entries } = proof;
    const [first, second] = entries as [Uint8Array, Uint8Array];
    const forged: Partial<RangeProof>[] = [
      { entries: entries.toSpliced(50, 1) },
      { entries: entries.toSpliced(50, 1), end: 149 },
      { entries: entries.slice(1), start: 38 },
      { entries: [...entries, first] },
      { entries: [...entries, first], end: 151 },
      { entries: [second, first, ...entries.slice(2)] },
      { entries: entries.with(9, flipBit(entries[9] as Uint8Array, 100)) },
      { start: 36, end: 149 },
      { size: 199 },
      { proof: proof.proof.slice(1) },
      { proof: [...proof.proof, new Uint8Array(32)] },
      { proof: proof.proof.with(0, flipBit(proof.proof[0] as Uint8Array, 3)) },
      { proof: proof.proof.with(0, new Uint8Array(31)) },
      { start: -1 },
      { start: 150 },
      { end: 2 ** 53 },
      { start: 0.5 },
      { entries: [] },
    ];
    for (const change of forged)
      expect(await caught(() => verifyRange({ ...proof, ...change }, log.verifierKey))).toMatchObject({ code: 'TALOS_AUDIT_INCLUSION' });
    expect(await caught(() => verifyRange({ ...proof, checkpoint: proof.checkpoint.replace('\n200\n', '\n201\n') }, log.verifierKey))).toMatchObject({
      code: 'TALOS_AUDIT_BAD_NOTE',
    });
    expect(await caught(() => verifyRange({ ...proof, entries: entries.with(0, 'x' as never) }, log.verifierKey))).toMatchObject({
      code: 'TALOS_USAGE_ARGUMENT',
    });
  });

  it('[AUDIT-RANGE] an entry that the log dropped before it made its tree is missing in the recorder sequence', async () => {
    const recorder = new Recorder(systemEnv, 'r');
    const written = Array.from({ length: 20 }, (_, n) => recorder.record({ type: 'config', n }).bytes);
    const dropped = await proofOver(written.toSpliced(12, 1), { start: 5, end: 19 });
    const key = (await open()).verifierKey;
    expect(verifyRange(dropped, key).findings).toMatchObject([{ code: 'RECORDER_GAP', index: 12 }]);
    const moved = await proofOver(written.with(8, written[9]!).with(9, written[8]!), { start: 0, end: 20 });
    expect(verifyRange(moved, key).findings).toMatchObject([{ code: 'ENTRY_MOVED', index: 9 }]);
    const twice = await proofOver(written.toSpliced(8, 0, written[7]!), { start: 0, end: 21 });
    expect(verifyRange(twice, key).findings).toMatchObject([{ code: 'ENTRY_REPEATED', index: 8 }]);
    const other = new Recorder(systemEnv, 'r');
    const substitute = Array.from({ length: 20 }, (_, n) => other.record({ type: 'config', n: n + 100 }).bytes);
    const exchanged = await proofOver(written.with(8, substitute[8]!), { start: 0, end: 20 });
    expect(verifyRange(exchanged, key).findings.map(({ code, index }) => `${code} ${index}`)).toEqual(['CHAIN_BROKEN 7', 'CHAIN_BROKEN 8']);
    // The window may begin anywhere; the log may not.
    expect(verifyRange(await proofOver(written.slice(3), { start: 0, end: 5 }), key).findings).toMatchObject([{ code: 'RECORDER_GAP', index: 0 }]);
  });

  it('[AUDIT-RANGE] windows outside the log, empty ones, sizes that were not signed and nonsense have codes', async () => {
    const log = await logOf(10);
    for (const window of [
      { start: 0, end: 11 },
      { start: 3, end: 3 },
      { start: 10, end: 11 },
      { start: 0, end: 5, size: 7 },
      { start: 0, end: 3, size: 99 },
    ])
      expect(await caught(() => log.proveRange(window))).toMatchObject({ code: 'TALOS_AUDIT_NOT_FOUND' });
    for (const window of [{ start: -1, end: 1 }, { start: 0, end: 1.5 }, { start: '0', end: 1 }, {}, null, 7])
      expect(await caught(() => log.proveRange(window as never))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
  });
});
