/** Inclusion proofs: this leaf stands at this index of that tree (RFC 6962 §2.1.1; RFC 9162 §2.1.3). @module */
import { equalBytes } from '../bytes/equal.ts';
import { AuditError } from '../errors/audit-error.ts';
import { requireObject } from '../errors/require.ts';
import { coveringNodes, hashChildren, largestPower, type TreeNode } from './tree-hash.ts';
import { areHashes, isHash, requireBytes, requireProof, toTreeSize } from './tree-size.ts';

export type InclusionClaim = {
  /** SHA-256(0x00 ‖ entry), 32 bytes. */
  readonly leafHash: Uint8Array;
  /** Zero-based. */
  readonly index: bigint | number;
  /** Number of leaves of the tree that `root` stands for. */
  readonly size: bigint | number;
  /** 32 bytes. From a verified checkpoint: a root that comes with the proof proves nothing. */
  readonly root: Uint8Array;
  /** Sibling hashes, leaf to root, 32 bytes each. */
  readonly proof: readonly Uint8Array[];
};

/**
 * Returns if the leaf stands at `index` in the tree, throws if not. At most 64 hashes, however long the proof.
 * @throws {@link AuditError} `TALOS_AUDIT_INCLUSION` if the proof does not lead from the leaf to the root.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` on a value of the wrong type, or a number that is not an exact size.
 */
export function verifyInclusion(claim: InclusionClaim): void {
  requireObject('claim', claim);
  requireBytes({ root: claim.root });
  const reached = inclusionRoot(claim);
  if (!isHash(claim.root)) throw refuse('a hash does not have 32 bytes');
  if (!equalBytes(reached, claim.root)) throw refuse('the proof leads to another root');
}

/**
 * The root that the path leads to, 32 bytes: for formats that sign it without carrying it. It proves nothing until a signature over it did.
 * @throws as {@link verifyInclusion}, but for a wrong root.
 */
export function inclusionRoot(path: Omit<InclusionClaim, 'root'>): Uint8Array {
  requireObject('path', path);
  const { leafHash, proof } = path;
  const index = toTreeSize('index', path.index);
  const size = toTreeSize('size', path.size);
  requireBytes({ leafHash });
  requireProof(proof);
  if (index >= size) throw refuse('the index is not in a tree of this size');
  // The shape follows from index and size alone: a longer proof would hash what nobody asked for, a shorter one prove a node.
  const inner = bitLength(index ^ (size - 1n));
  if (proof.length !== inner + bitCount(index >> BigInt(inner))) throw refuse('the proof has the wrong length');
  if (!isHash(leafHash) || !areHashes(proof)) throw refuse('a hash does not have 32 bytes');
  return climb({ leafHash, index, proof, inner });
}

/** Below `inner` the path turns by the bits of the index; above it the sibling is always on the left (the tree's right edge). */
function climb(path: { readonly leafHash: Uint8Array; readonly index: bigint; readonly proof: readonly Uint8Array[]; readonly inner: number }): Uint8Array {
  let hash = path.leafHash;
  let rest = path.index;
  for (const [level, sibling] of path.proof.entries()) {
    const onLeft = level >= path.inner || (rest & 1n) === 1n;
    hash = onLeft ? hashChildren({ left: sibling, right: hash }) : hashChildren({ left: hash, right: sibling });
    rest >>= 1n;
  }
  return hash;
}

/** The subtrees whose hashes make up the proof of `index` in a tree of `size`, leaf to root; each folds to one proof hash. */
export function inclusionSubtrees(index: number, size: number): TreeNode[][] {
  const subtrees: TreeNode[][] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + splitWidth(end - start);
    if (index < middle) {
      subtrees.push(coveringNodes(middle, end));
      end = middle;
    } else {
      subtrees.push(coveringNodes(start, middle));
      start = middle;
    }
  }
  return subtrees.reverse();
}

/** The largest power of two smaller than `width` (RFC 6962 §2.1), for `width` of at least 2. */
export function splitWidth(width: number): number {
  return largestPower(width - 1).width;
}

export function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

export function bitCount(value: bigint): number {
  let count = 0;
  for (let rest = value; rest > 0n; rest &= rest - 1n) count++;
  return count;
}

function refuse(reason: string): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_INCLUSION', message: `inclusion is not proved: ${reason}` });
}
