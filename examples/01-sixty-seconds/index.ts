/**
 * Identity, a capability, a guarded call, a sealed message and a proof, without any framework. Runs offline, checks its own result,
 * and exits with 1 if anything differs.
 * @module
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { subpath, TalosClient } from '@talosprotocol/core';
import { nodeHome } from '@talosprotocol/core/node';

const dir = await mkdtemp(path.join(tmpdir(), 'talos-example-'));
const readFile = ({ path: file }: { readonly path?: unknown }) => `contents of ${String(file)}`;

// #region capability
const agent = await TalosClient.create('agent', { stores: nodeHome({ dir }) });
const capability = await agent.grant({ to: agent.did, for: '15m', tools: { read_file: { path: subpath('docs') } } });

const guard = agent.guard({ capability });
const allowed = await guard.run({ tool: 'read_file', input: { path: 'docs/architecture.md' } }, readFile);
const refused = await guard.run({ tool: 'read_file', input: { path: 'docs/../../etc/passwd' } }, readFile);
// #endregion capability

assert.equal(allowed.status === 'ok' && allowed.value, 'contents of docs/architecture.md');
assert.equal(refused.status === 'denied' && refused.refusal.code, 'ARG_VIOLATES');
console.log(`allowed  ${allowed.status === 'ok' && allowed.value}`);
console.log(`refused  ${refused.status === 'denied' && refused.refusal.message}`);
await agent.close();

const peer = await TalosClient.create('peer');
const [peerDid, peerBundle] = [peer.did, await peer.bundle()];
const arrived = new Promise((resolve) => peer.on('message', ({ content }) => resolve(content)));
const types: string[] = [];

// #region session
const client = await TalosClient.create('my-agent', { stores: nodeHome({ dir }) });
try {
  await client.establishSession(peerDid, peerBundle); // authenticated, forward secret
  const sent = await client.send(peerDid, 'Execute task X'); // encrypted, logged
  const proof = await client.getMerkleProof(sent.messageHash);
  const { entry } = client.verifyProof(proof); // the verified entry, or throws
  types.push(entry.type);
} finally {
  await client.close();
}
// #endregion session

assert.equal(await arrived, 'Execute task X');
assert.deepEqual(types, ['message.out']);
console.log(`sealed   "Execute task X", arrived, recorded and proved`);

await peer.close();
await rm(dir, { recursive: true, force: true });
