import * as crypto from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { hasSmallOrder } from '../../src/primitives/ed25519-policy.ts';
import * as native from '../../src/primitives/node.ts';
import * as portable from '../../src/primitives/noble.ts';
import { policyCases, runPolicyTable } from './ed25519-policy-table.ts';
import { vectorsMissing, wycheproofPolicyCases } from './wycheproof.ts';

const cases = policyCases();
const expected = cases.map((row) => `${row.name}: ${row.expected}`);

describe.each([
  ['portable', portable],
  ['node', native],
])('the Ed25519 policy, %s suite', (_name, suite) => {
  it('[ED25519-ONE-POLICY] answers the whole table as written', () => {
    expect(runPolicyTable(suite, cases)).toEqual(expected);
  });

  it('[ED25519-ONE-POLICY] answers Wycheproof', ({ skip }) => {
    skip(vectorsMissing !== undefined, vectorsMissing);
    const rows = wycheproofPolicyCases();
    expect(rows.length).toBeGreaterThan(100);
    expect(runPolicyTable(suite, rows)).toEqual(rows.map((row) => `${row.name}: ${row.expected}`));
  });

  it('[ED25519-ONE-POLICY] keeps a private copy of the key it checked', () => {
    const bytes = Uint8Array.from(cases[0]?.publicKey as Uint8Array);
    const key = suite.importEd25519PublicKey(bytes);
    bytes.set(Uint8Array.of(1, ...new Uint8Array(31)));
    expect(key.bytes).toEqual(cases[0]?.publicKey);
    const { message, signature } = cases[0] as (typeof cases)[number];
    expect(() => suite.verifyEd25519(key, message, signature)).not.toThrow();
  });
});

it('[SUITE-EQUAL] the look for a small order changes nothing, in a Buffer either', () => {
  // A Buffer's slice is a view: clearing the sign bit there would change the caller's signature.
  const handed = Buffer.from('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa', 'hex');
  expect(hasSmallOrder(handed)).toBe(true);
  expect(handed.at(-1)).toBe(0xfa);
});

describe('why there is a policy', () => {
  const verdicts = (verify: (row: (typeof cases)[number]) => boolean): string[] =>
    cases.map((row) => {
      try {
        return verify(row) ? 'accept' : 'refuse';
      } catch {
        return 'refuse';
      }
    });

  it('[ED25519-ONE-POLICY] the two libraries, left to themselves, differ from it and from each other', () => {
    const ours = cases.map((row) => (row.expected === 'accept' ? 'accept' : 'refuse'));
    const noble = verdicts((row) => ed25519.verify(row.signature, row.message, row.publicKey, { zip215: false }));
    const node = verdicts((row) => {
      const key = crypto.createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(row.publicKey).toString('base64url') }, format: 'jwk' });
      return crypto.verify(null, row.message, key, row.signature);
    });
    expect(noble).not.toEqual(ours);
    expect(noble).not.toEqual(node);
  });

  it('[ED25519-ONE-POLICY] every small-order name and every y of p or more is in the table', () => {
    expect(cases.filter(({ name }) => name.startsWith('a forgery under the small-order key'))).toHaveLength(14);
    expect(cases.filter(({ name }) => name.startsWith('A with y = p + '))).toHaveLength(38);
  });
});
