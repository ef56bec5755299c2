/**
 * The log of a home as a process sees it that does not write it: what it appends is complete, with a recorder of its own, before it is
 * queued, so that a missing intent is a gap that anybody finds. @module
 */
import { AuditError } from '../errors/audit-error.ts';
import { StoreError } from '../errors/store-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { AppendedEntry } from '../audit/append-queue.ts';
import { Recorder, type EntryInput } from '../audit/recorder.ts';
import { encodeBase64url } from '../bytes/base64url.ts';
import type { Env } from '../env/env.ts';
import type { AuditErrorCode, StoreErrorCode, UsageErrorCode } from '../errors/codes.ts';
import type { Intent, IntentAnswer, IntentQueue } from './intent-queue.ts';

/** Whether the writer is still there is asked this often, while something waits. */
const probeMs = 50;
/** A writer that answers nothing for so long hangs: what was asked of it is taken back. */
const patienceMs = 30_000;

type Waiting = { readonly resolve: (value: never) => void; readonly reject: (error: unknown) => void; readonly isAppend: boolean; readonly since: number };

export type QueuedLogOptions = {
  readonly table: IntentQueue;
  readonly env: Env;
  /** Called while something waits: takes the writer's place if it is free. Resolves when it tried. */
  readonly probe: () => Promise<void>;
};

export class QueuedLog {
  readonly #options: QueuedLogOptions;
  readonly #recorder: Recorder;
  readonly #process: string;
  readonly #waiting = new Map<number, Waiting>();
  #outgoing: { readonly intent: Intent; readonly waiting: Waiting }[] = [];
  /** One question to the queue at a time: an answer never comes before the number that it is for. */
  #turn: Promise<void> = Promise.resolve();
  #failure: unknown;
  #cancel: (() => void) | undefined;
  #probing: Promise<void> | undefined;
  #lastProbe = 0;
  #isStarted = false;
  size = 0;

  constructor(options: QueuedLogOptions) {
    this.#options = options;
    this.#recorder = new Recorder(options.env);
    this.#process = encodeBase64url(options.env.randomBytes(16));
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0 && this.#outgoing.length === 0;
  }

  /** Resolves when the entry is durable in the log. @throws as `AuditLog.append`. */
  async append(entry: EntryInput): Promise<AppendedEntry> {
    if (this.#failure !== undefined) throw stopped(this.#failure);
    if (!this.#isStarted) this.#begin();
    return this.#ask({ op: 'append', args: [this.#recorder.record(entry)] });
  }

  /** Anything else that the writer answers. */
  request<T>(op: string, args: readonly unknown[]): Promise<T> {
    return this.#ask({ op, args });
  }

  /** The recorder's last entry, if it wrote any. */
  async stop(): Promise<void> {
    if (this.#isStarted && this.#failure === undefined) await this.append({ type: 'gap', gap: 'stop' });
    this.#cancel?.();
    this.#cancel = undefined;
    await this.#turn;
    // One that is under way may take the writer's place: whoever stops has to know.
    await this.#probing;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    return (this.#turn = this.#turn.then(work));
  }

  #begin(): void {
    this.#isStarted = true;
    this.#ask({ op: 'append', args: [this.#recorder.record({ type: 'gap', gap: 'start' })] }).catch(() => undefined);
  }

  #ask<T>(intent: Intent): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waiting = { resolve, reject, isAppend: intent.op === 'append', since: this.#options.env.monotonic() };
      // All that is asked in this turn is one transaction.
      if (this.#outgoing.push({ intent, waiting }) === 1) queueMicrotask(() => void this.#inTurn(() => this.#send()));
    });
  }

  async #send(): Promise<void> {
    const sending = this.#outgoing;
    this.#outgoing = [];
    const { table, env } = this.#options;
    try {
      const numbers = await table.add(
        this.#process,
        Math.floor(env.now()),
        sending.map(({ intent }) => intent),
      );
      for (const [i, n] of numbers.entries()) this.#waiting.set(n, (sending[i] as (typeof sending)[number]).waiting);
      this.#poll();
    } catch (error) {
      for (const { waiting } of sending) waiting.reject(error);
      if (sending.some(({ waiting }) => waiting.isAppend)) this.#fail(error);
    }
  }

  #poll(): void {
    this.#cancel ??= this.#after(this.#options.table.pollMs);
  }

  /** Unlike other timers this one keeps the process alive: somebody waits for an answer. */
  #after(delayMs: number): () => void {
    const timer = setTimeout(() => {
      this.#cancel = undefined;
      void this.#inTurn(() => this.#look()).then(() => {
        if (this.#waiting.size > 0) this.#poll();
      });
    }, delayMs);
    return () => clearTimeout(timer);
  }

  async #look(): Promise<void> {
    const { table, env } = this.#options;
    try {
      const { answers, waiting } = await table.fetch(this.#process);
      for (const [n, answer] of answers) this.#settle(n, answer);
      for (const n of this.#waiting.keys()) if (!waiting.has(n)) this.#settle(n, { size: this.size, error: unknownOutcome });
      const oldest = this.#waiting.values().next().value;
      if (oldest !== undefined && env.monotonic() - oldest.since > patienceMs) await this.#giveUp();
      else this.#probe();
    } catch (error) {
      this.#fail(error);
    }
  }

  #probe(): void {
    const { env, probe } = this.#options;
    const now = env.monotonic();
    if (this.#probing !== undefined || this.#waiting.size === 0 || now - this.#lastProbe < probeMs) return;
    this.#lastProbe = now;
    this.#probing = probe().finally(() => {
      this.#probing = undefined;
    });
  }

  #settle(n: number, answer: IntentAnswer): void {
    const waiting = this.#waiting.get(n);
    this.#waiting.delete(n);
    this.size = Math.max(this.size, answer.size);
    if (waiting === undefined) return;
    if ('value' in answer) {
      waiting.resolve(answer.value as never);
      return;
    }
    const error = revive(answer.error);
    // A number of this recorder was used and is not in the log: a later one would be a gap.
    if (waiting.isAppend) this.#failure ??= error;
    waiting.reject(error);
  }

  async #giveUp(): Promise<void> {
    await this.#options.table.withdraw(this.#process);
    this.#fail(revive(unknownOutcome));
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

const unknownOutcome = {
  code: 'TALOS_STORE_WRITE_FAILED',
  message: 'the process that writes the audit log does not answer: whether this was written is not known',
  retryable: false,
} as const;

function revive({ code, message, retryable }: Extract<IntentAnswer, { error: unknown }>['error']): Error {
  if (code.startsWith('TALOS_AUDIT_')) return new AuditError({ code: code as AuditErrorCode, message, retryable });
  if (code.startsWith('TALOS_USAGE_')) return new UsageError({ code: code as UsageErrorCode, message });
  return new StoreError({ code: code as StoreErrorCode, message, retryable });
}

function stopped(cause: unknown): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_STOPPED', message: 'an earlier write failed: mend the store, then open the log again', cause });
}
