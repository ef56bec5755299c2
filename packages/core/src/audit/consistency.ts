/** Consistency proofs: the old tree is the beginning of the new one, nothing was changed or removed (RFC 6962 §2.1.2). @module */
import { equalBytes } from '../bytes/equal.ts';
import { AuditError } from '../errors/audit-error.ts';
import { requireObject } from '../errors/require.ts';
import { bitCount, bitLength, splitWidth } from './inclusion.ts';
import { coveringNodes, hashChildren, type TreeNode } from './tree-hash.ts';
import { areHashes, isHash, requireBytes, requireProof, toTreeSize } from './tree-size.ts';

export type ConsistencyClaim = {
  /** At least 1: a proof from the empty tree says nothing, so it is refused here. */
  readonly oldSize: bigint | number;
  /** 32 bytes, from a checkpoint that was verified and kept. */
  readonly oldRoot: Uint8Array;
  readonly newSize: bigint | number;
  /** 32 bytes, from a verified checkpoint. */
  readonly newRoot: Uint8Array;
  /** Hashes of 32 bytes; none if the sizes are equal. */
  readonly proof: readonly Uint8Array[];
};

/**
 * Returns if the new tree begins with the old one, throws if not. At most 128 hashes, however long the proof.
 * @throws {@link AuditError} `TALOS_AUDIT_CONSISTENCY` if the proof does not lead to both roots, or the old size is 0.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` on a value of the wrong type, or a number that is not an exact size.
 */
export function verifyConsistency(claim: ConsistencyClaim): void {
  requireObject('claim', claim);
  requireBytes({ newRoot: claim.newRoot });
  const reached = consistencyRoot(claim);
  if (!isHash(claim.newRoot)) throw refuse('a root does not have 32 bytes');
  if (!equalBytes(reached, claim.newRoot)) throw refuse('the proof leads to another new root');
}

/**
 * The root of the new tree that the old root and the proof lead to, 32 bytes: for formats that sign it without carrying it. It proves
 * nothing until a signature over it did.
 * @throws as {@link verifyConsistency}, but for a wrong new root.
 */
export function consistencyRoot(claim: Omit<ConsistencyClaim, 'newRoot'>): Uint8Array {
  requireObject('claim', claim);
  const { oldRoot, proof } = claim;
  const oldSize = toTreeSize('oldSize', claim.oldSize);
  const newSize = toTreeSize('newSize', claim.newSize);
  requireBytes({ oldRoot });
  requireProof(proof);
  if (oldSize === 0n) throw refuse('a proof from the empty tree proves nothing');
  if (oldSize > newSize) throw refuse('the new tree is smaller than the old one');
  if (!isHash(oldRoot)) throw refuse('a root does not have 32 bytes');
  if (oldSize < newSize) return climbBoth({ oldSize, newSize, oldRoot, proof });
  if (proof.length !== 0) throw refuse('two trees of one size have a proof that is not empty');
  return oldRoot;
}

type Climb = {
  readonly oldSize: bigint;
  readonly newSize: bigint;
  readonly oldRoot: Uint8Array;
  readonly proof: readonly unknown[];
};

/** Rebuilds both roots from the largest subtree that ends both at the old size and at a node of the new tree, and returns the new one. */
function climbBoth({ oldSize, newSize, oldRoot, proof }: Climb): Uint8Array {
  const shift = trailingZeros(oldSize);
  const last = (oldSize - 1n) >> BigInt(shift);
  const inner = bitLength((oldSize - 1n) ^ (newSize - 1n)) - shift;
  // A power of two is that subtree itself: its hash is the old root, and the proof leaves it out.
  const rootIsSeed = oldSize === 1n << BigInt(shift);
  const pathLength = inner + bitCount(last >> BigInt(inner));
  if (proof.length !== pathLength + (rootIsSeed ? 0 : 1)) throw refuse('the proof has the wrong length');
  if (!areHashes(proof)) throw refuse('a hash does not have 32 bytes');
  const seed = rootIsSeed ? oldRoot : (proof[0] as Uint8Array);
  let oldHash = seed;
  let newHash = seed;
  let rest = last;
  for (const [level, sibling] of (rootIsSeed ? proof : proof.slice(1)).entries()) {
    if (level >= inner || (rest & 1n) === 1n) {
      oldHash = hashChildren({ left: sibling, right: oldHash });
      newHash = hashChildren({ left: sibling, right: newHash });
    } else newHash = hashChildren({ left: newHash, right: sibling });
    rest >>= 1n;
  }
  if (!equalBytes(oldHash, oldRoot)) throw refuse('the proof leads to another old root');
  return newHash;
}

/** The subtrees whose hashes make up the proof from `oldSize` to `newSize`, in order; each folds to one proof hash. `oldSize` ≥ 1. */
export function consistencySubtrees(oldSize: number, newSize: number): TreeNode[][] {
  const subtrees: TreeNode[][] = [];
  let start = 0;
  let end = newSize;
  while (oldSize !== end) {
    const middle = start + splitWidth(end - start);
    if (oldSize <= middle) {
      subtrees.push(coveringNodes(middle, end));
      end = middle;
    } else {
      subtrees.push(coveringNodes(start, middle));
      start = middle;
    }
  }
  // SUBPROOF(m, D[m], true) is empty: the verifier has the old root already (RFC 6962 §2.1.2).
  if (start !== 0) subtrees.push(coveringNodes(start, end));
  return subtrees.reverse();
}

/** For `value` of at least 1. */
function trailingZeros(value: bigint): number {
  return bitLength(value & -value) - 1;
}

function refuse(reason: string): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_CONSISTENCY', message: `consistency is not proved: ${reason}` });
}
