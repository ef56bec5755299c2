/** How often something may happen for one key in a span of time: refused frames of a session, openings in a name, resets by a peer. @module */
import type { Env } from '../env/env.ts';

export type BudgetBounds = { readonly limit: number; readonly windowMs: number };

/** Keys that are counted at once. A stranger who names more makes the oldest forgotten, and no memory grow. */
const maxKeys = 1000;

type Count = { readonly since: number; spent: number };

export class Budget {
  readonly #bounds: BudgetBounds;
  readonly #env: Env;
  readonly #counts = new Map<string, Count>();

  constructor(bounds: BudgetBounds, env: Env) {
    this.#bounds = bounds;
    this.#env = env;
  }

  isSpent(key: string): boolean {
    const count = this.#present(key);
    return count !== undefined && count.spent >= this.#bounds.limit;
  }

  spend(key: string): void {
    const count = this.#present(key) ?? { since: this.#env.monotonic(), spent: 0 };
    count.spent++;
    this.#counts.set(key, count);
    if (this.#counts.size <= maxKeys) return;
    const [oldest] = this.#counts.keys();
    this.#counts.delete(oldest as string);
  }

  #present(key: string): Count | undefined {
    const count = this.#counts.get(key);
    if (count === undefined || this.#env.monotonic() - count.since < this.#bounds.windowMs) return count;
    this.#counts.delete(key);
    return undefined;
  }
}
