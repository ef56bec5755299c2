import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sqliteApprovalStore } from '../../src/node/sqlite-approval-store.ts';
import { sqliteRevocationStore } from '../../src/node/sqlite-revocation-store.ts';
import { SqliteState } from '../../src/node/sqlite-state.ts';
import { approvalStoreSuite } from '../../src/testing/approval-store-suite.ts';
import { revocationStoreSuite } from '../../src/testing/revocation-store-suite.ts';

const folder = mkdtempSync(join(tmpdir(), 'talos-stores-'));
let files = 0;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function source<T>(open: (state: SqliteState) => T) {
  return {
    create: async () => {
      const path = join(folder, `${files++}.db`);
      let state = new SqliteState({ path, env: { now: () => 0 } });
      const reopen = async (): Promise<T> => {
        state.close();
        state = new SqliteState({ path, env: { now: () => 0 } });
        return open(state);
      };
      return { store: open(state), reopen, close: async () => state.close() };
    },
  };
}

describe('SQLite approval store', () => {
  for (const { name, run } of approvalStoreSuite(source(sqliteApprovalStore)))
    it(`[STATE-APPROVAL-STORE] ${name}`, () => expect(run()).resolves.toBeUndefined());
});

describe('SQLite revocation store', () => {
  for (const { name, run } of revocationStoreSuite(source(sqliteRevocationStore)))
    it(`[STATE-REVOCATION-STORE] ${name}`, () => expect(run()).resolves.toBeUndefined());
});
