/**
 * The appending half of a log: what a guarded call needs of it. It holds no key, signs nothing and proves nothing; `openAuditLog` adds
 * all three. A browser that only records loads this half.
 * @module
 */
import { equalBytes } from '../bytes/equal.ts';
import type { Env } from '../env/env.ts';
import { StoreError } from '../errors/store-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import { AppendQueue, type AppendedEntry } from './append-queue.ts';
import type { AuditStore } from './audit-store.ts';
import { Recorder, type EntryInput, type RecordedEntry } from './recorder.ts';
import { CompactRange, coveringNodes, type TreeHead } from './tree-hash.ts';

export type AuditWriterOptions = {
  readonly store: AuditStore;
  readonly env: Env;
  /** Name of this start's recorder; default 128 random bits. One name is used once. */
  readonly recorder?: string;
  /** `lost` of the log that was open before, if it had stopped: the start entry says so. */
  readonly lost?: number;
};

export interface AuditWriter {
  /** Number of durable entries. */
  readonly size: number;
  /** Events that were rejected and are not recorded as lost yet. */
  readonly lost: number;
  /** As `AuditLog.append`. */
  append(entry: EntryInput): Promise<AppendedEntry>;
  /** Writes the stop entry and waits for everything pending. The store stays open: who opened it closes it. */
  close(): Promise<void>;
}

/**
 * Continues the log in `store` from its stored tree, without hashing its entries again: whoever signs it does that.
 * @throws {@link StoreError} `TALOS_STORE_CORRUPT` if the stored hashes do not lead to the stored head.
 */
export async function openAuditWriter(options: AuditWriterOptions): Promise<AuditWriter> {
  const { store } = options;
  const head = await store.loadHead();
  const range = new CompactRange(head.size, await store.loadNodes(coveringNodes(0, head.size)));
  if (!equalBytes(range.head().root, head.root))
    throw new StoreError({ code: 'TALOS_STORE_CORRUPT', message: 'the stored hashes of the audit log do not lead to its head' });
  const writer = new RecordingWriter(options, range);
  await writer.append({ type: 'gap', gap: 'start', lost: options.lost });
  return writer;
}

/** Recorder and queue as one, for a tree that was recovered. */
export class RecordingWriter implements AuditWriter {
  readonly #recorder: Recorder;
  readonly #queue: AppendQueue;
  #stopping: Promise<boolean> | undefined;
  #refused = 0;

  constructor({ store, env, recorder }: AuditWriterOptions, range: CompactRange) {
    this.#recorder = new Recorder(env, recorder);
    this.#queue = new AppendQueue(store, range);
  }

  /** The head that the store has confirmed: the only one that may be signed. */
  get durable(): TreeHead {
    return this.#queue.durable;
  }

  get size(): number {
    return this.durable.size;
  }

  append(entry: EntryInput): Promise<AppendedEntry> {
    try {
      return this.#append(entry);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  #append(entry: EntryInput): Promise<AppendedEntry> {
    if (this.#stopping !== undefined) throw new UsageError({ code: 'TALOS_USAGE_CLOSED', message: 'this audit log was closed: open it again' });
    try {
      this.#queue.requireRunning();
      this.#queue.requireRoom();
    } catch (error) {
      this.#refused++;
      throw error;
    }
    if (this.#refused > 0) this.#recordLost();
    return this.#queue.push(this.#recorder.record(entry));
  }

  /** For what another process recorded; the caller asks `requireRunning`. */
  push(entry: RecordedEntry): Promise<AppendedEntry> {
    return this.#queue.push(entry);
  }

  get lost(): number {
    return this.#refused + this.#queue.rejected;
  }

  /** What found no room is counted by an entry of its own, before the first one that finds some. */
  #recordLost(): void {
    const lost = this.#refused;
    this.#refused = 0;
    this.#queue.push(this.#recorder.record({ type: 'gap', gap: 'lost', lost })).catch(() => {
      this.#refused += lost;
    });
  }

  /** For failures outside the store that make going on a fork: see `AppendQueue.halt`. */
  halt(reason: unknown): void {
    this.#queue.halt(reason);
  }

  /** @throws {@link AuditError} `TALOS_AUDIT_STOPPED` after a failed write. */
  requireRunning(): void {
    this.#queue.requireRunning();
  }

  async close(): Promise<void> {
    await this.stop();
  }

  /** Whether it could write its stop entry: a log that had stopped has told its callers, and writes nothing more. Idempotent. */
  stop(): Promise<boolean> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<boolean> {
    try {
      this.#queue.requireRunning();
    } catch {
      await this.#queue.drain();
      return false;
    }
    if (this.#refused > 0) this.#recordLost();
    // Even when callers fill the queue: the stop entry is what distinguishes an end from a crash.
    await this.#queue.push(this.#recorder.record({ type: 'gap', gap: 'stop' }));
    await this.#queue.drain();
    return true;
  }
}
