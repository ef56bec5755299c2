/** Where fsck reads from: a store, or a directory of tiles. @module */
import { findEach, type AuditReader, type StoredCheckpoint } from './audit-store.ts';
import type { LookupKey } from './entry.ts';
import { hashLength, type TreeHead } from './tree-hash.ts';

export type FsckRow = {
  /** Undefined if nothing readable is stored; `detail` then says what is there. */
  readonly bytes: Uint8Array | undefined;
  readonly detail?: string;
  /** Stored hashes by level: the leaf's, then those of the subtrees that it completes. Undefined where the source stores none. */
  readonly hashes: readonly (Uint8Array | undefined)[];
};

export interface FsckSource {
  /** Number of entries that the source claims to hold. */
  size(): Promise<number>;
  /** One row for each index, whether it is there or not. */
  readRows(start: number, end: number): Promise<readonly FsckRow[]>;
  /** From a size on, smallest first, at most `limit`. */
  readCheckpoints(from: number, limit: number): Promise<readonly StoredCheckpoint[]>;
  /** Index of the first entry under each key, in the order asked, where the source has an index that others ask. */
  find?(keys: readonly LookupKey[]): Promise<readonly (number | undefined)[]>;
  /** The stored head, where there is one beside the checkpoints. */
  head?(): Promise<TreeHead>;
}

/** Reads a store as it stands. Nothing is written, and nothing that it computed is believed. */
export function storeSource(store: AuditReader): FsckSource {
  return {
    size: async () => (await store.loadHead()).size,
    head: () => store.loadHead(),
    find: (keys) => findEach(store, keys),
    readCheckpoints: (from, limit) => store.loadCheckpoints(from, limit),
    async readRows(start, end) {
      const rows = await store.loadRows(start, end);
      return Array.from({ length: end - start }, (_, i): FsckRow => {
        const row = rows[i];
        if (row === undefined) return { bytes: undefined, hashes: [] };
        const bytes = row.bytes.length === 0 ? undefined : row.bytes;
        return { bytes, hashes: splitHashes(row.hashes, start + i) };
      });
    },
  };
}

/** One for each subtree that ends at this index, empty where the store has none: a hash that is missing is not passed over. */
function splitHashes(hashes: Uint8Array, index: number): Uint8Array[] {
  const levels = [hashes.subarray(0, hashLength)];
  for (let rest = index; rest % 2 === 1; rest = (rest - 1) / 2) levels.push(hashes.subarray(levels.length * hashLength, (levels.length + 1) * hashLength));
  return levels;
}
