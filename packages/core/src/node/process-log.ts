/**
 * The log of a home for one of its processes. Whoever comes first writes it; the others queue what they append, and one of them takes the
 * writer's place when it is free (docs/spec/03 §17). @module
 */
import type { AppendedEntry } from '../audit/append-queue.ts';
import type { AuditLog, EntryInput, Recovery, StoredEntry, TreeLog } from '../audit/audit-log.ts';
import type { Opening } from '../audit/commitment.ts';
import type { EntryProof } from '../audit/entry-proof.ts';
import type { LookupKind } from '../audit/entry.ts';
import type { ConsistencyProof } from '../audit/prove.ts';
import type { RangeProof } from '../audit/range.ts';
import type { WitnessState } from '../audit/witnessing.ts';
import type { OpenedLog } from '../client/shared-log.ts';
import type { Env } from '../env/env.ts';
import { StoreError } from '../errors/store-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { IntentQueue } from './intent-queue.ts';
import { IntentWriter, type intentReads } from './intent-writer.ts';
import { QueuedLog } from './queued-log.ts';

/** A process that writes a home's log answers in milliseconds; one that does not in this time has the log open by itself. */
const describeMs = 10_000;

export type ProcessLogOptions = {
  readonly env: Env;
  readonly openQueue: () => IntentQueue | Promise<IntentQueue>;
  /** Whether nobody has the writer's place; asked every 50 ms while something waits. */
  readonly isFree: () => boolean | Promise<boolean>;
  /** @throws {@link StoreError} `TALOS_STORE_CONFLICT` while another process writes. */
  readonly open: () => Promise<{ readonly log: TreeLog; readonly close: () => Promise<void> }>;
  readonly onError?: (error: unknown) => void;
};

/** @throws as `openAuditLog`; {@link StoreError} `TALOS_STORE_CONFLICT` if the writer of this log serves no queue. */
export async function openProcessLog(options: ProcessLogOptions): Promise<OpenedLog> {
  const log = new ProcessLog(options);
  await log.open();
  return { log, close: () => log.close() };
}

type Writing = { readonly log: TreeLog; readonly close: () => Promise<void>; readonly intents: IntentWriter };
type Described = { readonly origin: string; readonly verifierKey: string; readonly recovery: Recovery };

class ProcessLog implements AuditLog {
  readonly #options: ProcessLogOptions;
  #table: IntentQueue | undefined;
  #queue: QueuedLog | undefined;
  #writing: Writing | undefined;
  #taking: Promise<void> | undefined;
  #described: Described | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: ProcessLogOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { env, openQueue } = this.#options;
    try {
      await this.#write(await this.#options.open());
    } catch (error) {
      if (!(StoreError.isInstance(error) && error.code === 'TALOS_STORE_CONFLICT' && error.retryable)) throw error;
      this.#table = await openQueue();
      this.#queue = new QueuedLog({ table: this.#table, env, probe: () => this.#probe() });
      try {
        this.#described = await within(describeMs, this.#queue.request<Described>('describe', []));
      } catch {
        await this.#table.close();
        // Not a home's process: it has the log open by itself, and serves nobody.
        throw error;
      }
    }
  }

  get origin(): string {
    return this.#writing?.log.origin ?? (this.#described as Described).origin;
  }

  get verifierKey(): string {
    return this.#writing?.log.verifierKey ?? (this.#described as Described).verifierKey;
  }

  get recovery(): Recovery {
    return this.#writing?.log.recovery ?? (this.#described as Described).recovery;
  }

  get size(): number {
    return this.#writing?.log.size ?? (this.#queue as QueuedLog).size;
  }

  get lost(): number {
    return this.#writing?.log.lost ?? 0;
  }

  get witnesses(): readonly WitnessState[] {
    return this.#writing?.log.witnesses ?? [];
  }

  append(entry: EntryInput): Promise<AppendedEntry> {
    if (this.#closing !== undefined) return Promise.reject(closed());
    return this.#writing === undefined ? (this.#queue as QueuedLog).append(entry) : this.#writing.log.append(entry);
  }

  checkpoint(): Promise<string> {
    return this.#ask('checkpoint', []);
  }

  proveInclusion(...args: Parameters<AuditLog['proveInclusion']>): Promise<EntryProof> {
    return this.#ask('proveInclusion', args);
  }

  proveConsistency(...args: Parameters<AuditLog['proveConsistency']>): Promise<ConsistencyProof> {
    return this.#ask('proveConsistency', args);
  }

  proveRange(...args: Parameters<AuditLog['proveRange']>): Promise<RangeProof> {
    return this.#ask('proveRange', args);
  }

  cosigned(from: number): Promise<string | undefined> {
    return this.#ask('cosigned', [from]);
  }

  entry(index: number): Promise<StoredEntry> {
    return this.#ask('entry', [index]);
  }

  find(kind: LookupKind, key: string): Promise<number | undefined> {
    return this.#ask('find', [kind, key]);
  }

  openings(index: number): Promise<readonly Opening[]> {
    return this.#ask('openings', [index]);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  #ask<T>(op: 'checkpoint' | (typeof intentReads)[number], args: readonly unknown[]): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(closed());
    if (this.#writing === undefined) return (this.#queue as QueuedLog).request<T>(op, args);
    const { log } = this.#writing;
    return (log[op] as unknown as (...given: unknown[]) => Promise<T>).apply(log, [...args]);
  }

  async #close(): Promise<void> {
    try {
      await this.#queue?.stop();
      await this.#taking;
      await this.#writing?.intents.stop();
    } finally {
      await this.#writing?.close();
      await this.#table?.close();
    }
  }

  async #write(opened: { readonly log: TreeLog; readonly close: () => Promise<void> }): Promise<void> {
    const { env, openQueue, onError = ignore } = this.#options;
    try {
      this.#table ??= await openQueue();
      const intents = new IntentWriter({ table: this.#table, log: opened.log, env, onError });
      await intents.start();
      this.#writing = { ...opened, intents };
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  /** Cheap while the writer lives: a lock that is tried and let go. */
  async #probe(): Promise<void> {
    try {
      if (this.#writing !== undefined || !(await this.#options.isFree())) return;
    } catch (error) {
      // Asked again while something waits, and what waits has its own patience.
      (this.#options.onError ?? ignore)(error);
      return;
    }
    await (this.#taking ??= this.#take().finally(() => {
      this.#taking = undefined;
    }));
  }

  /** Another one may have been first: then that one answers. Any other failure is met again by whoever tries next. */
  async #take(): Promise<void> {
    try {
      await this.#write(await this.#options.open());
    } catch (error) {
      (this.#options.onError ?? ignore)(error);
    }
  }
}

async function within<T>(delayMs: number, asked: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'the writer of this log serves no queue' })), delayMs);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

function ignore(): void {}

function closed(): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_CLOSED', message: 'this audit log was closed: open it again' });
}
