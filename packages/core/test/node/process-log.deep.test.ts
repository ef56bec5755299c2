import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { systemEnv } from '../../src/env/env.ts';
import { nodeHome } from '../../src/node/node-home.ts';
import { openSqliteAuditStore } from '../../src/node/sqlite-audit-store.ts';
import { caught } from '../audit/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'talos-queue-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// Deep, since it waits ten seconds for a writer that does not answer.
it('[AUDIT-QUEUE] a log that is open without its home’s queue is refused as before', { timeout: 240_000 }, async () => {
  const place = { dir: join(folder, 'home'), stateDir: join(folder, 'state') };
  const shared = nodeHome(place).log(systemEnv);
  await shared.acquire();
  await shared.release();
  const store = await openSqliteAuditStore({ path: join(place.dir, 'audit.db') });
  expect(await caught(() => nodeHome(place).log(systemEnv).acquire())).toMatchObject({ code: 'TALOS_STORE_CONFLICT', retryable: true });
  await store.close();
  await nodeHome(place).log(systemEnv).acquire();
  await nodeHome(place).log(systemEnv).release();
});
