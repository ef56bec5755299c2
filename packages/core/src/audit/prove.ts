/** Proofs from stored hashes: a few row reads, whatever the size of the log. @module */
import { AuditError } from '../errors/audit-error.ts';
import { StoreError } from '../errors/store-error.ts';
import { TalosError } from '../errors/talos-error.ts';
import type { AuditReader, StoredCheckpoint } from './audit-store.ts';
import { consistencySubtrees, verifyConsistency } from './consistency.ts';
import { inclusionSubtrees, verifyInclusion } from './inclusion.ts';
import { rangeSubtrees, verifyRange, type RangeProof } from './range.ts';
import { coveringNodes, foldSubtrees, hashLeaf, type TreeNode } from './tree-hash.ts';
import type { VerifierKey } from './verifier-key.ts';

/** Everything `verifyConsistency` takes. */
export type ConsistencyProof = {
  readonly oldSize: number;
  readonly oldRoot: Uint8Array;
  readonly newSize: number;
  readonly newRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
};

/** An entry's bytes with their path, without a signature yet. */
export type EntryPath = { readonly leafHash: Uint8Array; readonly proof: readonly Uint8Array[]; readonly entry: Uint8Array };

/** @throws {@link StoreError} `TALOS_STORE_CORRUPT` if what is stored does not prove itself: no false proof leaves the log. */
export async function proveEntry(store: AuditReader, { index, size }: { readonly index: number; readonly size: number }): Promise<EntryPath> {
  const [row] = await store.loadRows(index, index + 1);
  if (row === undefined) throw corrupt();
  if (row.bytes.length === 0) throw pruned();
  const [root, ...proof] = await loadFolded(store, [coveringNodes(0, size), ...inclusionSubtrees(index, size)]);
  const leafHash = hashLeaf(row.bytes);
  requireProved(() => verifyInclusion({ leafHash, index, size, root: root as Uint8Array, proof }));
  return { leafHash, proof, entry: row.bytes };
}

/** For 1 ≤ `oldSize` ≤ `newSize`. @throws {@link StoreError} `TALOS_STORE_CORRUPT`, as {@link proveEntry}. */
export async function proveSizes(store: AuditReader, { oldSize, newSize }: { readonly oldSize: number; readonly newSize: number }): Promise<ConsistencyProof> {
  const groups = [coveringNodes(0, oldSize), coveringNodes(0, newSize), ...consistencySubtrees(oldSize, newSize)];
  const [oldRoot, newRoot, ...proof] = (await loadFolded(store, groups)) as [Uint8Array, Uint8Array, ...Uint8Array[]];
  const proved = { oldSize, oldRoot, newSize, newRoot, proof };
  requireProved(() => verifyConsistency(proved));
  return proved;
}

/** For a window inside `size`. @throws {@link StoreError} `TALOS_STORE_CORRUPT`, as {@link proveEntry}. */
export async function proveWindow(
  store: AuditReader,
  { start, end, checkpoint, key }: { readonly start: number; readonly end: number; readonly checkpoint: StoredCheckpoint; readonly key: VerifierKey },
): Promise<RangeProof> {
  const { size, note } = checkpoint;
  const rows = await store.loadRows(start, end);
  if (rows.some(({ bytes }) => bytes.length === 0)) throw pruned();
  const hashes = await loadFolded(store, rangeSubtrees({ start, end, size }));
  const proved = { start, end, size, proof: hashes, entries: rows.map(({ bytes }) => bytes), checkpoint: note };
  requireProved(() => verifyRange(proved, key));
  return proved;
}

/** One read for all groups: a store on disk answers in one turn. */
async function loadFolded(store: AuditReader, groups: readonly (readonly TreeNode[])[]): Promise<Uint8Array[]> {
  const hashes = await store.loadNodes(groups.flat());
  let next = 0;
  return groups.map((group) => foldSubtrees(hashes.slice(next, (next += group.length))));
}

function requireProved(verify: () => void): void {
  try {
    verify();
  } catch (error) {
    throw TalosError.isInstance(error) && error instanceof AuditError ? corrupt(error) : error;
  }
}

function pruned(): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_NOT_FOUND', message: 'the entry was pruned: its hash is in the tree, its bytes are gone' });
}

function corrupt(cause?: unknown): StoreError {
  return new StoreError({
    code: 'TALOS_STORE_CORRUPT',
    message: 'the stored hashes of the audit log do not prove this entry: they were changed outside Talos',
    cause,
  });
}
