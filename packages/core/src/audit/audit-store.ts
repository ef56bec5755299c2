/** The store behind an audit log: rows, one head, and a private part for what may be erased. @module */
import type { Opening } from './commitment.ts';
import type { LookupKey, LookupKind } from './entry.ts';
import type { StoredOpening } from './private-store.ts';
import type { TreeHead, TreeNode } from './tree-hash.ts';

/** One leaf as it is stored. */
export type AuditRow = {
  /** The hashed bytes, at most 65,535. */
  readonly bytes: Uint8Array;
  /** Leaf hash, then the hash of each subtree that this leaf completes (`CompactRange.append`). A multiple of 32 bytes. */
  readonly hashes: Uint8Array;
};

export type NewAuditRow = AuditRow & {
  readonly keys: readonly LookupKey[];
  /** Private: beside the entry, erasable, never part of an export. */
  readonly openings: readonly StoredOpening[];
};

/** Rows for indices `expected.size` up to `head.size − 1`. */
export type AuditBatch = { readonly expected: TreeHead; readonly head: TreeHead; readonly rows: readonly NewAuditRow[] };

/** A signed head. Kept for ever, all of them: each is a promise that somebody may hold. */
export type StoredCheckpoint = { readonly size: number; readonly note: string };

/** The reading half: what a proof, `fsck` and an export need, also beside the writer of another process. */
export interface AuditReader {
  /** The head of the last durable batch; size 0 and the empty root if there is none. Always agrees with the number of rows. */
  loadHead(): Promise<TreeHead>;
  /** Rows `start` up to `end − 1` in order; fewer at the end of the log. Sees every append that resolved before the call. */
  loadRows(start: number, end: number): Promise<readonly AuditRow[]>;
  /** The hash of each node, in the order asked. Rejects with `TALOS_STORE_CORRUPT` if one is not there. */
  loadNodes(nodes: readonly TreeNode[]): Promise<readonly Uint8Array[]>;
  /** Index of the first entry under the key; undefined if there is none. */
  find(kind: LookupKind, key: string): Promise<number | undefined>;
  /** `find` for many keys, in the order asked. Absent where it would save nothing. */
  findEach?(keys: readonly LookupKey[]): Promise<readonly (number | undefined)[]>;
  /** The openings of an entry that were not erased; none for an index that does not exist. */
  loadOpenings(index: number): Promise<readonly Opening[]>;
  /** The checkpoint of exactly this size, or the largest one; undefined if there is none. */
  loadCheckpoint(size?: number): Promise<StoredCheckpoint | undefined>;
  /** Checkpoints of sizes from `from` on, smallest first, at most `limit`. */
  loadCheckpoints(from: number, limit: number): Promise<readonly StoredCheckpoint[]>;
  /** Waits for what is under way and releases the files. Later calls reject with `TALOS_USAGE_CLOSED`. */
  close(): Promise<void>;
}

/** For any store, as `AuditReader.findEach`. */
export async function findEach(store: AuditReader, keys: readonly LookupKey[]): Promise<readonly (number | undefined)[]> {
  return store.findEach?.(keys) ?? Promise.all(keys.map(({ kind, key }) => store.find(kind, key)));
}

/**
 * What the log needs of a database, and no more. The log computes every hash; a store keeps bytes and compares heads.
 * One log per store, one writer at a time; readers may be many. Any method may reject with a {@link StoreError}:
 * `TALOS_STORE_WRITE_FAILED`, `_READ_FAILED`, `_CORRUPT` or `_CONFLICT`.
 */
export interface AuditStore extends AuditReader {
  /**
   * Appends all rows and replaces the head, or does nothing: one transaction. **When the promise resolves, the batch survives a crash of the
   * process and a loss of power.** A head other than `expected` rejects with `TALOS_STORE_CONFLICT`. Calls take effect in the order they
   * were made, without waiting for each other; after a failed write every later call fails too, until the store is opened again.
   */
  append(batch: AuditBatch): Promise<void>;
  /** Durable when the promise resolves. A second note for one size is ignored: the first was handed out. */
  saveCheckpoint(checkpoint: StoredCheckpoint): Promise<void>;
  /**
   * Where openings are kept apart from entries: those of every entry below this index were durable once, those from it on never. Absent where an
   * entry and its openings are one transaction.
   */
  openingsKept?(): Promise<number>;
  /** Likewise: keeps openings of an entry that lost them in a crash, except of persons who were erased. Does nothing if it has some. */
  restoreOpenings?(index: number, openings: readonly StoredOpening[]): Promise<void>;
  /** Absent where the store cannot remove entries. */
  readonly upkeep?: StoreUpkeep | undefined;
}

/** What retention needs beyond reading and appending. */
export interface StoreUpkeep {
  /** Entries below it have no bytes any more, and no keys: `loadRows` gives them with empty bytes and their hashes. */
  pruned(): Promise<number>;
  /** Removes the bytes and keys of all entries below `before`, without a trace in any file of the store; hashes stay. May be done twice. */
  prune(before: number): Promise<void>;
  /** Indices of entries under the key, ascending, at most `limit`. */
  findAll(kind: LookupKind, key: string, limit: number): Promise<readonly number[]>;
}
