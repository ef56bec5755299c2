/**
 * Signs while a log is being written: after a thousand entries or a second, whichever is first (docs/spec/03 §5). What a crash leaves
 * unsigned, and what the next start has to hash again, is that little. @module
 */
import type { Env } from '../env/env.ts';

export type CheckpointInterval = { readonly entries: number; readonly ms: number };

/** audit.md's figures: a checkpoint costs a signature and two small commits. */
export const defaultInterval: CheckpointInterval = { entries: 1000, ms: 1000 };

export type CheckpointClockOptions = {
  readonly interval: CheckpointInterval;
  readonly env: Env;
  /** Durable entries, and those that the last checkpoint covers. */
  readonly sizes: () => { readonly durable: number; readonly signed: number };
  readonly sign: () => Promise<unknown>;
  /** A signer or store that failed: the next entry or second tries again. */
  readonly onError: (error: unknown) => void;
};

export class CheckpointClock {
  readonly #options: CheckpointClockOptions;
  #cancel: (() => void) | undefined;
  #signing: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: CheckpointClockOptions) {
    this.#options = options;
  }

  /** After entries have become durable. Waits for nothing. */
  readonly tick = (): void => {
    if (this.#isStopped || this.#signing !== undefined) return;
    const { interval, env, sizes } = this.#options;
    const { durable, signed } = sizes();
    if (durable - signed >= interval.entries) this.#sign();
    else if (durable > signed) this.#cancel ??= env.after(interval.ms, () => this.#sign());
  };

  /** No checkpoint begins after this, and one that had begun is done when it resolves. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#signing;
  }

  #sign(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#isStopped || this.#signing !== undefined) return;
    const { sign, onError, env, interval } = this.#options;
    this.#signing = sign().then(
      () => {
        this.#signing = undefined;
        this.tick();
      },
      (error: unknown) => {
        this.#signing = undefined;
        onError(error);
        if (!this.#isStopped) this.#cancel ??= env.after(interval.ms, () => this.#sign());
      },
    );
  }
}
