/** The latest time at which anything was decided in a home: a clock that was set back must not bring an expired right back to life (docs/spec/02 §8). @module */
import { clockSkewSeconds } from '../capability/bounds.ts';
import type { Env } from '../env/env.ts';

/** Where the mark outlives the process. */
export interface ClockStore {
  /** Milliseconds since 1970; 0 if nothing was ever decided. */
  load(): Promise<number>;
  /** Raises the mark, never lowers it. Durable when it resolves. @returns The mark, which another process may have raised further. */
  advance(toMs: number): Promise<number>;
}

/** In memory: of no use after a restart, and then nothing that depends on it is left either. */
export function memoryClockStore(): ClockStore {
  let mark = 0;
  return { load: async () => mark, advance: async (toMs) => (mark = Math.max(mark, toMs)) };
}

/** How far the mark on disk may be behind: one write in so many milliseconds, whatever the number of calls. */
const stepMs = 10_000;

const skewMs = clockSkewSeconds * 1000;

export class HomeClock {
  readonly #store: ClockStore;
  #kept: number;
  #latest: number;
  #writing: Promise<void> | undefined;

  /** @throws {@link StoreError}. */
  static async open(store: ClockStore): Promise<HomeClock> {
    return new HomeClock(store, await store.load());
  }

  private constructor(store: ClockStore, kept: number) {
    this.#store = store;
    this.#kept = kept;
    this.#latest = kept;
  }

  /** The same clock, which gives no number (`CLOCK_UNSAFE`) while it is more than 30 s behind what this home has seen. */
  guarded(env: Env): Env {
    return {
      now: () => {
        const now = env.now();
        if (now > this.#latest) this.#latest = now;
        return now >= this.#latest - skewMs ? now : Number.NaN;
      },
      monotonic: () => env.monotonic(),
      randomBytes: (length) => env.randomBytes(length),
      after: (delayMs, run) => env.after(delayMs, run),
    };
  }

  /**
   * Before a decision: keeps what time it is, if the mark is ten seconds behind. Nothing to wait for otherwise.
   * @throws {@link StoreError}: then nobody knows after a restart what time it was.
   */
  advance(env: Pick<Env, 'now'>): Promise<void> | undefined {
    const now = env.now();
    if (!(now >= this.#kept + stepMs)) return undefined;
    return (this.#writing ??= this.#write(now).finally(() => (this.#writing = undefined)));
  }

  async #write(now: number): Promise<void> {
    this.#kept = await this.#store.advance(Math.floor(now));
    this.#latest = Math.max(this.#latest, this.#kept);
  }
}
