/** A clock that stands where a test put it. @module */
import { systemEnv, type Env } from '../../src/env/env.ts';

export function fixedEnv(begin: number): Env & { readonly at: (now: number) => void } {
  let now = begin;
  return {
    ...systemEnv,
    now: () => now,
    at(to) {
      now = to;
    },
  };
}
