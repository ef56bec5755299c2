/** A clock that stands where a test put it. @module */
import { systemEnv, type Env } from '../../src/env/env.ts';

export class FixedEnv implements Env {
  readonly monotonic = systemEnv.monotonic;
  readonly randomBytes = systemEnv.randomBytes;
  readonly after = systemEnv.after;
  #now: number;

  constructor(now: number) {
    this.#now = now;
  }

  at(now: number): void {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }
}
