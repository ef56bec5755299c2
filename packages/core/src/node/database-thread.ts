/** A database in a worker thread, seen from the main one: a sync to disk never holds up the event loop. @module */
import { Worker } from 'node:worker_threads';
import type { ErrorCode, StoreErrorCode } from '../errors/codes.ts';
import { StoreError } from '../errors/store-error.ts';
import { UsageError } from '../errors/usage-error.ts';

/** Errors do not keep their class across a thread: the parts travel. `sqliteCode` is SQLite's extended result code. */
export type SentError = { readonly code: ErrorCode; readonly message: string; readonly retryable: boolean; readonly sqliteCode: number | undefined };

/** Number 0 answers the opening itself. */
export type ThreadReply = { readonly number: number; readonly value: unknown } | { readonly number: number; readonly error: SentError };

export type ThreadOptions = {
  readonly url: URL;
  readonly workerData: unknown;
  readonly name: string;
  /** What messages call it: `the audit log`. */
  readonly title: string;
};

/** What was asked in one turn, in order: one message, since waking a thread costs more than most of what it is asked. */
export type ThreadMessage<Request> = readonly { readonly number: number; readonly request: Request }[];

/** How long what nobody waits for may wait for company. */
const laterMs = 5;

/** Rows on their way are all that such a thread makes, and they die young: left to itself, V8 lets 48 MB of them pile up in each. */
const maxYoungGenerationSizeMb = 4;

type Asker = { readonly resolve: (value: never) => void; readonly reject: (error: unknown) => void };

/** Requests to the thread and their answers, in order. Keeps the process alive only while an answer is due. */
export class DatabaseThread<Request extends { readonly op: string }> {
  readonly opened: Promise<void>;
  readonly #worker: Worker;
  readonly #title: string;
  readonly #askers = new Map<number, Asker>();
  #outgoing: { readonly number: number; readonly request: Request | { readonly op: 'close' } }[] = [];
  #transfer: ArrayBuffer[] = [];
  #isDue = false;
  #later: NodeJS.Timeout | undefined;
  #next = 0;
  #failure: unknown;
  #closing: Promise<void> | undefined;

  constructor({ url, workerData, name, title }: ThreadOptions) {
    this.#title = title;
    // Node 22 warns that node:sqlite is experimental: the version is checked before it is used. Only this thread is silenced.
    const execArgv = ['--disable-warning=ExperimentalWarning'];
    this.#worker = new Worker(url, { workerData, execArgv, name, resourceLimits: { maxYoungGenerationSizeMb } });
    this.#worker.on('message', (replies: readonly ThreadReply[]) => {
      for (const reply of replies) this.#settle(reply);
    });
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(undefined));
    this.opened = this.#expect();
  }

  ask<T>(request: Request, transfer: readonly ArrayBuffer[] = []): Promise<T> {
    const answer = this.#queue<T>(request, transfer);
    this.#sendSoon();
    return answer;
  }

  /** As `ask`, for what nobody waits for: it goes before the next request, or after a few milliseconds. */
  askLater<T>(request: Request): Promise<T> {
    const answer = this.#queue<T>(request, []);
    if (!this.#isDue) this.#later ??= setTimeout(() => this.#send(), laterMs);
    return answer;
  }

  close(): Promise<void> {
    this.#closing ??= this.#failure === undefined ? this.#end() : Promise.resolve();
    return this.#closing;
  }

  /** Closed means that the files are let go: that is when the thread has ended. */
  async #end(): Promise<void> {
    const closed = this.#queue<void>({ op: 'close' }, []);
    this.#sendSoon();
    await closed;
    await this.#worker.terminate();
  }

  #queue<T>(request: Request | { readonly op: 'close' }, transfer: readonly ArrayBuffer[]): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(new UsageError({ code: 'TALOS_USAGE_CLOSED', message: `${this.#title} was closed: open it again` }));
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#outgoing.push({ number: this.#next, request });
    this.#transfer.push(...transfer);
    return this.#expect<T>();
  }

  /** When the tasks that are ready have asked what they ask; not a turn later, which costs a batch more than its write. */
  #sendSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => this.#send());
  }

  #send(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    this.#isDue = false;
    const [requests, transfer] = [this.#outgoing, this.#transfer];
    this.#outgoing = [];
    this.#transfer = [];
    // A thread that is gone has failed whoever asked it.
    if (requests.length > 0 && this.#failure === undefined) this.#worker.postMessage(requests satisfies ThreadMessage<unknown>, transfer);
  }

  #expect<T>(): Promise<T> {
    if (this.#askers.size === 0) this.#worker.ref();
    return new Promise<T>((resolve, reject) => this.#askers.set(this.#next++, { resolve, reject }));
  }

  #settle(reply: ThreadReply): void {
    const asker = this.#askers.get(reply.number);
    this.#askers.delete(reply.number);
    if (this.#askers.size === 0) this.#worker.unref();
    if ('error' in reply) asker?.reject(received(reply.error));
    else asker?.resolve(reply.value as never);
  }

  /** The thread is gone: whether the last write was kept is unknown, so it counts as not kept. */
  #fail(cause: unknown): void {
    this.#failure ??= threadFailure(this.#title, cause);
    for (const { reject } of this.#askers.values()) reject(this.#failure);
    this.#askers.clear();
  }
}

function threadFailure(title: string, cause: unknown): StoreError {
  // Node below 22.13 has no node:sqlite; the worker then fails to load.
  const missing = (cause as { readonly code?: string } | undefined)?.code === 'ERR_UNKNOWN_BUILTIN_MODULE';
  return missing
    ? new StoreError({ code: 'TALOS_STORE_UNSUPPORTED', message: 'this Node has no node:sqlite: use Node 22.23, 24.21, 26.10 or newer within its line', cause })
    : new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: `the thread of ${title} ended: open it again`, cause });
}

function received({ code, message, retryable, sqliteCode }: SentError): StoreError {
  return new StoreError({ code: code as StoreErrorCode, message, retryable, cause: sqliteCode === undefined ? undefined : { sqliteCode } });
}
