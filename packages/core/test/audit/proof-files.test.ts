import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { verifyEntryProof } from '../../src/audit/entry-proof.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { verifyRange } from '../../src/audit/range.ts';
import { formatRangeProof, parseRangeProof } from '../../src/audit/range-file.ts';
import { formatTlogProof, parseTlogProof } from '../../src/audit/tlog-proof.ts';
import { systemEnv } from '../../src/env/env.ts';
import { caught, testSigner } from './support.ts';
import { accepted, spliced } from './splices.ts';

const numRuns = process.env['TALOS_DEEP'] === '1' ? 100_000 : 2000;

const log = await openAuditLog({ store: memoryAuditStore(), signer: testSigner(), origin: 'files.example', env: systemEnv });
for (let n = 1; n < 40; n += 1) await log.append({ type: 'config', n });
await log.checkpoint();
const proof = await log.proveInclusion(17);
const range = await log.proveRange({ start: 9, end: 30 });

const splices = fc.array(
  fc.record({
    at: fc.nat({ max: 20_000 }),
    remove: fc.nat({ max: 8 }),
    insert: fc.string({ unit: fc.constantFrom(...'{}[]",:0123456789abAB+/=\n —'), maxLength: 8 }),
  }),
  { minLength: 1, maxLength: 3 },
);
describe('range proof file', () => {
  const text = formatRangeProof(range);

  it('[AUDIT-RANGE-FILE] survives its file form, and proves the window from it', () => {
    expect(parseRangeProof(text)).toEqual(range);
    expect(formatRangeProof(parseRangeProof(text))).toBe(text);
    expect(verifyRange(parseRangeProof(text), log.verifierKey)).toMatchObject({ start: 9, end: 30, findings: [] });
  });

  it('[AUDIT-RANGE-FILE] another form, unknown members and what is out of bounds are refused with a code', async () => {
    const value = JSON.parse(text) as Record<string, unknown>;
    const hash = Buffer.alloc(32).toString('base64');
    for (const wrong of [
      'null',
      '[]',
      '7',
      '{}',
      text.slice(1),
      `${text}x`,
      JSON.stringify({ ...value, more: 1 }),
      JSON.stringify({ ...value, format: 'talos/range-proof/v2' }),
      JSON.stringify({ ...value, start: -1 }),
      JSON.stringify({ ...value, end: 1.5 }),
      JSON.stringify({ ...value, size: '40' }),
      JSON.stringify({ ...value, checkpoint: null }),
      JSON.stringify({ ...value, proof: Array.from({ length: 107 }, () => hash) }),
      JSON.stringify({ ...value, proof: ['AA=='] }),
      JSON.stringify({ ...value, entries: Array.from({ length: 65_537 }, () => '') }),
      JSON.stringify({ ...value, entries: [7] }),
      JSON.stringify({ ...value, entries: { length: 1 } }),
    ])
      expect((await caught(() => parseRangeProof(wrong))).code, wrong.slice(0, 60)).toMatch(/^TALOS_ENCODING_/);
    for (const wrong of [null, undefined, 7, new Uint8Array(3)])
      expect(await caught(() => parseRangeProof(wrong as never))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
  });

  it('[AUDIT-VERIFY-TOTAL] mutated, it is refused with a code, or proves the same window', () => {
    expect(verifyRange(parseRangeProof(text), log.verifierKey).findings).toEqual([]);
    fc.assert(
      fc.property(splices, (edits) => {
        const verified = accepted(() => verifyRange(parseRangeProof(spliced(text, edits)), log.verifierKey));
        if (verified !== undefined) expect(verified).toMatchObject({ start: 9, end: 30, findings: [], checkpoint: { size: 40 } });
      }),
      { seed: 31, numRuns },
    );
  });
});

describe('tlog-proof', () => {
  const text = formatTlogProof(proof);

  it('[AUDIT-TLOG-PROOF] has the lines of c2sp.org/tlog-proof, and proves its entry when read back', () => {
    const [first, extra, index, ...rest] = text.split('\n');
    expect([first, index]).toEqual(['c2sp.org/tlog-proof@v1', 'index 17']);
    expect(Buffer.from((extra as string).slice('extra '.length), 'base64')).toEqual(Buffer.from(proof.entry));
    const end = rest.indexOf('');
    expect(rest.slice(0, end).map((line) => Buffer.from(line, 'base64'))).toEqual(proof.proof.map((hash) => Buffer.from(hash)));
    expect(rest.slice(end + 1).join('\n')).toBe(proof.checkpoint);
    expect(parseTlogProof(text)).toEqual(proof);
    expect(verifyEntryProof(parseTlogProof(text), log.verifierKey)).toMatchObject({ index: 17, entry: { n: 17 } });
  });

  it('[AUDIT-TLOG-PROOF] without a checkpoint there is none, and another form is refused with a code', async () => {
    const { checkpoint: _none, ...unsigned } = proof;
    expect(await caught(() => formatTlogProof(unsigned))).toMatchObject({ code: 'TALOS_AUDIT_INCLUSION' });
    for (const wrong of [
      '',
      'c2sp.org/tlog-proof@v1',
      text.replace('@v1', '@v2'),
      text.replace(/extra .*\n/, ''),
      text.replace('index 17', 'index 017'),
      text.replace('index 17', 'index -17'),
      text.replace('index 17', 'index 17 '),
      text.replace('index 17', 'index 99999999999999999999'),
      text.replace('\n\n', '\n'),
      text.replace('extra ', 'extra !'),
      text.replace('index 17\n', `index 17\n${'A'.repeat(43)}=\n`.repeat(1) + 'AAAA\n'),
      text.replace('index 17\n', `index 17\n${`${'A'.repeat(43)}=\n`.repeat(54)}`),
      text.slice(0, -2),
      'x'.repeat(2 ** 20 + 1),
    ])
      expect((await caught(() => verifyEntryProof(parseTlogProof(wrong), log.verifierKey))).code, wrong.slice(0, 80)).toMatch(
        /^TALOS_AUDIT_(INCLUSION|BAD_NOTE)$/,
      );
    expect(await caught(() => parseTlogProof(7 as never))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
  });

  it('[AUDIT-VERIFY-TOTAL] mutated, it is refused with a code, or proves the same entry', () => {
    expect(verifyEntryProof(parseTlogProof(text), log.verifierKey).index).toBe(17);
    fc.assert(
      fc.property(splices, (edits) => {
        const verified = accepted(() => verifyEntryProof(parseTlogProof(spliced(text, edits)), log.verifierKey));
        if (verified !== undefined) expect(verified).toMatchObject({ index: 17, entry: { n: 17 } });
      }),
      { seed: 32, numRuns },
    );
  });
});
