/** Between callers and the store: puts waiting entries into batches, acknowledges what is durable, stops at the first failed write. @module */
import { AuditError } from '../errors/audit-error.ts';
import { StoreError } from '../errors/store-error.ts';
import { TalosError } from '../errors/talos-error.ts';
import type { AuditStore, NewAuditRow } from './audit-store.ts';
import type { RecordedEntry } from './recorder.ts';
import type { CompactRange, TreeHead } from './tree-hash.ts';

export type AppendedEntry = {
  readonly index: number;
  readonly id: string;
  /** 32 bytes. */
  readonly leafHash: Uint8Array;
  /** Exactly what was hashed. */
  readonly bytes: Uint8Array;
};

/** More than any agent has calls in the air. Above it memory would grow as long as the disk is slower than the callers. */
const maxPendingEntries = 16_384;
/** The same for large payloads. One entry is always taken, so that no payload is refused for good. */
const maxPendingBytes = 64 * 1024 * 1024;
/**
 * A batch is sent early at this size, or at half of those that wait at once where they are more: the store writes it while callers fill the next.
 * Halves, because each batch costs a store the same whatever its size; measured best with 64 callers on SQLite and 256 on PostgreSQL.
 */
const earlyBatchEntries = 32;
/** One batch being written, and one at the store's door: no pause between two writes. A third would only make all of them smaller. */
const maxBatchesInFlight = 2;

type Waiting = {
  readonly row: NewAuditRow;
  readonly appended: AppendedEntry;
  readonly resolve: (entry: AppendedEntry) => void;
  readonly reject: (error: unknown) => void;
};

export class AppendQueue {
  readonly #store: AuditStore;
  /** Ahead of the durable head by what is pending. */
  readonly #range: CompactRange;
  #sent: TreeHead;
  #durable: TreeHead;
  #waiting: Waiting[] = [];
  #batchesInFlight = 0;
  #earlyEntries = earlyBatchEntries;
  #pendingEntries = 0;
  #pendingBytes = 0;
  #flushIsDue = false;
  #failure: unknown;
  #rejected = 0;
  #onIdle: (() => void)[] = [];

  constructor(store: AuditStore, range: CompactRange) {
    this.#store = store;
    this.#range = range;
    this.#sent = range.head();
    this.#durable = this.#sent;
  }

  /** The head that the store has confirmed. The only one that may be signed. */
  get durable(): TreeHead {
    return this.#durable;
  }

  /** Callers whose entry had a number and was rejected by a failed write. What they wrote may be on disk. */
  get rejected(): number {
    return this.#rejected;
  }

  /** Writes nothing any more, as after a failed write. Batches at the store are answered as stopped, whatever becomes of them. */
  halt(reason: unknown): void {
    this.#fail([], reason);
  }

  /** @throws {@link AuditError} `TALOS_AUDIT_STOPPED` after a failed write. */
  requireRunning(): void {
    if (this.#failure !== undefined) throw stopped(this.#failure);
  }

  /** Asked before an entry takes its sequence number. @throws {@link AuditError} `TALOS_AUDIT_OVERLOADED`, retryable. */
  requireRoom(): void {
    if (this.#pendingEntries < maxPendingEntries && this.#pendingBytes < maxPendingBytes) return;
    throw new AuditError({
      code: 'TALOS_AUDIT_OVERLOADED',
      message: 'too many entries wait for the disk: await some, then retry',
      retryable: true,
    });
  }

  /** Takes the next index. Resolves when the entry is durable, rejects if it is not. */
  push(entry: RecordedEntry): Promise<AppendedEntry> {
    const { id, bytes, leafHash, keys, openings } = entry;
    const index = this.#range.size;
    const row = { bytes, hashes: this.#range.append(leafHash), keys, openings };
    this.#pendingEntries++;
    this.#pendingBytes += weigh(row);
    const durable = new Promise<AppendedEntry>((resolve, reject) => {
      this.#waiting.push({ row, appended: { index, id, leafHash, bytes }, resolve, reject });
    });
    if (this.#waiting.length >= this.#earlyEntries) this.#flush();
    else this.#flushSoon();
    return durable;
  }

  /** Resolves when nothing is pending any more, whether it was written or rejected. */
  drain(): Promise<void> {
    if (this.#pendingEntries === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /** After the callers that run in this turn have had their say: that is the group of a group commit. */
  #flushSoon(): void {
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    void Promise.resolve().then(() => {
      this.#flushIsDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#waiting.length === 0 || this.#batchesInFlight >= maxBatchesInFlight || this.#failure !== undefined) return;
    const batch = this.#waiting;
    this.#waiting = [];
    const expected = this.#sent;
    const head = this.#range.head();
    this.#sent = head;
    this.#batchesInFlight++;
    this.#store.append({ expected, head, rows: batch.map(({ row }) => row) }).then(
      () => this.#acknowledge(batch, head),
      (error: unknown) => this.#fail(batch, error),
    );
  }

  #acknowledge(batch: readonly Waiting[], head: TreeHead): void {
    if (this.#failure !== undefined) {
      this.#fail(batch, this.#failure);
      return;
    }
    this.#durable = head;
    // The callers of this batch are about to be back: they count as well.
    this.#earlyEntries = Math.max(earlyBatchEntries, this.#pendingEntries / 2);
    for (const { appended, resolve } of batch) resolve(appended);
    this.#settle(batch);
    this.#flushSoon();
  }

  /**
   * A write that failed may be on disk or not, and a second try could put it there twice: nothing is written after it. The callers of this
   * batch learn why, those behind it that the log stopped. What is on disk is for the next start to find out.
   */
  #fail(batch: readonly Waiting[], error: unknown): void {
    const first = this.#failure === undefined;
    this.#failure ??= asStoreError(error);
    const reason = first ? this.#failure : stopped(this.#failure);
    for (const { reject } of batch) reject(reason);
    const behind = this.#waiting;
    this.#waiting = [];
    for (const { reject } of behind) reject(stopped(this.#failure));
    this.#rejected += batch.length + behind.length;
    this.#settle([...batch, ...behind], batch.length);
  }

  #settle(done: readonly Waiting[], sent = done.length): void {
    if (sent > 0) this.#batchesInFlight--;
    this.#pendingEntries -= done.length;
    for (const { row } of done) this.#pendingBytes -= weigh(row);
    if (this.#pendingEntries > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}

function weigh(row: NewAuditRow): number {
  let bytes = row.bytes.length;
  for (const { payload } of row.openings) bytes += payload.length;
  return bytes;
}

function asStoreError(error: unknown): TalosError {
  if (TalosError.isInstance(error)) return error;
  return new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: 'the audit store did not keep the write', cause: error });
}

function stopped(cause: unknown): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_STOPPED', message: 'an earlier write failed: mend the store, then open the log again', cause });
}
