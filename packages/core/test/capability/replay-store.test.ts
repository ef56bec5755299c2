import { describe, expect, it } from 'vitest';
import { memoryReplayStore } from '../../src/capability/replay-store.ts';
import { replayStoreSuite } from '../../src/testing/replay-store-suite.ts';

describe('replay store in memory', () => {
  const source = { create: async (sinceMs: number) => ({ store: memoryReplayStore({ now: () => sinceMs }) }) };
  for (const { name, run } of replayStoreSuite(source)) it(`[STATE-REPLAY-STORE] ${name}`, () => expect(run()).resolves.toBeUndefined());
});
