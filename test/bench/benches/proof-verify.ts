import { createHash } from 'node:crypto';
import { hashChildren, verifyInclusion } from '@talosprotocol/core/audit';
import type { Bench } from '../measure.ts';

const size = 2 ** 20;
const height = 20;

/** One inclusion proof in a tree of a million entries: twenty hashes, no signature. */
export const proofVerify: Bench = {
  name: 'proof-verify',
  async open() {
    const hash = (text: string): Uint8Array => new Uint8Array(createHash('sha256').update(text).digest());
    const claims = Array.from({ length: 64 }, (_, n) => {
      const index = (n * 7_919_317) % size;
      const proof = Array.from({ length: height }, (_, level) => hash(`${n}/${level}`));
      const leafHash = hash(`leaf ${n}`);
      const root = proof.reduce(
        (below, sibling, level) => ((index >> level) % 2 === 1 ? hashChildren({ left: sibling, right: below }) : hashChildren({ left: below, right: sibling })),
        leafHash,
      );
      return { leafHash, index, size, root, proof };
    });
    return { sync: (index) => verifyInclusion(claims[index & 63]!) };
  },
};
