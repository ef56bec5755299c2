/** Reading a log in order up to its newest checkpoint: what exports and reports are made of. @module */
import { equalBytes } from '../bytes/equal.ts';
import { AuditError } from '../errors/audit-error.ts';
import { StoreError } from '../errors/store-error.ts';
import { requireObject } from '../errors/require.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { StoredCheckpoint } from './audit-store.ts';
import { verifyCheckpoint, type Checkpoint } from './checkpoint.ts';
import type { FsckRow, FsckSource } from './fsck-source.ts';
import { epochKey } from './origin-epoch.ts';
import { readEntry } from './read-entry.ts';
import { CompactRange, hashLeaf, hashLength } from './tree-hash.ts';
import { parseVerifierKey, type VerifierKey } from './verifier-key.ts';

export type SignedLog = {
  /** A store (`storeSource`) or a directory of tiles. */
  readonly source: FsckSource;
  /** The log's key as the reader trusts it. */
  readonly verifierKey: string | VerifierKey;
};

export type SignedLeaf = { readonly index: number; readonly bytes: Uint8Array; readonly leafHash: Uint8Array };

/** Little enough that a report over millions of entries stays small, enough that reading is not the slow part. */
const perRead = 256;

/**
 * The newest checkpoint, under the trusted key.
 * @throws {@link AuditError} `TALOS_AUDIT_NOT_FOUND` if nothing was signed, `TALOS_AUDIT_BAD_NOTE` if it is not of this key, `TALOS_AUDIT_DIVERGED` if
 * the log is shorter than it.
 */
export async function newestCheckpoint({ source, verifierKey }: SignedLog): Promise<Checkpoint> {
  requireObject('source', source);
  const size = await source.size();
  const stored = (await source.readCheckpoints(size, 1))[0] ?? (await lastStored(source));
  if (stored === undefined) throw new AuditError({ code: 'TALOS_AUDIT_NOT_FOUND', message: 'this log has no checkpoint yet: nothing in it can be proved' });
  const checkpoint = verifyCheckpoint(stored.note, epochKey(typeof verifierKey === 'string' ? parseVerifierKey(verifierKey) : verifierKey, stored.note));
  if (checkpoint.size > size) throw diverged('it has fewer entries than its checkpoint says');
  return checkpoint;
}

async function lastStored(source: FsckSource): Promise<StoredCheckpoint | undefined> {
  let last: StoredCheckpoint | undefined;
  for (let from = 0; ;) {
    const page = await source.readCheckpoints(from, perRead);
    last = page.at(-1) ?? last;
    if (page.length < perRead || last === undefined) return last;
    from = last.size + 1;
  }
}

/**
 * Entries `start` up to `end − 1`, hashed from their bytes. Read from 0, the tree is compared with the signed root before the last entry is
 * handed out; a window alone is compared with stored hashes only. Of a whole log a beginning may have been pruned: its stored hashes make up the
 * tree, and an entry that is still there has to speak of it.
 * @throws {@link StoreError} `TALOS_STORE_CORRUPT`; {@link AuditError} `TALOS_AUDIT_DIVERGED` if the tree is not the one that was signed.
 */
export async function* signedLeaves(source: FsckSource, window: SignedWindow): AsyncGenerator<readonly SignedLeaf[], void, undefined> {
  const tree = new ReadTree(window);
  for await (const rows of readAhead(source, window)) yield tree.add(rows);
}

/** What was read so far. */
class ReadTree {
  readonly #checkpoint: Checkpoint;
  readonly #range: CompactRange | undefined;
  readonly #mayBePruned: boolean;
  #index: number;
  #pruned = 0;
  #declared = 0;

  constructor({ start, end, checkpoint }: SignedWindow) {
    this.#checkpoint = checkpoint;
    this.#index = start;
    this.#range = start === 0 ? new CompactRange() : undefined;
    this.#mayBePruned = start === 0 && end === checkpoint.size;
  }

  add(rows: readonly FsckRow[]): SignedLeaf[] {
    const leaves: SignedLeaf[] = [];
    for (const row of rows) {
      const index = this.#index++;
      const hash = this.#mayBePruned && this.#pruned === index ? prunedHash(row) : undefined;
      if (hash === undefined) leaves.push(leafOf(index, row));
      else this.#pruned++;
      this.#range?.append(hash ?? (leaves.at(-1) as SignedLeaf).leafHash);
    }
    if (this.#pruned > 0) this.#declared = Math.max(this.#declared, ...leaves.map(({ bytes }) => prunedBefore(bytes)));
    if (this.#range?.size === this.#checkpoint.size) this.#check(this.#range);
    return leaves;
  }

  #check(range: CompactRange): void {
    if (!equalBytes(range.head().root, this.#checkpoint.root)) throw diverged('its entries are not those that were signed');
    if (this.#pruned > this.#declared) throw corrupt(`entry ${this.#declared} is not there`);
  }
}

/** Of an entry that retention removed, the hash alone is left. */
export function prunedHash({ bytes, hashes: [hash] }: FsckRow): Uint8Array | undefined {
  return bytes === undefined && hash?.length === hashLength ? hash : undefined;
}

/** What an entry says of pruning: the index below which entries are gone. @throws {@link AuditError} `TALOS_AUDIT_BAD_ENTRY`. */
export function prunedBefore(bytes: Uint8Array): number {
  const { entry } = readEntry(bytes);
  return entry.type === 'retention' && entry['retention'] === 'pruned' && typeof entry['before'] === 'number' ? entry['before'] : 0;
}

/**
 * Rows `start` up to `end − 1` as the source has them, nothing checked. The next are on their way while these are worked on: a store reads in a
 * thread, a process or a server of its own.
 */
export async function* readAhead(source: FsckSource, { start, end }: Omit<SignedWindow, 'checkpoint'>): AsyncGenerator<readonly FsckRow[], void, undefined> {
  let next: Promise<readonly FsckRow[]> | undefined;
  for (let from = start; from < end; from += perRead) {
    const to = Math.min(from + perRead, end);
    const rows = await (next ?? source.readRows(from, to));
    next = to < end ? source.readRows(to, Math.min(to + perRead, end)) : undefined;
    // Met when it is awaited, unless nobody wants it any more.
    next?.catch(() => undefined);
    yield Array.from({ length: to - from }, (_, i) => rows[i] ?? { bytes: undefined, hashes: [] });
  }
}

function leafOf(index: number, { bytes, hashes }: FsckRow): SignedLeaf {
  if (bytes === undefined) throw corrupt(`entry ${index} is not there`);
  const leafHash = hashLeaf(bytes);
  if (hashes[0] !== undefined && !equalBytes(hashes[0], leafHash)) throw corrupt(`entry ${index} does not have its hash`);
  return { index, bytes, leafHash };
}

export type SignedWindow = { readonly start: number; readonly end: number; readonly checkpoint: Checkpoint };

/** @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` on a window that is not within the signed log. */
export function requireWindow(window: { readonly start: number; readonly end: number }, { size }: Checkpoint): void {
  const { start, end } = window;
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || start > end || end > size)
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `a window is start and end of the ${size} entries that were signed` });
}

function corrupt(reason: string): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CORRUPT', message: `the log was changed outside Talos: ${reason}` });
}

function diverged(reason: string): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_DIVERGED', message: `this is not the log that was signed: ${reason}` });
}
