/** What the tests of this room share: a whole tree in memory, built from the definition of RFC 6962 and not from our code. @module */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importEd25519SecretKey, signEd25519 } from '#suite';
import { foldSubtrees, nodePlace, type TreeNode } from '../../src/audit/tree-hash.ts';

export const vectorsDir = process.env['TALOS_VECTORS_DIR'] ?? fileURLToPath(new URL('../../../../../shared/vectors', import.meta.url));
export const merkleVectors = join(vectorsDir, 'merkle');
export const noVectors = existsSync(merkleVectors) ? undefined : 'no merkle vectors at ../shared/vectors or TALOS_VECTORS_DIR';

export function readVector(...path: readonly string[]): string {
  return readFileSync(join(merkleVectors, ...path), 'utf8');
}

/** Every JSON file below a folder of the vectors, as `name` and `text`. */
export function vectorFiles(...path: readonly string[]): { readonly name: string; readonly text: string }[] {
  if (noVectors !== undefined) return [];
  const files = readdirSync(join(merkleVectors, ...path), { recursive: true, encoding: 'utf8' });
  return files
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => ({ name, text: readVector(...path, name) }));
}

export function sha256Of(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** MTH of RFC 6962 §2.1, recursive as written there. */
export function merkleTreeHash(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256Of();
  if (leaves.length === 1) return sha256Of(Uint8Array.of(0), leaves[0] as Uint8Array);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256Of(Uint8Array.of(1), merkleTreeHash(leaves.slice(0, split)), merkleTreeHash(leaves.slice(split)));
}

/** Folds each group of nodes to one proof hash, from the rows that `CompactRange.append` returned. */
export function proofFrom(rows: readonly Uint8Array[], subtrees: readonly (readonly TreeNode[])[]): Uint8Array[] {
  return subtrees.map((nodes) =>
    foldSubtrees(
      nodes.map((node) => {
        const { row, offset } = nodePlace(node);
        return (rows[row] as Uint8Array).subarray(offset, offset + 32);
      }),
    ),
  );
}

export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
  return flipped;
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function base64(text: string | null | undefined): Uint8Array {
  return Uint8Array.from(Buffer.from(text ?? '', 'base64'));
}

/** The error that `run` throws or rejects with; fails if it does not. */
export async function caught(run: () => unknown): Promise<{ readonly code?: string; readonly message: string; readonly retryable?: boolean }> {
  try {
    await run();
  } catch (error) {
    return error as { code?: string; message: string };
  }
  throw new Error('expected an error, none was thrown');
}

export function testSigner(seedByte = 7): {
  readonly publicKey: ReturnType<typeof importEd25519SecretKey>['publicKey'];
  sign(message: Uint8Array): Uint8Array;
} {
  const secretKey = importEd25519SecretKey(new Uint8Array(32).fill(seedByte));
  return { publicKey: secretKey.publicKey, sign: (message) => signEd25519(secretKey, message) };
}
