import { expect, it } from 'vitest';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { openAuditWriter } from '../../src/audit/audit-writer.ts';
import { verifyEntryProof } from '../../src/audit/entry-proof.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { systemEnv } from '../../src/env/env.ts';
import { generateSigner } from '../../src/identity/signer.ts';

const env = systemEnv;

it('[AUDIT-WRITER] what it wrote, the whole log continues, signs and proves', async () => {
  const store = memoryAuditStore();
  const first = await openAuditWriter({ store, env });
  const { index } = await first.append({ type: 'config', note: 'first' });
  await first.close();
  await expect(first.append({ type: 'config' })).rejects.toMatchObject({ code: 'TALOS_USAGE_CLOSED' });
  const second = await openAuditWriter({ store, env });
  await second.append({ type: 'config', note: 'second' });
  await Promise.all([second.close(), second.close()]);

  const log = await openAuditLog({ store, signer: generateSigner(env), origin: 'writer.example/log', env });
  expect(log.size).toBe(second.size + 1);
  expect(verifyEntryProof(await log.proveInclusion(index), log.verifierKey).entry).toMatchObject({ note: 'first' });
});

it('[AUDIT-WRITER] does not continue a tree that is not the one of the head', async () => {
  const store = memoryAuditStore();
  const writer = await openAuditWriter({ store, env });
  await writer.append({ type: 'config' });
  await writer.close();
  const loadNodes = store.loadNodes.bind(store);
  store.loadNodes = async (nodes) => (await loadNodes(nodes)).map((hash) => hash.map((byte) => byte ^ 1));
  await expect(openAuditWriter({ store, env })).rejects.toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
});
