import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { expect, it } from 'vitest';
import { any } from '../../src/capability/constraints/any.ts';
import { assembleHome, type Home } from '../../src/client/home.ts';
import { TalosClient } from '../../src/client/talos-client.ts';
import { memoryKeyStore } from '../../src/identity/memory-key-store.ts';
import { openSqliteAuditStore } from '../../src/node/sqlite-audit-store.ts';

it('[CLIENT-FULL-DISK] no tool runs on a full disk, and what was recorded is still there', async () => {
  const dir = await mkdtemp(path.join(tmpdir(), 'talos-full-'));
  const keys = memoryKeyStore();
  const homeOf = (maxBytes?: number): Home => {
    const openStore = async () => {
      const store = await openSqliteAuditStore({ path: path.join(dir, 'audit.db'), ...(maxBytes === undefined ? {} : { maxBytes }) });
      return { store, close: () => store.close() };
    };
    return assembleHome({ keys, openStore });
  };
  const client = await TalosClient.create('agent', { stores: homeOf(256 * 1024) });
  const guard = client.guard({ capability: await client.grant({ to: client.did, tools: { write: { text: any() } } }) });
  let [ran, refused] = [0, 0];
  let logged = 0;
  for (let i = 0; i < 400 && refused < 3; i++) {
    const result = await guard.run({ tool: 'write', input: { text: 'x'.repeat(8000) } }, () => (ran += 1));
    if (result.status === 'denied') {
      expect(result.denial.code).toBe('LOG_UNAVAILABLE');
      refused += 1;
    } else if (result.status === 'ok' && result.unlogged !== true) logged += 1;
  }
  expect(refused).toBe(3);
  expect(ran).toBeGreaterThan(0);
  await client.close().catch(() => undefined);

  const again = await TalosClient.create('agent', { stores: homeOf() });
  let results = 0;
  for (let index = 0; index < again.log.size; index++) results += (await again.log.entry(index)).entry.type === 'tool.result' ? 1 : 0;
  expect(results).toBeGreaterThanOrEqual(logged);
  expect(
    (
      await again
        .guard({ capability: await again.grant({ to: again.did, tools: { write: { text: any() } } }) })
        .run({ tool: 'write', input: { text: 'x' } }, () => 'ran')
    ).status,
  ).toBe('ok');
  await again.close();
  await rm(dir, { recursive: true, force: true });
});
