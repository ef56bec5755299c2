import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { parseCheckpoint, verifyCheckpoint } from '../../src/audit/checkpoint.ts';
import { parseEntry } from '../../src/audit/entry.ts';
import { formatProof, parseProof, verifyEntryProof } from '../../src/audit/entry-proof.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { verifyRange, type RangeProof } from '../../src/audit/range.ts';
import { readEntry } from '../../src/audit/read-entry.ts';
import { formatNote, parseNote } from '../../src/audit/signed-note.ts';
import { decodeEntryBundle, encodeEntryBundle } from '../../src/audit/tile.ts';
import { formatVerifierKey, parseVerifierKey } from '../../src/audit/verifier-key.ts';
import { canonicalJson } from '../../src/bytes/canonical-json.ts';
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
  it('[AUDIT-ENTRY-STRICT] reading by the million refuses and reads what the strict reader refuses and reads', () => {
    const base = { id: 'x', recorder: 'r', recorder_seq: 0, time: '2026-11-22T00:00:00.000Z', type: 'config', v: 1 };
    const texts = [
      canonicalJson({ ...base, a: ['\ufeff', { b: 'é"\n', c: -5 }], z: true }),
      canonicalJson({ ...base, '10': 'ten', '9': 'nine', __proto__: 'p' } as never),
      canonicalJson({ ...base, a: [[[[[[[[[[[[[[[]]]]]]]]]]]]]]] } as never),
      canonicalJson({ ...base, a: [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]] } as never),
      JSON.stringify({ a: '\ud800', ...base }),
      JSON.stringify({ a: 0.5, ...base }),
      JSON.stringify({ a: 2 ** 53, ...base }),
      JSON.stringify({ ...base, a: 'not in order' }),
      JSON.stringify({ a: '\\ud800', ...base }),
      JSON.stringify({ a: null, ...base }),
      JSON.stringify({ a: 9_007_199_254_740_993n.toString(), ...base }).replace(/"(9\d+)"/, '$1'),
      canonicalJson({ ...base, a: 'x'.repeat(65_400) }),
      canonicalJson({ ...base, a: 'x'.repeat(65_536) }),
      canonicalJson({ ...base, id: '' }),
      canonicalJson({ ...base, type: 'unknown' }),
      canonicalJson(base).replace('"v":1', '"v":1,"v":1'),
      canonicalJson(base).replace('"id":"x"', '"id":"y","id":"x"'),
      JSON.stringify(base, undefined, 1),
      `[${canonicalJson(base)}]`,
      '"text"',
    ];
    const compare = (bytes: Uint8Array): boolean => {
      const entry = accepted(() => parseEntry(bytes));
      const read = accepted(() => readEntry(bytes));
      expect(read?.entry).toEqual(entry);
      expect(read?.text).toBe(entry && canonicalJson(entry));
      return entry !== undefined;
    };
    expect(texts.filter((text) => compare(Buffer.from(text)))).toHaveLength(7);
    expect(compare(Uint8Array.of(0x7b, 0xff, 0x7d))).toBe(false);
    fc.assert(
      fc.property(fc.constantFrom(...texts), splices('{}[]",:\\ud80019.e-'), (text, edits) => void compare(Buffer.from(spliced(text.slice(0, 500), edits)))),
      { seed: 20261122, numRuns },
    );
  });

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
