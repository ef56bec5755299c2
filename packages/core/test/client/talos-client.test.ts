import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { subpath } from '../../src/capability/constraints/subpath.ts';
import { any, anyArgs } from '../../src/capability/constraints/any.ts';
import { memoryHome } from '../../src/client/home.ts';
import { TalosClient } from '../../src/client/talos-client.ts';
import { systemEnv } from '../../src/env/env.ts';
import { parseProof, formatProof, type EntryProof } from '../../src/audit/entry-proof.ts';
import { nodeHome } from '../../src/node/node-home.ts';
import type { AgentId } from '../../src/identity/agent-id.ts';

const folders: string[] = [];
const newFolder = async (): Promise<string> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'talos-client-'));
  folders.push(folder);
  return folder;
};
afterEach(() => vi.unstubAllEnvs());
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

const docs = { read: { path: subpath('docs') } };

describe('the first example', () => {
  it('[CLIENT-SEED] runs as written', async () => {
    const peer = await TalosClient.create('peer');
    const [peerDid, peerBundle] = [peer.did, await peer.bundle()];
    const arrived = new Promise((resolve) => peer.on('message', (message) => resolve(message)));

    const client = await TalosClient.create('my-agent', { stores: nodeHome({ dir: await newFolder() }) });
    let messageHash = '';
    try {
      await client.establishSession(peerDid, peerBundle);
      const sent = await client.send(peerDid, 'Execute task X');
      const proof = await client.getMerkleProof(sent.messageHash);
      expect(client.verifyProof(proof).entry).toMatchObject({ type: 'message.out', message_hash: sent.messageHash, agent: client.did, peer: peerDid });
      messageHash = sent.messageHash;
    } finally {
      await client.close();
    }
    expect(await arrived).toMatchObject({ content: 'Execute task X', from: client.did, messageHash, redelivered: false });
    expect((await peer.log.entry((await peer.log.find('message', messageHash)) as number)).entry).toMatchObject({ type: 'message.in', peer: client.did });
    await peer.close();
  });

  it('[CLIENT-PROOF] a proof survives its file form and no changed byte', async () => {
    const [peer, client] = [await TalosClient.create('peer'), await TalosClient.create('client')];
    await client.establishSession(peer.did, await peer.bundle());
    const { messageHash } = await client.send(peer.did, 'x');
    const proof = parseProof(formatProof(await client.getMerkleProof(messageHash)));
    expect(client.verifyProof(proof).entry.type).toBe('message.out');
    const flips = (bytes: Uint8Array) => Array.from(bytes, (_, at) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)));
    const changed: EntryProof[] = [
      ...flips(proof.entry).map((entry) => ({ ...proof, entry })),
      ...flips(proof.leafHash).map((leafHash) => ({ ...proof, leafHash })),
      ...proof.proof.flatMap((hash, i) => flips(hash).map((flipped) => ({ ...proof, proof: proof.proof.with(i, flipped) }))),
      ...Array.from(proof.checkpoint as string, (character, at) => ({
        ...proof,
        checkpoint: `${proof.checkpoint?.slice(0, at)}${character === 'A' ? 'B' : 'A'}${proof.checkpoint?.slice(at + 1)}`,
      })),
      { ...proof, index: proof.index + 1 },
      { ...proof, size: proof.size + 1 },
    ].filter(
      (candidate) =>
        candidate.checkpoint !== proof.checkpoint ||
        candidate.entry !== proof.entry ||
        candidate.leafHash !== proof.leafHash ||
        candidate.proof !== proof.proof ||
        candidate.index !== proof.index ||
        candidate.size !== proof.size,
    );
    for (const candidate of changed)
      expect(() => client.verifyProof(candidate)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^TALOS_/) as string }));
    await expect(client.getMerkleProof('no-such-hash')).rejects.toMatchObject({ code: 'TALOS_AUDIT_NOT_FOUND' });
    await Promise.all([client.close(), peer.close()]);
  });
});

describe('homes', () => {
  it('[CLIENT-IDENTITY] the same agent comes back, with its log', async () => {
    const dir = await newFolder();
    const first = await TalosClient.create('agent', { stores: nodeHome({ dir }) });
    const checkpoint = await first.log.checkpoint();
    const [did, size] = [first.did, first.log.size];
    await first.close();
    const second = await TalosClient.create('agent', { stores: nodeHome({ dir }) });
    expect(second.did).toBe(did);
    expect(second.log.size).toBeGreaterThan(size);
    expect(checkpoint).toContain(second.log.origin);
    await second.close();
  });

  it('[CLIENT-IDENTITY] a passphrase opens the keys, another does not', async () => {
    const dir = await newFolder();
    const first = await TalosClient.create('agent', { stores: nodeHome({ dir, passphrase: 'correct horse' }) });
    await first.close();
    await expect(TalosClient.create('agent', { stores: nodeHome({ dir, passphrase: 'wrong' }) })).rejects.toMatchObject({ code: 'TALOS_IDENTITY_LOCKED' });
    await expect(TalosClient.create('agent', { stores: nodeHome({ dir }) })).rejects.toMatchObject({ code: 'TALOS_IDENTITY_LOCKED' });
  }, 20_000);

  it('[CLIENT-HOME] two homes of one folder are one log', async () => {
    const dir = await newFolder();
    const [a, b] = await Promise.all([TalosClient.create('a', { stores: nodeHome({ dir }) }), TalosClient.create('b', { stores: nodeHome({ dir }) })]);
    expect(a.log.origin).toBe(b.log.origin);
    await a.close();
    expect(await b.log.checkpoint()).toContain(b.log.origin);
    await b.close();
    const again = await TalosClient.create('a', { stores: nodeHome({ dir }) });
    await again.close();
  });

  it('[CLIENT-HOME] a memory home keeps its log from one client to the next', async () => {
    const stores = memoryHome();
    const first = await TalosClient.create('a', { stores });
    const { size } = first.log;
    await first.close();
    const second = await TalosClient.create('a', { stores });
    expect(second.log.size).toBeGreaterThan(size);
    expect(second.did).toBe(first.did);
  });

  it('[CLIENT-PRODUCTION] keys in clear are for development', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    const dir = await newFolder();
    expect(() => nodeHome({ dir })).toThrow(expect.objectContaining({ code: 'TALOS_IDENTITY_DEV_IN_PRODUCTION' }));
    expect(() => nodeHome({ dir, keyProvider: async () => new Uint8Array(32) })).not.toThrow();
    expect(() => nodeHome({ dir, passphrase: '' })).toThrow(expect.objectContaining({ code: 'TALOS_USAGE_OPTIONS' }));
  });
});

describe('capabilities', () => {
  it('[CLIENT-TRUST] counts only what a trusted issuer granted to this very agent', async () => {
    const [owner, stranger] = [await TalosClient.create('owner'), await TalosClient.create('stranger')];
    const agent = await TalosClient.create('agent', { trust: { issuers: [owner.did] } });
    const run = async (capability: string) => {
      const result = await agent.guard({ capability }).run({ tool: 'read', input: { path: 'docs/a' } }, () => 'ran');
      return result.status === 'denied' ? result.denial.code : result.status;
    };
    expect(await run(await owner.grant({ to: agent.did, tools: docs }))).toBe('ok');
    expect(await run(await stranger.grant({ to: agent.did, tools: docs }))).toBe('ISSUER_UNTRUSTED');
    expect(await run(await agent.grant({ to: agent.did, tools: docs }))).toBe('ISSUER_UNTRUSTED');
    expect(await run(await owner.grant({ to: stranger.did, tools: docs }))).not.toBe('ok');
    expect(await run(await owner.grant({ to: agent.did, at: stranger.did, tools: docs }))).toBe('AUD_MISMATCH');
    expect(await run('')).toBe('CAP_ABSENT');
    expect(await run('a.b.c')).toBe('MALFORMED');
    expect(await run(undefined as never)).toBe('CAP_ABSENT');
    expect(await run({} as never)).toBe('MALFORMED');
  });

  it('[CLIENT-GRANT] is in the log by its hash, and the token is not', async () => {
    const client = await TalosClient.create('owner');
    const token = await client.grant({ to: client.did, tools: { read: { path: any() } }, purpose: 'Ada Lovelace' });
    const stored = await client.log.entry(client.log.size - 1);
    expect(stored.entry).toMatchObject({ type: 'capability.issued', holder: client.did });
    const text = new TextDecoder().decode(stored.bytes);
    expect(text).not.toContain('Lovelace');
    expect(text).not.toContain(token.slice(0, 40));
  });

  it('[CLIENT-DELEGATE] an agent passes its right on, narrower, and both say so in their logs', async () => {
    const owner = await TalosClient.create('owner');
    const agent = await TalosClient.create('agent', { trust: { issuers: [owner.did] } });
    const sub = await TalosClient.create('sub', { trust: { issuers: [owner.did] } });
    const token = await owner.grant({ to: agent.did, delegate: 1, tools: { read: { path: subpath('docs') }, write: anyArgs() } });
    const chain = await agent.delegate(token, { to: sub.did, tools: { read: { path: subpath('docs/a') } } });
    const run = async (client: TalosClient, tool: string, path: string) => {
      const result = await client.guard({ capability: chain }).run({ tool, input: { path } }, () => 'ran');
      return result.status === 'denied' ? result.denial.code : result.status;
    };
    expect(await run(sub, 'read', 'docs/a/b')).toBe('ok');
    expect(await run(sub, 'read', 'docs/b')).toBe('ARG_VIOLATES');
    expect(await run(sub, 'write', 'docs/a/b')).toBe('TOOL_UNGRANTED');
    expect(await run(agent, 'read', 'docs/a/b')).not.toBe('ok');
    const hash = (text: string) => createHash('sha256').update(text).digest('base64url');
    expect((await agent.log.entry(agent.log.size - 2)).entry).toMatchObject({
      type: 'capability.issued',
      holder: sub.did,
      cap: hash(chain.split('~')[1]!),
      parent: hash(token),
    });
    await expect(agent.delegate(token, { to: sub.did, tools: { read: { path: any() } } })).rejects.toMatchObject({ code: 'TALOS_CAPABILITY_INVALID_GRANT' });
    await expect(sub.delegate(chain, { to: agent.did, tools: { read: { path: subpath('docs/a') } } })).rejects.toMatchObject({
      code: 'TALOS_CAPABILITY_INVALID_GRANT',
    });
    await expect(agent.delegate(token, { to: sub.did, tools: {}, subject: sub.did } as never)).rejects.toThrow(/delegate has no option "subject"/);
  });

  it('[CLIENT-EXPIRY] ends while the client runs', async () => {
    let now = Date.now();
    const client = await TalosClient.create('owner', { env: { ...systemEnv, now: () => now } });
    const guard = client.guard({ capability: await client.grant({ to: client.did, for: '1m', tools: docs }) });
    const run = () => guard.run({ tool: 'read', input: { path: 'docs/a' } }, () => 'ran');
    expect((await run()).status).toBe('ok');
    now += 3_600_000;
    expect(await run()).toMatchObject({ status: 'denied', denial: { code: 'EXPIRED' } });
  });

  it.each([
    ['grant', 'option', (client: TalosClient) => client.grant({ to: client.did, tools: docs, delegation: 1 } as never)],
    ['grant', 'limit of another tool', (client: TalosClient) => client.grant({ to: client.did, tools: docs, limits: { raed: { count: 5 } } })],
    ['grant', 'duration', (client: TalosClient) => client.grant({ to: client.did, tools: docs, for: '15 minutes' as never })],
    ['grant', 'tools', (client: TalosClient) => client.grant({ to: client.did } as never)],
    ['grant', 'did', (client: TalosClient) => client.grant({ to: 'bob' as AgentId, tools: docs })],
    ['create', 'trust', () => TalosClient.create('x', { trust: { issuers: ['bob' as AgentId] } })],
    ['create', 'option', () => TalosClient.create('x', { trsut: { issuers: [] } } as never)],
    ['create', 'name', () => TalosClient.create('../x')],
  ])('[CLIENT-OPTIONS] %s refuses a bad %s', async (_, __, act) => {
    const client = await TalosClient.create('owner');
    await expect(act(client)).rejects.toMatchObject({ code: expect.stringMatching(/^TALOS_(USAGE|IDENTITY)_/) as string });
  });
});

describe('the end', () => {
  it('[CLIENT-CLOSE] is final and may be said twice', async () => {
    const client = await TalosClient.create('agent');
    await client.bundle();
    await Promise.all([client.close(), client.close()]);
    await client[Symbol.asyncDispose]();
    expect(() => client.guard({ capability: '' })).toThrow(expect.objectContaining({ code: 'TALOS_USAGE_CLOSED' }));
    await expect(client.send(client.did, 'x')).rejects.toMatchObject({ code: 'TALOS_USAGE_CLOSED' });
  });
});
