import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { consistencySubtrees, verifyConsistency } from '../../src/audit/consistency.ts';
import { inclusionSubtrees, verifyInclusion } from '../../src/audit/inclusion.ts';
import { CompactRange, coveringNodes, emptyRoot, foldSubtrees, hashLeaf, largestPower } from '../../src/audit/tree-hash.ts';
import { base64, caught, flipBit, hex, merkleTreeHash, merkleVectors, noVectors, proofFrom, readVector, vectorFiles } from './support.ts';

/** The eight leaves of the Certificate Transparency test tree, which every implementation of RFC 6962 knows. */
const ctLeaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map((text) =>
  Uint8Array.from(Buffer.from(text, 'hex')),
);
const ctRoots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/** A tree of `size` leaves, leaf i the single byte i, with the rows and roots of every size on the way. */
function grow(size: number, leaf = (i: number) => Uint8Array.of(i)) {
  const range = new CompactRange();
  const rows: Uint8Array[] = [];
  const roots = [range.head().root];
  const leafHashes: Uint8Array[] = [];
  for (let i = 0; i < size; i++) {
    leafHashes.push(hashLeaf(leaf(i)));
    rows.push(range.append(leafHashes[i] as Uint8Array));
    roots.push(range.head().root);
  }
  return { rows, roots, leafHashes };
}

const largest = 130;
const tree = grow(largest);
/** The claim with one bit of one of its proof hashes flipped, a different one for each `bit`. */
function flipOne<T extends { readonly proof: readonly Uint8Array[] }>(claim: T, bit: number): T[] {
  const i = bit % Math.max(1, claim.proof.length);
  const hash = claim.proof[i];
  return hash === undefined ? [] : [{ ...claim, proof: claim.proof.with(i, flipBit(hash, bit)) }];
}

const root = (size: number) => tree.roots[size] as Uint8Array;

describe('tree hash', () => {
  it('[AUDIT-TREE-RFC6962] the empty root and the roots of the eight CT leaves', () => {
    expect(hex(emptyRoot())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    const { roots } = grow(8, (i) => ctLeaves[i] as Uint8Array<ArrayBuffer>);
    expect(roots.slice(1).map(hex)).toEqual(ctRoots);
  });

  it('[AUDIT-TREE-RFC6962] every root up to 130 leaves is the recursive definition of RFC 6962', () => {
    for (let size = 0; size <= largest; size++) expect(hex(root(size))).toBe(hex(merkleTreeHash(Array.from({ length: size }, (_, i) => Uint8Array.of(i)))));
  });

  it('[AUDIT-TREE-RFC6962] a range goes on from its stored edge', () => {
    for (let size = 0; size < largest; size++) {
      const edge = coveringNodes(0, size).map((node) => proofFrom(tree.rows, [[node]])[0] as Uint8Array);
      const resumed = new CompactRange(size, edge);
      expect(hex(resumed.head().root)).toBe(hex(root(size)));
      expect(hex(resumed.append(tree.leafHashes[size] as Uint8Array))).toBe(hex(tree.rows[size] as Uint8Array));
    }
  });

  it('[AUDIT-TREE-RFC6962] a head is of the size it was taken at, whenever its root is read', () => {
    const range = new CompactRange();
    const heads = tree.leafHashes.map((leafHash) => {
      const head = range.head();
      range.append(leafHash);
      return head;
    });
    for (const [size, head] of heads.entries()) {
      expect(head.size).toBe(size);
      expect(hex(head.root)).toBe(hex(root(size)));
    }
    expect({ ...heads[3] }).toEqual({ size: 3, root: root(3) });
    expect(structuredClone(heads[3])).toEqual({ size: 3, root: root(3) });
  });

  it('[AUDIT-TREE-RFC6962] powers of two are exact up to 2^53', () => {
    for (let level = 1; level < 53; level++) {
      expect(largestPower(2 ** level - 1).level).toBe(level - 1);
      expect(largestPower(2 ** level).level).toBe(level);
    }
  });
});

describe('inclusion', () => {
  it('[AUDIT-INCLUSION] every index of every size up to 130 verifies, and no flipped bit does', async () => {
    for (let size = 1; size <= largest; size++) {
      for (let index = 0; index < size; index++) {
        const claim = {
          leafHash: tree.leafHashes[index] as Uint8Array,
          index,
          size,
          root: root(size),
          proof: proofFrom(tree.rows, inclusionSubtrees(index, size)),
        };
        verifyInclusion(claim);
        // One pseudo-random bit of each part, another one in each round.
        const bit = (size * 131 + index * 17) % 256;
        const forgeries = [
          { ...claim, leafHash: flipBit(claim.leafHash, bit) },
          { ...claim, root: flipBit(claim.root, bit) },
          { ...claim, index: index + 1 },
          { ...claim, proof: [...claim.proof, root(size)] },
          { ...claim, proof: claim.proof.slice(1), index: claim.proof.length === 0 ? size : index },
          ...flipOne(claim, bit),
        ];
        for (const forged of forgeries) expect(() => verifyInclusion(forged)).toThrow(expect.objectContaining({ code: 'TALOS_AUDIT_INCLUSION' }));
      }
    }
  });

  it('[AUDIT-INCLUSION] every bit of one whole claim counts', () => {
    const claim = { leafHash: tree.leafHashes[5] as Uint8Array, index: 5, size: 11, root: root(11), proof: proofFrom(tree.rows, inclusionSubtrees(5, 11)) };
    for (let bit = 0; bit < 256; bit++) {
      expect(() => verifyInclusion({ ...claim, leafHash: flipBit(claim.leafHash, bit) })).toThrow();
      expect(() => verifyInclusion({ ...claim, root: flipBit(claim.root, bit) })).toThrow();
      for (const [i, hash] of claim.proof.entries()) expect(() => verifyInclusion({ ...claim, proof: claim.proof.with(i, flipBit(hash, bit)) })).toThrow();
    }
  });

  it('[AUDIT-INCLUSION] an interior node cannot be passed off as a leaf of a smaller tree', async () => {
    const node = (tree.rows[1] as Uint8Array).subarray(32, 64);
    // Correct hashes all the way up: only the prefix of the leaf and the length of the proof stand against it.
    const proof = proofFrom(tree.rows, inclusionSubtrees(0, 4)).slice(1);
    expect(await caught(() => verifyInclusion({ leafHash: node, index: 0, size: 4, root: root(4), proof }))).toMatchObject({ code: 'TALOS_AUDIT_INCLUSION' });
  });

  it('[AUDIT-VERIFY-TOTAL] hostile input gives a coded error, never another exception', async () => {
    const claim = { leafHash: tree.leafHashes[0] as Uint8Array, index: 0, size: 2, root: root(2), proof: [tree.leafHashes[1] as Uint8Array] };
    const usage: readonly Record<string, unknown>[] = [
      { index: -1 },
      { index: 0.5 },
      { index: '0' },
      { index: 2 ** 53 },
      { index: -1n },
      { index: 2n ** 64n },
      { index: undefined },
      { size: Number.NaN },
      { size: null },
      { leafHash: 'a'.repeat(32) },
      { root: undefined },
      { root: [1, 2] },
      { proof: undefined },
      { proof: 'abc' },
      { proof: { length: 1 } },
    ];
    const audit: readonly Record<string, unknown>[] = [
      { index: 2n ** 64n - 1n },
      { size: 2n ** 64n - 1n },
      { index: 2n ** 64n - 2n, size: 2n ** 64n - 1n },
      { size: 0 },
      { leafHash: new Uint8Array(31) },
      { root: new Uint8Array(0) },
      { proof: [] },
      { proof: [new Uint8Array(33)] },
      { proof: ['x'] },
      { proof: new Array(1) },
      { proof: Array.from({ length: 100_000 }, () => new Uint8Array(32)) },
    ];
    for (const change of usage)
      expect(await caught(() => verifyInclusion({ ...claim, ...change })), JSON.stringify(Object.keys(change))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    for (const change of audit) expect(await caught(() => verifyInclusion({ ...claim, ...change }))).toMatchObject({ code: 'TALOS_AUDIT_INCLUSION' });
    verifyInclusion({ ...claim, index: 0n, size: 2n });
  });
});

describe('consistency', () => {
  it('[AUDIT-CONSISTENCY] every pair of sizes up to 130 verifies, and no flipped bit does', () => {
    for (let newSize = 1; newSize <= largest; newSize++) {
      for (let oldSize = 1; oldSize <= newSize; oldSize++) {
        const claim = { oldSize, oldRoot: root(oldSize), newSize, newRoot: root(newSize), proof: proofFrom(tree.rows, consistencySubtrees(oldSize, newSize)) };
        verifyConsistency(claim);
        const bit = (newSize * 37 + oldSize * 11) % 256;
        const forgeries = [
          { ...claim, oldRoot: flipBit(claim.oldRoot, bit) },
          { ...claim, newRoot: flipBit(claim.newRoot, bit) },
          { ...claim, proof: [...claim.proof, claim.newRoot] },
          ...flipOne(claim, bit),
        ];
        for (const forged of forgeries) expect(() => verifyConsistency(forged)).toThrow(expect.objectContaining({ code: 'TALOS_AUDIT_CONSISTENCY' }));
      }
    }
  });

  it('[AUDIT-CONSISTENCY] a log that changed one old entry cannot prove consistency', () => {
    const changed = grow(20, (i) => Uint8Array.of(i === 3 ? 99 : i));
    for (let oldSize = 4; oldSize <= 20; oldSize++) {
      const claim = {
        oldSize,
        oldRoot: root(oldSize),
        newSize: 20,
        newRoot: changed.roots[20] as Uint8Array,
        proof: proofFrom(changed.rows, consistencySubtrees(oldSize, 20)),
      };
      expect(() => verifyConsistency(claim)).toThrow(expect.objectContaining({ code: 'TALOS_AUDIT_CONSISTENCY' }));
    }
  });

  it('[AUDIT-CONSISTENCY-ZERO] the empty tree and roots that are not 32 bytes are refused', async () => {
    const refused = [
      { oldSize: 0, oldRoot: emptyRoot(), newSize: 0, newRoot: emptyRoot(), proof: [] },
      { oldSize: 0, oldRoot: emptyRoot(), newSize: 5, newRoot: root(5), proof: [] },
      { oldSize: 5, oldRoot: new Uint8Array(12), newSize: 5, newRoot: new Uint8Array(12), proof: [] },
      { oldSize: 6, oldRoot: root(6), newSize: 5, newRoot: root(5), proof: [] },
    ];
    for (const claim of refused) expect(await caught(() => verifyConsistency(claim))).toMatchObject({ code: 'TALOS_AUDIT_CONSISTENCY' });
  });

  it('[AUDIT-VERIFY-TOTAL] hostile input gives a coded error, never another exception', async () => {
    const claim = { oldSize: 3, oldRoot: root(3), newSize: 7, newRoot: root(7), proof: proofFrom(tree.rows, consistencySubtrees(3, 7)) };
    const usage = [
      { oldSize: -1 },
      { newSize: 1.5 },
      { oldSize: '3' },
      { oldRoot: 'x' },
      { newRoot: null },
      { proof: null },
      { proof: 7 },
      { newSize: 2n ** 65n },
    ];
    const audit = [
      { newSize: 2n ** 64n - 1n },
      { oldSize: 2n ** 64n - 1n },
      { proof: new Array(4) },
      { proof: [1, 2, 3, 4] },
      { proof: [] },
      { proof: Array.from({ length: 50_000 }, () => new Uint8Array(32)) },
    ];
    for (const change of usage) expect(await caught(() => verifyConsistency({ ...claim, ...change } as never))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    for (const change of audit)
      expect(await caught(() => verifyConsistency({ ...claim, ...change } as never))).toMatchObject({ code: 'TALOS_AUDIT_CONSISTENCY' });
  });
});

/** JSON.parse rounds 2^64 − 1: the sizes are read from the text. */
function bigField(text: string, name: string): bigint {
  return BigInt((new RegExp(`"${name}":\\s*(\\d+)`).exec(text) as RegExpExecArray)[1] as string);
}

type InclusionRow = { readonly root: string; readonly leafHash: string; readonly proof: readonly string[] | null; readonly wantErr?: boolean };
type ConsistencyRow = { readonly root1: string; readonly root2: string; readonly proof: readonly string[] | null; readonly wantErr?: boolean };

describe.skipIf(noVectors !== undefined)(`third-party vectors (${noVectors ?? merkleVectors.split('/').slice(-3).join('/')})`, () => {
  it('[AUDIT-INCLUSION] transparency-dev inclusion', () => {
    const files = vectorFiles('transparency-dev-merkle', 'inclusion');
    expect(files.length).toBe(71);
    for (const { name, text } of files) {
      const row = JSON.parse(text) as InclusionRow;
      const verify = () =>
        verifyInclusion({
          leafHash: base64(row.leafHash),
          index: bigField(text, 'leafIdx'),
          size: bigField(text, 'treeSize'),
          root: base64(row.root),
          proof: (row.proof ?? []).map(base64),
        });
      if (row.wantErr === true) expect(verify, name).toThrow(expect.objectContaining({ code: 'TALOS_AUDIT_INCLUSION' }));
      else expect(verify, name).not.toThrow();
    }
  });

  it('[AUDIT-CONSISTENCY] transparency-dev consistency: no row differs', () => {
    const files = vectorFiles('transparency-dev-merkle', 'consistency');
    expect(files.length).toBe(63);
    const different: string[] = [];
    for (const { name, text } of files) {
      const row = JSON.parse(text) as ConsistencyRow;
      let accepted = true;
      try {
        verifyConsistency({
          oldSize: bigField(text, 'size1'),
          oldRoot: base64(row.root1),
          newSize: bigField(text, 'size2'),
          newRoot: base64(row.root2),
          proof: (row.proof ?? []).map(base64),
        });
      } catch (error) {
        expect(error, name).toMatchObject({ code: 'TALOS_AUDIT_CONSISTENCY' });
        accepted = false;
      }
      if (accepted === (row.wantErr === true)) different.push(name);
    }
    expect(different).toEqual([]);
  });

  it('[AUDIT-INCLUSION] proofs of a 70,000-entry tree made by Go x/mod verify, and ours are the same', () => {
    const vectors = JSON.parse(readVector('go-xmod-70000.json')) as {
      readonly inclusion: readonly (InclusionRow & { readonly leafIdx: number; readonly treeSize: number })[];
      readonly consistency: readonly (ConsistencyRow & { readonly size1: number; readonly size2: number })[];
    };
    const { rows } = grow(70_000, (i) => Buffer.from(`entry-${i}`));
    for (const row of vectors.inclusion) {
      verifyInclusion({ leafHash: base64(row.leafHash), index: row.leafIdx, size: row.treeSize, root: base64(row.root), proof: (row.proof ?? []).map(base64) });
      expect(proofFrom(rows, inclusionSubtrees(row.leafIdx, row.treeSize)).map(hex)).toEqual((row.proof ?? []).map((text) => hex(base64(text))));
    }
    for (const row of vectors.consistency) {
      verifyConsistency({
        oldSize: row.size1,
        oldRoot: base64(row.root1),
        newSize: row.size2,
        newRoot: base64(row.root2),
        proof: (row.proof ?? []).map(base64),
      });
      expect(proofFrom(rows, consistencySubtrees(row.size1, row.size2)).map(hex)).toEqual((row.proof ?? []).map((text) => hex(base64(text))));
    }
  });

  it('[AUDIT-INCLUSION] the accumulated hash over every subtree and inclusion proof up to 130', () => {
    const vectors = (JSON.parse(readVector('accumulated.json')) as { readonly vectors: readonly { readonly name: string; readonly sha256: string }[] }).vectors;
    const wanted = Object.fromEntries(vectors.map((vector) => [vector.name, vector.sha256]));
    const subtreeHashes = createHash('sha256');
    const inclusionProofs = createHash('sha256');
    for (let end = 0; end <= largest; end++) {
      for (let start = 0; start <= end; start++) {
        if (start % (end - start <= 1 ? 1 : largestPower(end - start - 1).width * 2) !== 0) continue;
        const sub = grow(end - start, (i) => Uint8Array.of(start + i));
        subtreeHashes.update(`[${start}, ${end}) ${hex(sub.roots.at(-1) as Uint8Array)}\n`);
        for (let i = start; i < end; i++) {
          const proof = proofFrom(sub.rows, inclusionSubtrees(i - start, end - start));
          inclusionProofs.update(`${i} [${start}, ${end})${proof.map((hash) => ` ${hex(hash)}`).join('')}\n`);
        }
      }
    }
    expect(subtreeHashes.digest('hex')).toBe(wanted['subtree-hashes']);
    expect(inclusionProofs.digest('hex')).toBe(wanted['inclusion-proofs']);
  });
});

describe('merkle-append', () => {
  it('[AUDIT-TREE-RFC6962] folding no nodes gives the empty root', () => {
    expect(hex(foldSubtrees([]))).toBe(hex(emptyRoot()));
  });
});
