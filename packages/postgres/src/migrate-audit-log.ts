/** Moves a log from one store to another and proves that its history is the same: from SQLite to PostgreSQL, or between any two stores. @module */
import {
  CompactRange,
  epochKey,
  firstEpochKey,
  hashLeaf,
  lookupKeys,
  parseEntry,
  parseVerifierKey,
  verifyCheckpoint,
  type AuditRow,
  type AuditStore,
  type NewAuditRow,
  type StoredCheckpoint,
  type TreeHead,
  type VerifierKey,
} from '@talosprotocol/core/audit';
import { AuditError, StoreError, UsageError } from '@talosprotocol/core/errors';
import { compareStores } from './compare-stores.ts';
import { copyCosignatures } from './copy-cosignatures.ts';
import { isSameBytes, isSameHead } from './same-bytes.ts';

export type MigrationProgress = {
  /** `copy` writes the target, `verify` reads it back. */
  readonly phase: 'copy' | 'verify';
  /** Entries done in this phase, of `size`. */
  readonly done: number;
  readonly size: number;
};

export type AuditLogMigration = {
  /** Open, with its writer's place: nothing may be appended while it is read. */
  readonly from: AuditStore;
  /** Empty, or what an earlier migration that was interrupted left. */
  readonly to: AuditStore;
  /** The log's own, `name+hash+keydata`, as you trust it and not as the store has it: every checkpoint is verified under it. */
  readonly verifierKey: string;
  /** Called after each batch. */
  readonly onProgress?: (progress: MigrationProgress) => void;
};

/** What was moved and proved. `origin` and `root` are those of before: the log continues under its own name. */
export type MigratedLog = TreeHead & { readonly origin: string; readonly checkpoints: number };

/** A batch ends at either: a transaction of a few megabytes whatever the entries are, unless one payload is larger by itself. */
const maxBatchRows = 500;
const maxBatchBytes = 8 * 1024 * 1024;
/** Openings that are asked for at once: up to 16 MiB each. */
const openingsAtOnce = 16;
const checkpointsPerRead = 1000;

/**
 * Copies entries, openings and all checkpoints; hashes every entry again from its bytes on the way out; compares each root that was signed;
 * then reads the target back whole and compares it with the source. An interrupted run is continued by calling again. **Until this resolves the
 * target must not be opened as a log:** it would be a shorter one of the same name.
 * @throws {@link StoreError} `TALOS_STORE_CORRUPT` if the source does not prove itself or the target did not keep what it was given; `_CONFLICT`
 * if the source changed meanwhile.
 * @throws {@link AuditError} `TALOS_AUDIT_DIVERGED` if the target holds something else, or a signed root is not that of the entries;
 * `TALOS_AUDIT_BAD_NOTE` if a checkpoint does not verify under `verifierKey`.
 */
export async function migrateAuditLog(migration: AuditLogMigration): Promise<MigratedLog> {
  const { from, to, verifierKey, onProgress = () => undefined } = requireMigration(migration);
  const key = parseVerifierKey(verifierKey);
  const [head, begun] = [await from.loadHead(), await to.loadHead()];
  if (begun.size > head.size) throw diverged('the target is longer than the source');
  // Checkpoints from before a fork that was accepted are under the names that the log had then.
  const copy = new Copy({ from, to, key: firstEpochKey(key), begun });
  while (copy.size < head.size) {
    await copy.advance(head.size);
    onProgress({ phase: 'copy', done: copy.size, size: head.size });
  }
  if (!isSameHead(copy.head(), head)) throw diverged('the entries of the source lead to another root than its head');
  const checkpoints = await copy.finish();
  await copyCosignatures(from, to);
  await compareStores({ from, to, head, onProgress: (done) => onProgress({ phase: 'verify', done, size: head.size }) });
  if (!isSameHead(await from.loadHead(), head)) {
    throw new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'the source was written while it was moved: close its log, then migrate again' });
  }
  return { ...head, origin: copy.origin ?? key.name, checkpoints };
}

type Parts = { readonly from: AuditStore; readonly to: AuditStore; readonly key: VerifierKey; readonly begun: TreeHead };

/** The tree of what was read so far, and the checkpoints that come up as it grows. */
class Copy {
  readonly #parts: Parts;
  readonly #range = new CompactRange();
  /** Read ahead, smallest first. */
  #ahead: StoredCheckpoint[] = [];
  #readTo = 0;
  #checkpoints = 0;
  /** Of the newest checkpoint: the name under which the log goes on. */
  origin: string | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#range.size;
  }

  head(): TreeHead {
    return this.#range.head();
  }

  /** One batch. What the target has already is only read and compared. */
  async advance(end: number): Promise<void> {
    const { from, to, begun } = this.#parts;
    const expected = this.head();
    const isThere = expected.size < begun.size;
    const stop = Math.min(expected.size + maxBatchRows, isThere ? begun.size : end);
    const rows = await from.loadRows(expected.size, stop);
    if (rows.length !== stop - expected.size) throw corrupt('rows are missing');
    const taken = isThere ? rows : await this.#withOpenings(rows);
    const signed: StoredCheckpoint[] = [];
    for (const row of taken) signed.push(...(await this.#take(row)));
    if (!isThere) await to.append({ expected, head: this.head(), rows: taken as readonly NewAuditRow[] });
    else if (this.size === begun.size && !isSameHead(this.head(), begun)) throw diverged('the target holds another log than the source');
    for (const checkpoint of signed) await to.saveCheckpoint(checkpoint);
  }

  /** A checkpoint beyond the head is a promise about entries that are not there. Gives how many checkpoints were verified. */
  async finish(): Promise<number> {
    await this.#readAhead();
    const [beyond] = this.#ahead;
    if (beyond !== undefined) throw diverged('it is behind a checkpoint that it signed');
    return this.#checkpoints;
  }

  /** Hashes the entry again. Gives the checkpoint of the new size, if there is one and it says the same. */
  async #take(row: AuditRow): Promise<StoredCheckpoint[]> {
    if (!isSameBytes(this.#range.append(hashLeaf(row.bytes)), row.hashes)) throw corrupt('an entry does not have its stored hash');
    if (this.#ahead.length === 0) await this.#readAhead();
    const [next] = this.#ahead;
    if (next === undefined || next.size > this.size) return [];
    if (next.size < this.size) throw corrupt('a checkpoint is of no size that the log had');
    this.#ahead.shift();
    const { origin, size, root } = verifyCheckpoint(next.note, epochKey(this.#parts.key, next.note));
    if (!isSameHead(this.head(), { size, root })) throw diverged('its entries lead to another root than the one that was signed');
    this.#checkpoints++;
    this.origin = origin;
    return [next];
  }

  async #readAhead(): Promise<void> {
    if (this.#readTo === Infinity) return;
    this.#ahead = [...(await this.#parts.from.loadCheckpoints(this.#readTo, checkpointsPerRead))];
    this.#readTo = this.#ahead.length < checkpointsPerRead ? Infinity : (this.#ahead.at(-1) as StoredCheckpoint).size + 1;
  }

  /** As many of these rows as one transaction should hold. */
  async #withOpenings(rows: readonly AuditRow[]): Promise<NewAuditRow[]> {
    const first = this.size;
    const full: NewAuditRow[] = [];
    for (let weight = 0; full.length < rows.length && weight < maxBatchBytes;) {
      const some = rows.slice(full.length, full.length + openingsAtOnce);
      const openings = await Promise.all(some.map((_row, n) => this.#parts.from.loadOpenings(first + full.length + n)));
      for (const [n, { bytes, hashes }] of some.entries()) {
        const own = openings[n] ?? [];
        full.push({ bytes, hashes, keys: lookupKeys(parseEntry(bytes)), openings: own });
        weight += bytes.length + own.reduce((sum, { payload }) => sum + payload.length, 0);
      }
    }
    return full;
  }
}

function requireMigration(migration: AuditLogMigration): AuditLogMigration {
  const { from, to, verifierKey } = migration ?? {};
  if (typeof from?.loadRows !== 'function' || typeof to?.append !== 'function') throw badArgument('from and to must be audit stores');
  if (from === to) throw badArgument('from and to must be two stores');
  if (typeof verifierKey !== 'string') throw badArgument("verifierKey must be the log's own: log.verifierKey");
  return migration;
}

function badArgument(message: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message });
}

function corrupt(reason: string): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CORRUPT', message: `the log to be moved was refused: ${reason}` });
}

function diverged(reason: string): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_DIVERGED', message: `the log was not moved: ${reason}` });
}
