import { describe, expect, it } from 'vitest';
import { memoryLimitStore } from '../../src/capability/memory-limit-store.ts';
import type { Charge } from '../../src/capability/limit-store.ts';
import { limitStoreSuite } from '../../src/testing/limit-store-suite.ts';
import { start } from './support.ts';

describe('limit store in memory', () => {
  const source = { create: async (sinceMs: number) => ({ store: memoryLimitStore({ now: () => sinceMs }) }) };
  for (const { name, run } of limitStoreSuite(source)) it(`[STATE-LIMIT-STORE] ${name}`, () => expect(run()).resolves.toBeUndefined());

  it('[STATE-BOUNDED] refuses new counters above its bound, and takes them again when old ones have ended', async () => {
    const store = memoryLimitStore({ now: () => start }, { maxCounters: 3 });
    const charge = (key: string): Charge => ({ key, rule: { kind: 'total', max: 9 }, amount: 1, from: start, until: start + 1000 });
    for (const key of ['a', 'b', 'c', 'a']) expect(await store.reserve([charge(key)], start)).toBeUndefined();
    expect(await store.reserve([charge('d')], start)).toEqual({ charge: 0, reason: 'lost' });
    expect(await store.reserve([{ ...charge('d'), until: start + 100_000 }], start + 40_000)).toBeUndefined();
  });
});
