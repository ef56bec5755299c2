/** How often something may happen for each name, in windows of a minute. @module */
import type { Env } from '@talosprotocol/core';

const windowMs = 60_000;

export class RateLimit {
  readonly #limit: number;
  readonly #env: Env;
  readonly #used = new Map<string, number>();
  #begun = Number.NEGATIVE_INFINITY;

  constructor(limit: number, env: Env) {
    this.#limit = limit;
    this.#env = env;
  }

  /** Names are made of those of configured logs: there are not many. */
  take(name: string): boolean {
    const now = this.#env.monotonic();
    if (now - this.#begun >= windowMs) {
      this.#begun = now;
      this.#used.clear();
    }
    const used = this.#used.get(name) ?? 0;
    if (used >= this.#limit) return false;
    this.#used.set(name, used + 1);
    return true;
  }
}
