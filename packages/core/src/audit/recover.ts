/** What a log does before it takes its first entry: recompute the tree from stored bytes, and refuse a store that does not agree. @module */
import { equalBytes } from '../bytes/equal.ts';
import { AuditError } from '../errors/audit-error.ts';
import { StoreError } from '../errors/store-error.ts';
import type { AuditRow, AuditStore, StoredCheckpoint } from './audit-store.ts';
import { verifyCheckpoint, type Checkpoint } from './checkpoint.ts';
import { epochKey, epochOf, epochOrigin } from './origin-epoch.ts';
import type { SignedHeads } from './signed-heads.ts';
import { CompactRange, coveringNodes, hashLeaf, type TreeHead } from './tree-hash.ts';
import type { VerifierKey } from './verifier-key.ts';

/** Rows read at once: 64 MB at most, 1 MB as entries are. */
const rowsPerRead = 1000;

export type RecoveredTree = {
  readonly range: CompactRange;
  readonly checkpoint: StoredCheckpoint | undefined;
  /** The log's key under the name of its present epoch. */
  readonly key: VerifierKey;
  /** The head that the log signed last, as `heads` keeps it. */
  readonly signed: TreeHead | undefined;
};

type Recovering = {
  readonly store: AuditStore;
  /** Under the origin's own name. */
  readonly key: VerifierKey;
  readonly heads: SignedHeads | undefined;
};

/**
 * Starts from the largest checkpoint, whose signature is checked, and hashes every entry after it again.
 * @throws {@link StoreError} `TALOS_STORE_CORRUPT` if bytes and hashes disagree.
 * @throws {@link AuditError} `TALOS_AUDIT_DIVERGED` if the rows lead to another head than the stored or a signed one;
 * `TALOS_AUDIT_ROLLED_BACK` if they are behind the head that was signed last: a restored backup.
 */
export async function recoverTree({ store, key: baseKey, heads }: Recovering): Promise<RecoveredTree> {
  const head = await store.loadHead();
  const checkpoint = await store.loadCheckpoint();
  const key = checkpoint === undefined ? baseKey : epochKey(baseKey, checkpoint.note);
  const range = checkpoint === undefined ? new CompactRange() : await rangeAt(readNote(checkpoint, key), store);
  const signed = await loadSigned({ heads, origin: baseKey.name, name: key.name });
  if (signed !== undefined && signed.size > head.size) throw rolledBack(`it has ${head.size} entries, ${signed.size} were signed`);
  if (signed !== undefined && signed.size <= range.size) await compareBefore(signed, store);
  await replayRows(store, { range, size: head.size, signed });
  if (!equalBytes(range.head().root, head.root)) throw diverged('its rows lead to another root');
  return { range, checkpoint, key, signed };
}

type Replay = { readonly range: CompactRange; readonly size: number; readonly signed: TreeHead | undefined };

async function replayRows(store: AuditStore, { range, size, signed }: Replay): Promise<void> {
  const read = (start: number): Promise<readonly AuditRow[]> => store.loadRows(start, Math.min(start + rowsPerRead, size));
  let next = read(range.size);
  while (range.size < size) {
    const rows = await next;
    if (rows.length !== Math.min(rowsPerRead, size - range.size)) throw corrupt('rows are missing');
    // The store reads on while these are hashed.
    next = read(range.size + rows.length);
    next.catch(() => undefined);
    for (const row of rows) {
      replay(range, row);
      if (range.size === signed?.size) compareSigned(range, signed);
    }
  }
}

/** A copy from before a fork was accepted is behind too, however long it is: its epoch has ended. */
async function loadSigned({ heads, origin, name }: { readonly heads: SignedHeads | undefined; readonly origin: string; readonly name: string }) {
  const next = epochOrigin(origin, (epochOf(origin, name) ?? 1) + 1);
  if ((await heads?.load(next)) !== undefined) throw rolledBack(`it went on as ${next}`);
  return heads?.load(name);
}

function replay(range: CompactRange, row: AuditRow): void {
  if (!equalBytes(range.append(hashLeaf(row.bytes)), row.hashes)) throw corrupt('an entry does not have its stored hash');
}

function compareSigned(range: CompactRange, signed: TreeHead): void {
  if (!equalBytes(range.head().root, signed.root)) throw diverged('its rows lead to another root than the one that was signed last');
}

async function compareBefore(signed: TreeHead, store: AuditStore): Promise<void> {
  compareSigned(new CompactRange(signed.size, await store.loadNodes(coveringNodes(0, signed.size))), signed);
}

function readNote(stored: StoredCheckpoint, key: VerifierKey): Checkpoint {
  try {
    const checkpoint = verifyCheckpoint(stored.note, key);
    if (checkpoint.size === stored.size) return checkpoint;
  } catch (cause) {
    throw corrupt('its last checkpoint does not verify under this key and origin; was the log opened with other ones?', cause);
  }
  throw corrupt('a checkpoint is filed under another size');
}

async function rangeAt({ size, root }: Checkpoint, store: AuditStore): Promise<CompactRange> {
  const head = await store.loadHead();
  if (head.size < size) throw diverged('it is behind the last signed checkpoint');
  const range = new CompactRange(size, await store.loadNodes(coveringNodes(0, size)));
  if (!equalBytes(range.head().root, root)) throw diverged('its rows lead to another root than the one that was signed');
  return range;
}

function corrupt(reason: string, cause?: unknown): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CORRUPT', message: `the stored audit log was refused: ${reason}`, cause });
}

function diverged(reason: string): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_DIVERGED', message: `the stored audit log was refused: ${reason}` });
}

function rolledBack(reason: string): AuditError {
  return new AuditError({
    code: 'TALOS_AUDIT_ROLLED_BACK',
    message: `the audit log is an older copy of itself: ${reason}. Bring the newer copy back, or call recoverLog({ acceptFork: true }) to go on under a new origin`,
  });
}
