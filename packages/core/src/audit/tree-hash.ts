/** The Merkle tree of RFC 6962 §2.1 over SHA-256: leaf, node, empty tree, and the right edge that an append needs. @module */
import { sha256 } from '#suite';

/** SHA-256: every hash of the tree has this many bytes. */
export const hashLength = 32;

/** RFC 6962 §2.1: leaves and nodes are hashed under different prefixes, so that no node can be passed off as an entry. */
const leafPrefix = 0;
const nodePrefix = 1;

/** One buffer for every node: hashing is synchronous, and allocating 65 bytes per append costs a tenth of the hash. */
const nodeInput = /* @__PURE__ */ new Uint8Array(1 + 2 * hashLength);

/** Likewise for leaves: an array of its own for each would take longer to make than to hash. Longer entries are rare. */
const leafRoom = /* @__PURE__ */ new Uint8Array(4096);

/** A complete subtree of 2^`level` leaves, the `index`-th of its level: leaves `index·2^level` up to `(index+1)·2^level − 1`. */
export type TreeNode = { readonly level: number; readonly index: number };

/** A tree's size and its root hash, 32 bytes. */
export type TreeHead = { readonly size: number; readonly root: Uint8Array };

/** SHA-256(0x00 ‖ entry), 32 bytes. */
export function hashLeaf(entry: Uint8Array): Uint8Array {
  const length = 1 + entry.length;
  const input = length > leafRoom.length ? new Uint8Array(length) : leafRoom.subarray(0, length);
  input[0] = leafPrefix;
  input.set(entry, 1);
  return sha256(input);
}

/** SHA-256(0x01 ‖ left ‖ right), 32 bytes. Both children have 32 bytes. */
export function hashChildren(children: { readonly left: Uint8Array; readonly right: Uint8Array }): Uint8Array {
  nodeInput[0] = nodePrefix;
  nodeInput.set(children.left, 1);
  nodeInput.set(children.right, 1 + hashLength);
  return sha256(nodeInput);
}

/** The root of the tree without entries: SHA-256 of nothing. */
export function emptyRoot(): Uint8Array {
  return sha256(new Uint8Array(0));
}

/** Joins neighbouring subtrees, largest first, into the hash of the range they cover (RFC 6962 §2.1, the unbalanced right edge). */
export function foldSubtrees(hashes: readonly Uint8Array[]): Uint8Array {
  let right = hashes.at(-1) ?? emptyRoot();
  for (let i = hashes.length - 2; i >= 0; i--) right = hashChildren({ left: hashes[i] as Uint8Array, right });
  return right;
}

/** The complete subtrees that cover leaves `start` up to `end − 1`, largest first. `start` is a multiple of the largest. */
export function coveringNodes(start: number, end: number): TreeNode[] {
  const nodes: TreeNode[] = [];
  for (let from = start; from < end;) {
    const { level, width } = largestPower(end - from);
    nodes.push({ level, index: from / width });
    from += width;
  }
  return nodes;
}

/** The largest power of two up to `count`, which is at least 1. By doubling: Math.log2 rounds up from 2^47 on. */
export function largestPower(count: number): { readonly level: number; readonly width: number } {
  let level = 0;
  let width = 1;
  for (; width * 2 <= count; width *= 2) level++;
  return { level, width };
}

/**
 * The right edge of a growing tree: one hash per complete subtree, at most 53 of them, whatever the size.
 * It is all that an append needs.
 */
export class CompactRange {
  #size: number;
  /** Largest subtree first, as `coveringNodes(0, size)` lists them. */
  readonly #edge: Uint8Array[];

  /** @param edge - the hashes of `coveringNodes(0, size)`, in that order. Copied. */
  constructor(size = 0, edge: readonly Uint8Array[] = []) {
    this.#size = size;
    this.#edge = [...edge];
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Adds a leaf.
   * @returns the leaf hash, then the hash of every subtree that this leaf completes, smallest first: what a store keeps beside the
   * entry. Node (level, index) is then found in row `(index+1)·2^level − 1` at byte `32·level`, and a proof is a few row reads.
   */
  append(leafHash: Uint8Array): Uint8Array {
    const completed = trailingOnes(this.#size);
    const hashes = new Uint8Array(hashLength * (completed + 1));
    hashes.set(leafHash);
    let hash = leafHash;
    for (let level = 1; level <= completed; level++) {
      hash = hashChildren({ left: this.#edge.pop() as Uint8Array, right: hash });
      hashes.set(hash, hashLength * level);
    }
    this.#edge.push(hash);
    this.#size++;
    return hashes;
  }

  /** The tree as it is now. Its root is hashed when it is first read: an append in memory needs none, and one hash per subtree is most of its cost. */
  head(): TreeHead {
    const edge = [...this.#edge];
    let root: Uint8Array | undefined;
    return {
      size: this.#size,
      get root() {
        return (root ??= foldSubtrees(edge));
      },
    };
  }
}

/** Where the store of {@link CompactRange.append} keeps a node. */
export function nodePlace(node: TreeNode): { readonly row: number; readonly offset: number } {
  return { row: (node.index + 1) * 2 ** node.level - 1, offset: hashLength * node.level };
}

/** How many subtrees the leaf after `size` leaves completes. Without bit operators: they end at 2^31. */
function trailingOnes(size: number): number {
  let ones = 0;
  for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) ones++;
  return ones;
}
