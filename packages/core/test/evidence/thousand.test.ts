import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { assembleEvidence } from '../../src/evidence/assemble-evidence.ts';
import { verifyEvidence } from '../../src/evidence/verify-evidence.ts';
import { caught, merkleTreeHash } from '../audit/support.ts';
import { edited, logOf, type Json } from './support.ts';

const log = await logOf(1300);
const indices = Array.from({ length: 1000 }, (_, n) => (n * 617) % 1300);
const text = await assembleEvidence({
  logs: [{ log, entries: indices, disclose: indices.filter((index) => index > 0).map((index) => ({ index, fields: ['args'] })) }],
});
const trust = { logs: [log.verifierKey] };

/** The root that a path leads to, by the recursion of RFC 6962 §2.1.1 and not by our code. */
function rootOf({ index, size, leaf, path }: { readonly index: number; readonly size: number; readonly leaf: Buffer; readonly path: Buffer[] }): Buffer {
  if (size === 1) return leaf;
  const sibling = path.at(-1)!;
  let split = 1;
  while (split * 2 < size) split *= 2;
  const inner = path.slice(0, -1);
  const sides =
    index < split
      ? [rootOf({ index, size: split, leaf, path: inner }), sibling]
      : [sibling, rootOf({ index: index - split, size: size - split, leaf, path: inner })];
  return createHash('sha256')
    .update(Buffer.concat([Buffer.of(1), ...sides]))
    .digest();
}

describe('a thousand entries', () => {
  it('[EVIDENCE-CLAIMS] each is verified as an independent computation of its root says, with its disclosure', async () => {
    const report = await verifyEvidence(text, trust);
    expect(report.verdict).toBe('verified');
    expect(report.entries).toHaveLength(1000);
    const all = await Promise.all(Array.from({ length: 1300 }, (_, index) => log.entry(index)));
    const root = Buffer.from(merkleTreeHash(all.map(({ bytes }) => bytes)));
    for (const { index, size, proof, entry } of (JSON.parse(text) as Json)['logs'][0]['entries']) {
      const leaf = createHash('sha256')
        .update(Buffer.concat([Buffer.of(0), Buffer.from(entry, 'base64')]))
        .digest();
      expect(rootOf({ index, size, leaf, path: proof.map((hash: string) => Buffer.from(hash, 'base64')) })).toEqual(root);
    }
    for (const { index, entry, disclosed } of report.entries) {
      expect(entry).toEqual(all[index]!.entry);
      if (index > 0) expect(JSON.parse(Buffer.from(disclosed.get('args')!).toString())).toEqual({ n: index, to: `a${index}@b.example` });
    }
  });

  it('[EVIDENCE-TAMPER] one bad entry among them is the one that is named', async () => {
    for (const at of [0, 499, 999]) {
      const report = await verifyEvidence(
        edited(text, `logs[0].entries[${at}].entry`, (value: string) => Buffer.from(`${Buffer.from(value, 'base64').toString()} `).toString('base64')),
        trust,
      );
      expect(report.claims.filter(({ status, kind }) => status === 'failed' && kind === 'entry').map((claim) => claim.at)).toEqual([`logs[0].entries[${at}]`]);
      expect(report.entries).toHaveLength(999);
    }
  });

  it('[EVIDENCE-ASSEMBLE] what cannot be proved or opened is an error, and nothing is opened that was not named', async () => {
    const small = await logOf(5);
    for (const [selection, code] of [
      [{ entries: [5] }, 'TALOS_AUDIT_NOT_FOUND'],
      [{ ranges: [{ start: 3, end: 9 }] }, 'TALOS_AUDIT_NOT_FOUND'],
      [{ since: [9] }, 'TALOS_AUDIT_NOT_FOUND'],
      [{ disclose: [{ index: 2, fields: ['result'] }] }, 'TALOS_EVIDENCE_NOT_PROVABLE'],
      [{ cosigned: [await log.checkpoint().then((note) => note.replace('acme', 'other'))] }, 'TALOS_EVIDENCE_NOT_PROVABLE'],
      [
        {
          ranges: [
            { start: 0, end: 3 },
            { start: 2, end: 4 },
          ],
        },
        'TALOS_EVIDENCE_MALFORMED',
      ],
      [{ disclose: [{ index: 2, fields: ['args', 'args'] }] }, 'TALOS_EVIDENCE_MALFORMED'],
    ] as const)
      expect(await caught(() => assembleEvidence({ logs: [{ log: small, ...selection }] })), JSON.stringify(selection)).toMatchObject({ code });
    const closed = await assembleEvidence({ logs: [{ log: small, entries: [2, 2, 3], ranges: [{ start: 3, end: 5 }] }] });
    expect(closed).not.toContain(Buffer.from('b.example').toString('base64').slice(0, 8));
    const openings = (await small.openings(2)).map(({ salt }) => Buffer.from(salt).toString('base64'));
    for (const salt of openings) expect(closed).not.toContain(salt);
    expect((await verifyEvidence(closed, { logs: [small.verifierKey] })).entries.map(({ index }) => index)).toEqual([2, 3, 4]);
    expect((await verifyEvidence(await assembleEvidence({ logs: [] }), {})).verdict).toBe('incomplete');
  });
});
