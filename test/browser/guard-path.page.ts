/** The page of guard-path.deep.test.ts: a whole guarded run in a browser, its outcome left where the test reads it. @module */
import { openAuditLog, verifyCheckpoint, verifyInclusion } from '@talosprotocol/core/audit';
import { issueCapability, subpath, toolGrants } from '@talosprotocol/core/capability';
import { admit, createGuard, didKeys, formatAgentId, generateSigner, inProcessAudience, memoryAuditStore, openAuditWriter, systemEnv } from './guard-path.ts';

async function guardedRun(): Promise<object> {
  const env = systemEnv;
  const [owner, agent] = [generateSigner(env), generateSigner(env)];
  const [ownerDid, agentDid] = [formatAgentId(owner.publicKey), formatAgentId(agent.publicKey)];
  const store = memoryAuditStore();
  const writer = await openAuditWriter({ store, env });
  const grants = toolGrants({ read: { path: subpath('/docs') } });
  const token = await issueCapability({ holder: agent.publicKey, grants }, { signer: owner, issuer: ownerDid, env });
  const context = { trust: { issuers: [ownerDid] }, audience: inProcessAudience(agentDid), holder: agent.publicKey, env, keys: didKeys() };
  const guard = createGuard({ agent: agentDid, admit: () => admit(token, context), capabilityHash: 'browser', log: writer });

  let ran = 0;
  const call = (path: string) => guard.run({ tool: 'read', input: { path } }, () => (ran += 1));
  const allowed = await call('/docs/a.md');
  const denied = await call('/docs/../etc/passwd');
  await writer.close();

  // What was recorded by the half without a key is signed and proved by the whole log.
  const log = await openAuditLog({ store, signer: generateSigner(env), origin: 'browser.example/talos', env });
  const { checkpoint, leafHash, index, proof } = await log.proveInclusion((await log.find('id', allowed.entryId ?? '')) ?? -1);
  const { size, root } = verifyCheckpoint(checkpoint ?? '', log.verifierKey);
  verifyInclusion({ leafHash, index, size, root, proof });
  return { allowed: allowed.status, denied: denied.status === 'denied' ? denied.denial.code : denied.status, ran, proved: true, entries: writer.size };
}

const page = globalThis as unknown as { outcome: Promise<object> };
page.outcome = guardedRun();
