import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { openAuditLog, type AuditLog } from '../../src/audit/audit-log.ts';
import { formatEquivocation, parseEquivocation, verifyEquivocation } from '../../src/audit/equivocation.ts';
import { memoryKnownHeads, type KnownHeads } from '../../src/audit/known-heads.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { seeCheckpoint, type SeenCheckpoint } from '../../src/audit/see-checkpoint.ts';
import { formatNote, parseNote } from '../../src/audit/signed-note.ts';
import { formatWitnessRequest, parseWitnessRequest } from '../../src/audit/witness-request.ts';
import { systemEnv } from '../../src/env/env.ts';
import { StoreError } from '../../src/errors/store-error.ts';
import { TalosError } from '../../src/errors/talos-error.ts';
import { caught, testSigner } from './support.ts';

const origin = 'acme.example/talos';
const never = { entries: 1e9, ms: 1e9 };
const openHere = (seed = 7): Promise<AuditLog> =>
  openAuditLog({ store: memoryAuditStore(), signer: testSigner(seed), origin, env: systemEnv, checkpointEvery: never });

async function grow(log: AuditLog, count: number): Promise<string> {
  for (let n = 0; n < count; n++) await log.append({ type: 'config', n });
  return log.checkpoint();
}

const log = await openHere();
const notes = [await grow(log, 4), await grow(log, 5), await grow(log, 6)] as const;
const fork = await openHere();
const forked = [await grow(fork, 4), await grow(fork, 9)] as const;
const { verifierKey } = log;

const see = (heads: KnownHeads, note: string, from: AuditLog | null = log): Promise<SeenCheckpoint> =>
  seeCheckpoint({ note, verifierKey, heads, ...(from && { prove: (oldSize: number, newSize: number) => from.proveConsistency(oldSize, newSize) }) });

describe('a verifier that remembers', () => {
  it('[AUDIT-KNOWN-HEADS] believes the first, follows what continues it, and keeps the newest', async () => {
    const heads = memoryKnownHeads();
    expect((await see(heads, notes[0])).status).toBe('first');
    expect((await see(heads, notes[0])).status).toBe('same');
    expect((await see(heads, notes[2])).status).toBe('advanced');
    expect(await heads.load(origin)).toBe(notes[2]);
    expect(await see(heads, notes[1])).toMatchObject({ status: 'older', checkpoint: { size: 10 }, known: { size: 16 } });
    expect(await heads.load(origin)).toBe(notes[2]);
  });

  it('[AUDIT-KNOWN-HEADS] what nobody proves is not taken, and a proof of something else proves nothing', async () => {
    const heads = memoryKnownHeads();
    await see(heads, notes[0]);
    expect((await see(heads, notes[1], null)).status).toBe('unproven');
    const garbage = async () => ({ oldRoot: new Uint8Array(32), proof: [new Uint8Array(32)] });
    expect((await seeCheckpoint({ note: notes[1], verifierKey, heads, prove: garbage })).status).toBe('unproven');
    expect(await heads.load(origin)).toBe(notes[0]);
    expect(await caught(() => seeCheckpoint({ note: 'x', verifierKey, heads }))).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
    const other = await openHere(8);
    expect(await caught(async () => see(heads, await grow(other, 1)))).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
  });

  it('[AUDIT-KNOWN-HEADS] of two that see different heads at once both compare with what the other kept', async () => {
    const inner = memoryKnownHeads();
    let raced = false;
    const heads: KnownHeads = {
      load: (name) => inner.load(name),
      async replace(change) {
        if (!raced) await inner.replace({ ...change, note: notes[0] });
        raced = true;
        await inner.replace(change);
      },
    };
    expect((await see(heads, notes[1])).status).toBe('advanced');
    const busy: KnownHeads = {
      load: async () => notes[0],
      replace: async () => Promise.reject(new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'x' })),
    };
    expect(await caught(() => see(busy, notes[1]))).toMatchObject({ code: 'TALOS_STORE_CONFLICT' });
  });

  it('[AUDIT-EQUIVOCATION] a fork of one size, and one of two sizes, give files that verify with the log’s key alone', async () => {
    for (const [first, second, from] of [
      [notes[0], forked[0], fork],
      [notes[0], forked[1], fork],
      [notes[1], forked[0], log],
      [forked[1], notes[0], fork],
    ] as const) {
      const heads = memoryKnownHeads();
      await see(heads, first);
      const seen = await see(heads, second, from);
      expect(seen.status).toBe('forked');
      if (seen.status !== 'forked') throw new Error('not forked');
      const proven = verifyEquivocation(parseEquivocation(seen.equivocation), verifierKey);
      expect(proven.older.size).toBeLessThanOrEqual(proven.newer.size);
      expect(await heads.load(origin)).toBe(first);
      expect(await caught(async () => verifyEquivocation(parseEquivocation(seen.equivocation), (await openHere(8)).verifierKey))).toMatchObject({
        code: 'TALOS_AUDIT_BAD_NOTE',
      });
    }
  });

  it('[AUDIT-EQUIVOCATION] a fork whose notes are filled with lines of strangers gives a file that can be read', async () => {
    const filled = (note: string): string => {
      const { text, signatures } = parseNote(note);
      const lines = Array.from({ length: 99 }, (_, n) => ({ name: `"${n}"`, keyId: Uint8Array.of(0, 0, 0, n), signature: new Uint8Array(3800) }));
      return formatNote({ text, signatures: [...lines, ...signatures] });
    };
    for (const [first, second] of [
      [notes[0], forked[0]],
      [notes[0], forked[1]],
    ] as const) {
      const heads = memoryKnownHeads();
      await see(heads, filled(first));
      const seen = await see(heads, filled(second), fork);
      if (seen.status !== 'forked') throw new Error('not forked');
      expect(verifyEquivocation(parseEquivocation(seen.equivocation), verifierKey).older.size).toBe(5);
    }
  });

  it('[AUDIT-EQUIVOCATION] two checkpoints of one log make no file, however they are put together', async () => {
    const { oldRoot: root, proof } = await log.proveConsistency(5, 10);
    const honest = { older: notes[0], newer: notes[1] };
    const files = [
      honest,
      { ...honest, prefix: { root, proof } },
      { ...honest, prefix: { root: new Uint8Array(32), proof } },
      { older: notes[1], newer: notes[0] },
      { older: notes[0], newer: notes[0] },
    ];
    for (const file of files)
      expect(await caught(() => verifyEquivocation(parseEquivocation(formatEquivocation(file)), verifierKey))).toMatchObject({
        code: 'TALOS_AUDIT_BAD_EQUIVOCATION',
      });
    const same = { older: notes[0], newer: forked[0], prefix: { root, proof } };
    expect(await caught(() => verifyEquivocation(same, verifierKey))).toMatchObject({ code: 'TALOS_AUDIT_BAD_EQUIVOCATION' });
  });

  it('[AUDIT-VERIFY-TOTAL] mutated equivocation files and witness requests are refused with a code, or say the same', async () => {
    const heads = memoryKnownHeads();
    await see(heads, notes[0]);
    const seen = await see(heads, forked[1], fork);
    const file = seen.status === 'forked' ? seen.equivocation : '';
    const request = formatWitnessRequest({ oldSize: 5, proof: (await log.proveConsistency(5, 10)).proof, note: notes[1] });
    const edit = fc.record({
      at: fc.nat({ max: 3000 }),
      remove: fc.nat({ max: 8 }),
      insert: fc.string({ unit: fc.constantFrom(...'{}":,\\[]old 019+/=\n\u0000é'), maxLength: 6 }),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        const mutate = (text: string): string =>
          edits.reduce((each, { at, remove, insert }) => each.slice(0, at % each.length) + insert + each.slice((at % each.length) + remove), text);
        const attempt = (run: () => void): void => {
          try {
            run();
          } catch (error) {
            expect(TalosError.isInstance(error), String(error)).toBe(true);
          }
        };
        attempt(() => expect(verifyEquivocation(parseEquivocation(mutate(file)), verifierKey)).toMatchObject({ older: { size: 5 }, newer: { size: 14 } }));
        const body = mutate(request);
        attempt(() => expect(formatWitnessRequest(parseWitnessRequest(Buffer.from(body)))).toBe(body));
      }),
      { seed: 16, numRuns: process.env['TALOS_DEEP'] === '1' ? 100_000 : 1000 },
    );
  });
});

it('[AUDIT-WITNESS-REQUEST] reads back what it wrote, and refuses what tlog-witness refuses', async () => {
  const proof = Array.from({ length: 63 }, (_, n) => new Uint8Array(32).fill(n));
  const text = formatWitnessRequest({ oldSize: 5, proof, note: notes[1] });
  expect(parseWitnessRequest(Buffer.from(text))).toEqual({ oldSize: 5, proof, note: notes[1] });
  const tooLong = formatWitnessRequest({ oldSize: 5, proof: [...proof, new Uint8Array(32)], note: notes[1] });
  for (const bad of [
    '',
    'old 5',
    'old 5\n\n'.replace('old', 'new'),
    'old 05\n\nx',
    'old -1\n\nx',
    `old ${2 ** 53}\n\nx`,
    'old 5\nAAAA\n\nx',
    tooLong,
    'x'.repeat(70_000),
  ])
    expect(await caught(() => parseWitnessRequest(Buffer.from(bad))), bad.slice(0, 20)).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
  expect(await caught(() => parseWitnessRequest(Buffer.from('6f6c6420350a0aff', 'hex')))).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
});
