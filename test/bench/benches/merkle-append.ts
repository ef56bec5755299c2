import { randomBytes } from 'node:crypto';
import { CompactRange, hashLeaf } from '../../../packages/core/src/audit/tree-hash.ts';
import type { Bench } from '../measure.ts';

/** One entry of 300 bytes hashed into a growing tree, the root kept current as far as RFC 6962 needs it. */
export const merkleAppend: Bench = {
  name: 'merkle-append',
  async open() {
    const entries = Array.from({ length: 256 }, () => randomBytes(300));
    const range = new CompactRange();
    return { sync: (index) => range.append(hashLeaf(entries[index & 255]!)) };
  },
};
