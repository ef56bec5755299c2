import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { parseCheckpoint, verifyCheckpoint } from '../../src/audit/checkpoint.ts';
import { formatProof, parseProof, verifyEntryProof } from '../../src/audit/entry-proof.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { verifyRange, type RangeProof } from '../../src/audit/range.ts';
import { formatNote, parseNote } from '../../src/audit/signed-note.ts';
import { decodeEntryBundle, encodeEntryBundle } from '../../src/audit/tile.ts';
import { formatVerifierKey, parseVerifierKey } from '../../src/audit/verifier-key.ts';
import { systemEnv } from '../../src/env/env.ts';
import { testSigner } from './support.ts';
import { accepted, spliced, type Splice } from './splices.ts';

const numRuns = process.env['TALOS_DEEP'] === '1' ? 40_000 : 2000;

const log = await openAuditLog({ store: memoryAuditStore(), signer: testSigner(), origin: 'fuzz.example', env: systemEnv });
for (let n = 0; n < 40; n++) await log.append({ type: 'config', n });
const note = await log.checkpoint();
const proof = await log.proveInclusion(17);
const range = await log.proveRange({ start: 9, end: 30 });
const wanted = verifyCheckpoint(note, log.verifierKey);

const splices = (alphabet: string): fc.Arbitrary<Splice[]> =>
  fc.array(
    fc.record({
      at: fc.nat({ max: 4000 }),
      remove: fc.nat({ max: 12 }),
      insert: fc.string({ unit: fc.oneof(fc.constantFrom(...alphabet), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })), maxLength: 12 }),
    }),
    { minLength: 1, maxLength: 4 },
  );
describe('mutated texts', () => {
  it('[AUDIT-VERIFY-TOTAL] a note is refused with a code, or says what was signed', () => {
    fc.assert(
      fc.property(splices('— \n+/=0123456789\u0000\r'), (edits) => {
        const text = spliced(note, edits);
        const verified = accepted(() => verifyCheckpoint(text, log.verifierKey));
        expect(verified ?? wanted).toEqual(wanted);
        const parsed = accepted(() => parseNote(text));
        expect(parsed === undefined ? text : formatNote(parsed)).toBe(text);
        accepted(() => parseCheckpoint(new TextEncoder().encode(text)));
      }),
      { seed: 11, numRuns },
    );
  });

  it('[AUDIT-VERIFY-TOTAL] a proof file is refused with a code, or proves the entry that was proved', () => {
    const text = formatProof(proof);
    const proved = { index: 17, entry: { n: 16 }, checkpoint: wanted };
    fc.assert(
      fc.property(splices('{}[]",:\\0123456789eE.-+/= \n'), (edits) => {
        const verified = accepted(() => verifyEntryProof(parseProof(spliced(text, edits)), log.verifierKey));
        expect(verified ?? proved).toMatchObject(proved);
      }),
      { seed: 12, numRuns },
    );
  });

  it('[AUDIT-VERIFY-TOTAL] a range proof with any members exchanged is refused with a code, or proves the same window', () => {
    const hash = fc.uint8Array({ maxLength: 40 });
    const proved = { start: 9, end: 30, checkpoint: wanted };
    const hostile = fc.oneof(
      fc.integer(),
      fc.double(),
      fc.bigInt(),
      fc.string(),
      fc.constant(null),
      hash,
      fc.array(hash, { maxLength: 30 }),
      fc.constant(range.entries),
      fc.constant(range.proof),
    );
    fc.assert(
      fc.property(fc.constantFrom<keyof RangeProof>('start', 'end', 'size', 'proof', 'entries', 'checkpoint'), hostile, (member, value) => {
        const verified = accepted(() => verifyRange({ ...range, [member]: value } as RangeProof, log.verifierKey));
        expect(verified ?? proved).toMatchObject(proved);
      }),
      { seed: 13, numRuns },
    );
  });

  it('[AUDIT-VERIFY-TOTAL] a verifier key and a bundle are refused with a code, or read in one way', () => {
    const bundle = encodeEntryBundle(range.entries);
    fc.assert(
      fc.property(splices('+/=0123456789abcdef'), fc.nat({ max: bundle.length - 1 }), fc.nat({ max: 255 }), (edits, at, byte) => {
        const key = accepted(() => parseVerifierKey(spliced(log.verifierKey, edits)));
        expect(key && parseVerifierKey(formatVerifierKey(key))).toEqual(key);
        const changed = Uint8Array.from(bundle);
        changed[at] = byte;
        const entries = accepted(() => decodeEntryBundle(changed, range.entries.length));
        expect(entries === undefined ? changed : encodeEntryBundle(entries)).toEqual(changed);
      }),
      { seed: 14, numRuns },
    );
  });
});
