import { describe, expect, it } from 'vitest';
import { memoryCallStore } from '../../src/remote/memory-call-store.ts';
import { callStoreSuite } from '../../src/testing/call-store-suite.ts';

describe('call store in memory', () => {
  const source = { create: async (sinceMs: number) => ({ store: memoryCallStore({ now: () => sinceMs }) }) };
  for (const { name, run } of callStoreSuite(source)) it(`[REMOTE-CALL-STORE] ${name}`, () => expect(run()).resolves.toBeUndefined());
});
