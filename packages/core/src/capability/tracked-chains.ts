import type { Env } from '../env/env.ts';
import { indexKeys } from './revocation-keys.ts';
import type { Standing, StandingLink } from './standing.ts';

/** A chain in use. `signers`: DID of the root, then the thumbprint of each link's holder. `until`: milliseconds since 1970. */
export type TrackedChain = {
  readonly standing: Standing;
  readonly links: readonly StandingLink[];
  readonly signers: readonly string[];
  readonly until: number;
};

/** Chains in use above which ended ones are looked for; then when they have doubled. */
const firstSweep = 1024;

/** The chains in use, found by whatever can end them. */
export class TrackedChains {
  readonly #env: Pick<Env, 'now'>;
  readonly #index = new Map<string, Set<TrackedChain>>();
  readonly #all = new Set<TrackedChain>();
  #sweepAt = firstSweep;

  constructor(env: Pick<Env, 'now'>) {
    this.#env = env;
  }

  add(chain: TrackedChain): void {
    if (this.#all.size >= this.#sweepAt) this.#sweep();
    this.#all.add(chain);
    for (const key of indexKeys(chain.links, chain.signers)) {
      const found = this.#index.get(key);
      if (found === undefined) this.#index.set(key, new Set([chain]));
      else found.add(chain);
    }
  }

  named(key: string): Iterable<TrackedChain> {
    return this.#index.get(key) ?? [];
  }

  isNamed(key: string): boolean {
    return this.#index.has(key);
  }

  /** Forgets chains that have expired, and ends them: a clock that goes back must not find them unwatched. */
  #sweep(): void {
    const now = this.#env.now();
    for (const chain of this.#all) {
      if (!(chain.until <= now)) continue;
      chain.standing.retire();
      this.#all.delete(chain);
      for (const key of indexKeys(chain.links, chain.signers)) {
        const found = this.#index.get(key);
        found?.delete(chain);
        if (found?.size === 0) this.#index.delete(key);
      }
    }
    this.#sweepAt = Math.max(firstSweep, this.#all.size * 2);
  }
}
