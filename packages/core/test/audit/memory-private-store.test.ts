import { describe, expect, it } from 'vitest';
import { memoryPrivateStore } from '../../src/audit/memory-private-store.ts';
import { privateStoreSuite } from '../../src/testing/private-store-suite.ts';

describe('memory private store', () => {
  for (const { name, run } of privateStoreSuite({ create: async () => ({ store: memoryPrivateStore() }) }))
    it(`[PRIVACY-STORE-CONTRACT] ${name}`, () => expect(run()).resolves.toBeUndefined());
});
