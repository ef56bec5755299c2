import { describe, expect, it } from 'vitest';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { auditStoreSuite } from '../../src/testing/audit-store-suite.ts';

describe('memory audit store', () => {
  for (const { name, run } of auditStoreSuite({ create: async () => ({ store: memoryAuditStore() }) }))
    it(`[AUDIT-STORE-CONTRACT] ${name}`, () => expect(run()).resolves.toBeUndefined());
});
