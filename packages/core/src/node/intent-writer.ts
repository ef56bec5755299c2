/** The side of the queue that has the log: takes intents in their order, does them, answers. @module */
import type { AuditLog, TreeLog } from '../audit/audit-log.ts';
import type { RecordedEntry } from '../audit/recorder.ts';
import type { AppendedEntry } from '../audit/append-queue.ts';
import { equalBytes } from '../bytes/equal.ts';
import type { Env } from '../env/env.ts';
import { StoreError } from '../errors/store-error.ts';
import { TalosError } from '../errors/talos-error.ts';
import type { Intent, IntentAnswer, IntentQueue, PendingIntent } from './intent-queue.ts';

/** After a queue that failed. */
const retryMs = 1000;
/** Intents at once. Their entries share a commit. */
const maxBatch = 256;
/** Sought at once for an entry that a killed writer may have written. */
const rowsPerRead = 500;

export const intentReads = [
  'proveInclusion',
  'proveConsistency',
  'proveRange',
  'cosigned',
  'entry',
  'find',
  'openings',
] as const satisfies readonly (keyof AuditLog)[];
type IntentRead = (typeof intentReads)[number];
type NumberedAnswer = { readonly n: number; readonly op: string; readonly answer: IntentAnswer };

export type IntentWriterOptions = { readonly table: IntentQueue; readonly log: TreeLog; readonly env: Env; readonly onError: (error: unknown) => void };

export class IntentWriter {
  readonly #options: IntentWriterOptions;
  #last = 0;
  /** What was there when this writer began: the one before may have written it, and died before it could say so. */
  #isDoubtful = true;
  #running: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(options: IntentWriterOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { table, env } = this.#options;
    await table.sweep(env.now());
    this.#wait(0);
  }

  /** Takes no more; resolves when what was taken is answered. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#running;
  }

  #wait(delayMs: number): void {
    if (this.#isStopped) return;
    this.#cancel = this.#options.env.after(delayMs, () => {
      this.#running = this.#drain().then(
        (count) => this.#wait(count > 0 ? 0 : 2 * this.#options.table.pollMs),
        (error: unknown) => {
          // Some of them may be in the log, and were not answered.
          this.#isDoubtful = true;
          this.#options.onError(error);
          this.#wait(retryMs);
        },
      );
    });
  }

  async #drain(): Promise<number> {
    const { table } = this.#options;
    const pending = await table.pending(this.#last, maxBatch);
    const last = pending.at(-1);
    if (last !== undefined) {
      await this.#hand(await this.#answers(pending));
      this.#last = last.n;
    }
    if (pending.length < maxBatch) this.#isDoubtful = false;
    return pending.length;
  }

  /** One answer that the queue cannot hold, as a proof of a gigabyte, must not keep all others from theirs: it would be tried for ever. */
  async #hand(answers: readonly NumberedAnswer[]): Promise<void> {
    const { table } = this.#options;
    try {
      await table.answer(answers);
    } catch {
      for (const each of answers) await this.#handOne(each);
    }
  }

  async #handOne({ n, op, answer }: NumberedAnswer): Promise<void> {
    const { table } = this.#options;
    try {
      await table.answer([{ n, answer }]);
    } catch (failure) {
      // Small, and true: whoever asks again is told that it is written.
      if (op === 'append') throw failure;
      const error = { code: 'TALOS_STORE_READ_FAILED', message: 'the queue of the audit log cannot hold the answer: ask for less', retryable: false } as const;
      // A queue that takes not even this has failed, and is met again later.
      await table.answer([{ n, answer: { size: answer.size, error } }]);
    }
  }

  /** Appends stay in order: each has its index when the next is begun. */
  async #answers(pending: readonly PendingIntent[]): Promise<NumberedAnswer[]> {
    if (!this.#isDoubtful) return Promise.all(pending.map((each) => this.#answer(each)));
    const answers: NumberedAnswer[] = [];
    for (const each of pending) answers.push(await this.#answer(each));
    return answers;
  }

  async #answer({ n, intent }: PendingIntent): Promise<NumberedAnswer> {
    const { log } = this.#options;
    const { op } = intent;
    try {
      const value = await this.#do(intent);
      return { n, op, answer: { size: log.size, value } };
    } catch (error) {
      const { code, message, retryable } = TalosError.isInstance(error)
        ? error
        : new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: 'the audit log failed' });
      return { n, op, answer: { size: log.size, error: { code, message, retryable } } };
    }
  }

  #do({ op, args }: Intent): Promise<unknown> {
    const { log } = this.#options;
    if (op === 'append') return this.#append(args[0] as RecordedEntry);
    if (op === 'checkpoint') return log.checkpoint();
    if (op === 'describe') return Promise.resolve({ origin: log.origin, verifierKey: log.verifierKey, recovery: log.recovery });
    if (!(intentReads as readonly string[]).includes(op)) throw new StoreError({ code: 'TALOS_STORE_CORRUPT', message: 'an intent is of an unknown kind' });
    return (log[op as IntentRead] as (...given: unknown[]) => Promise<unknown>).apply(log, [...args]);
  }

  async #append(recorded: RecordedEntry): Promise<AppendedEntry> {
    const { log } = this.#options;
    return (this.#isDoubtful ? await this.#written(recorded) : undefined) ?? log.appendRecorded(recorded);
  }

  /** The entry, if an earlier writer had written it. Its bytes hold its recorder's name and number: they are there once or not at all. */
  async #written({ id, bytes, leafHash, openings }: RecordedEntry): Promise<AppendedEntry | undefined> {
    const { log } = this.#options;
    const first = await log.find('id', id);
    for (let index = first ?? log.size; index < log.size; index += rowsPerRead) {
      const rows = await log.leafHashes(index, Math.min(index + rowsPerRead, log.size));
      const found = rows.findIndex((hash) => equalBytes(hash, leafHash));
      if (found === -1) continue;
      // Answered as appended, so it has to open like any other.
      await log.restoreOpenings(index + found, openings);
      return { index: index + found, id, bytes, leafHash };
    }
    return undefined;
  }
}
