import { describe, expect, it } from 'vitest';
import { memorySessionStore } from '../../src/session/memory-session-store.ts';
import { sessionStoreSuite } from '../../src/testing/session-store-suite.ts';

describe('memory session store', () => {
  for (const { name, run } of sessionStoreSuite({ create: async () => ({ store: memorySessionStore() }) })) {
    it(`[STO-SUITE] ${name}`, async () => {
      await expect(run()).resolves.toBeUndefined();
    });
  }
});
