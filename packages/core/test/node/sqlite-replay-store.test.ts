import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sqliteReplayStore } from '../../src/node/sqlite-replay-store.ts';
import { SqliteState } from '../../src/node/sqlite-state.ts';
import { replayStoreSuite } from '../../src/testing/replay-store-suite.ts';

const folder = mkdtempSync(join(tmpdir(), 'talos-replay-'));
let files = 0;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('SQLite replay store', () => {
  const source = {
    create: async (sinceMs: number) => {
      const path = join(folder, `${files++}.db`);
      let state = new SqliteState({ path, env: { now: () => sinceMs } });
      const reopen = async () => {
        state.close();
        state = new SqliteState({ path, env: { now: () => sinceMs + 60_000 } });
        return sqliteReplayStore(state);
      };
      return { store: sqliteReplayStore(state), reopen, close: async () => state.close() };
    },
  };
  for (const { name, run } of replayStoreSuite(source)) it(`[STATE-REPLAY-STORE] ${name}`, () => expect(run()).resolves.toBeUndefined());
});
