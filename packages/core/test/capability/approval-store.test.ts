import { describe, expect, it } from 'vitest';
import { memoryApprovalStore } from '../../src/capability/approval-store.ts';
import { memoryRevocationStore } from '../../src/capability/revocation-store.ts';
import { approvalStoreSuite } from '../../src/testing/approval-store-suite.ts';
import { revocationStoreSuite } from '../../src/testing/revocation-store-suite.ts';

describe('approval store in memory', () => {
  const source = { create: async () => ({ store: memoryApprovalStore() }) };
  for (const { name, run } of approvalStoreSuite(source)) it(`[STATE-APPROVAL-STORE] ${name}`, () => expect(run()).resolves.toBeUndefined());
});

describe('revocation store in memory', () => {
  const source = { create: async () => ({ store: memoryRevocationStore() }) };
  for (const { name, run } of revocationStoreSuite(source)) it(`[STATE-REVOCATION-STORE] ${name}`, () => expect(run()).resolves.toBeUndefined());
});
