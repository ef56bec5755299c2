/** Finds the Wycheproof files beside the repository; they are never copied into it. @module */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeHex } from '../../src/bytes/hex.ts';
import type { PolicyCase } from './ed25519-policy-table.ts';

const folder = join(process.env.TALOS_VECTORS_DIR ?? fileURLToPath(new URL('../../../../../shared/vectors', import.meta.url)), 'wycheproof');

/** The reason to skip, or undefined when the vectors are there. */
export const vectorsMissing = existsSync(folder) ? undefined : 'no Wycheproof vectors: set TALOS_VECTORS_DIR';

/** A row of any file: its own members and those that every file has. */
export type Row<Members extends string> = Readonly<Record<Members, string>> & {
  readonly tcId: number;
  readonly flags: readonly string[];
  readonly result: 'valid' | 'invalid' | 'acceptable';
};

/** The rows of one file, each with what its group says; none when the vectors are absent. */
export function loadWycheproof(file: string): readonly unknown[] {
  if (vectorsMissing !== undefined) return [];
  const { testGroups } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { readonly testGroups: readonly { readonly tests: readonly object[] }[] };
  return testGroups.flatMap(({ tests, ...group }) => tests.map((test) => ({ ...group, ...test })));
}

/** The Ed25519 file as rows of the policy table. Its invalid rows are all signatures; none of its keys is one that we refuse. */
export function wycheproofPolicyCases(): readonly PolicyCase[] {
  const rows = loadWycheproof('ed25519_test.json') as readonly (Row<'msg' | 'sig'> & { readonly publicKey: { readonly pk: string } })[];
  return rows.map(({ tcId, msg, sig, result, publicKey }) => ({
    name: `wycheproof ${tcId}`,
    publicKey: decodeHex(publicKey.pk),
    message: decodeHex(msg),
    signature: decodeHex(sig),
    expected: result === 'valid' ? 'accept' : 'bad signature',
  }));
}
