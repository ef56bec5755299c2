import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { anyArgs } from '../../src/capability/constraints/any.ts';
import { toolDigest } from '../../src/capability/tool-digest.ts';
import { memoryHome } from '../../src/client/home.ts';
import { TalosClient } from '../../src/client/talos-client.ts';
import { nodeHome } from '../../src/node/node-home.ts';

const dir = mkdtempSync(join(tmpdir(), 'talos-client-state-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const pay = { tool: 'pay', input: {} };

describe.each([
  ['in memory', () => memoryHome()],
  ['on disk', () => nodeHome({ dir: mkdtempSync(join(dir, 'home-')) })],
])('a home %s', (_, home) => {
  it('[STATE-CLIENT] counts the limits of a grant for all who hold it, and remembers when the client comes again', async () => {
    const stores = home();
    const owner = await TalosClient.create('owner', { stores });
    const agent = await TalosClient.create('agent', { stores, trust: { issuers: [owner.did] } });
    const capability = await owner.grant({ to: agent.did, tools: { pay: anyArgs() }, limits: { pay: { count: 2 } } });
    expect((await agent.guard({ capability }).run(pay, () => 'paid')).status).toBe('ok');
    await Promise.all([owner.close(), agent.close()]);
    const again = await TalosClient.create('agent', { stores, trust: { issuers: [owner.did] } });
    expect((await again.guard({ capability }).run(pay, () => 'paid')).status).toBe('ok');
    expect(await again.guard({ capability }).run(pay, () => 'paid')).toMatchObject({ denial: { code: 'COUNT_SPENT' } });
    await again.close();
  });

  it('[CLIENT-PINNED] a grant may name the definition of a tool, by the digest of it', async () => {
    const client = await TalosClient.create('agent', { stores: home() });
    const definition = { name: 'pay', description: 'Pays.', inputSchema: { type: 'object' } };
    const [pinned, other] = [toolDigest(definition), toolDigest({ ...definition, description: 'Pays me.' })];
    const granting = (toolDigests: Record<string, string>) => client.grant({ to: client.did, tools: { pay: anyArgs(), see: anyArgs() }, toolDigests });
    const guard = client.guard({ capability: await granting({ pay: pinned }) });
    expect((await guard.run({ ...pay, toolDigest: pinned }, () => 'paid')).status).toBe('ok');
    for (const shown of [{ toolDigest: other }, {}])
      expect(await guard.run({ ...pay, ...shown }, () => 'paid')).toMatchObject({ denial: { code: 'TOOL_CHANGED' } });
    // What is not pinned is granted in any form.
    expect((await guard.run({ tool: 'see', input: {} }, () => 'seen')).status).toBe('ok');
    await expect(granting({ elsewhere: pinned })).rejects.toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
    await expect(granting({ pay: 'no digest' })).rejects.toMatchObject({ code: 'TALOS_CAPABILITY_INVALID_GRANT' });
    await client.close();
  });

  it('[STATE-CLIENT] a revocation ends the capability and its descendants at once, and lasts', async () => {
    const stores = home();
    const owner = await TalosClient.create('owner', { stores });
    const agent = await TalosClient.create('agent', { stores, trust: { issuers: [owner.did] } });
    const capability = await owner.grant({ to: agent.did, tools: { pay: anyArgs() } });
    const guard = agent.guard({ capability });
    const stopped = await guard.run(pay, async (_input, _grant, signal) => {
      await owner.revoke(capability);
      return signal.aborted;
    });
    expect(stopped).toMatchObject({ status: 'ok', value: true });
    expect(await guard.run(pay, () => 'paid')).toMatchObject({ denial: { code: 'REVOKED' } });
    await expect(agent.revoke(await owner.grant({ to: owner.did, tools: { pay: anyArgs() } }))).rejects.toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    await Promise.all([owner.close(), agent.close()]);
    const again = await TalosClient.create('agent', { stores, trust: { issuers: [owner.did] } });
    expect(await again.guard({ capability }).run(pay, () => 'paid')).toMatchObject({ denial: { code: 'REVOKED' } });
    await again.close();
  });

  it('[STATE-CLIENT] forgeries in the name of this home hold up no capability that it issues', async () => {
    const stores = home();
    const owner = await TalosClient.create('owner', { stores });
    const agent = await TalosClient.create('agent', { stores, trust: { issuers: [owner.did] } });
    const grant = () => owner.grant({ to: agent.did, tools: { pay: anyArgs() } });
    const genuine = await grant();
    const codes: unknown[] = [];
    for (let n = 0; n < 30; n++) {
      // Another signature under each: the flood of one who has none.
      const signature = Buffer.alloc(64, n + 1).toString('base64url');
      const result = await agent.guard({ capability: `${genuine.slice(0, genuine.lastIndexOf('.'))}.${signature}` }).run(pay, () => 'paid');
      codes.push(result.status === 'denied' && result.denial.code);
    }
    expect(codes).toContain('RATE');
    expect((await agent.guard({ capability: await grant() }).run(pay, () => 'paid')).status).toBe('ok');
    expect((await agent.guard({ capability: genuine }).run(pay, () => 'paid')).status).toBe('ok');
    await Promise.all([owner.close(), agent.close()]);
  });

  it('[STATE-CLIENT] a call that needs a person waits for the answer of one who was named', async () => {
    const stores = home();
    const owner = await TalosClient.create('owner', { stores });
    const boss = await TalosClient.create('boss', { stores: memoryHome() });
    const agent = await TalosClient.create('agent', { stores, trust: { issuers: [owner.did] } });
    const approve = { pay: { when: 'always', by: [boss.did], m: 1, ttl: 60, reuse: 'exact' } } as const;
    const guard = agent.guard({ capability: await owner.grant({ to: agent.did, tools: { pay: anyArgs() }, approve }) });
    expect(await guard.run(pay, () => 'paid')).toMatchObject({
      denial: { code: 'APPROVAL_REQUIRED' },
      refusal: { message: 'A person has to agree to this call.' },
    });
    const [request] = await agent.approvals.open();
    const answer = await boss.answerApproval({ request: request!.request, opening: request!, verdict: 'allow' });
    expect(await agent.approvals.submit(answer)).toEqual({ verdict: 'allow' });
    expect((await guard.run(pay, () => 'paid')).status).toBe('ok');
    expect((await guard.run(pay, () => 'paid')).status).toBe('denied');
    await Promise.all([owner.close(), boss.close(), agent.close()]);
  });
});

it('[STATE-CLIENT] all rights of a holder, for a task, on behalf of somebody, or all that there are, are taken back at once', async () => {
  const stores = memoryHome();
  const owner = await TalosClient.create('owner', { stores });
  const trust = { issuers: [owner.did] };
  const agents = [await TalosClient.create('one', { stores, trust }), await TalosClient.create('two', { stores, trust })];
  const rights = async () =>
    Promise.all(
      agents.flatMap((agent) =>
        [{}, { task: 'trip' }, { subject: 'mailto:ann@acme.example' }].map(async (more) =>
          agent.guard({ capability: await owner.grant({ to: agent.did, tools: { pay: anyArgs() }, ...more }) }),
        ),
      ),
    );
  const codes = async (guards: Awaited<ReturnType<typeof rights>>) =>
    Promise.all(
      guards.map(async (guard) => {
        const decision = await guard.check(pay);
        return decision.allowed ? 'ok' : decision.denial.code;
      }),
    );
  const before = await rights();
  await owner.revoke({ task: 'trip' });
  expect(await codes(before)).toEqual(['ok', 'REVOKED', 'ok', 'ok', 'REVOKED', 'ok']);
  await owner.revoke({ subject: 'mailto:ann@acme.example' });
  expect(await codes(before)).toEqual(['ok', 'REVOKED', 'REVOKED', 'ok', 'REVOKED', 'REVOKED']);
  await owner.revoke({ holder: agents[0]!.did });
  expect(await codes(before)).toEqual(['REVOKED', 'REVOKED', 'REVOKED', 'ok', 'REVOKED', 'REVOKED']);
  await owner.revokeAll();
  expect((await codes(before))[3]).toBe('EPOCH_OLD');
  expect((await codes(await rights()))[3]).toBe('ok');
  for (const wrong of [{}, { task: 'a', subject: 'b' }, { jti: 'x' }, null]) await expect(owner.revoke(wrong as never)).rejects.toThrow();
  await Promise.all([owner, ...agents].map((client) => client.close()));
});

it('[STATE-CLIENT] a revocation travels to another home as text', async () => {
  const owner = await TalosClient.create('owner', { stores: memoryHome() });
  const agent = await TalosClient.create('agent', { stores: memoryHome(), trust: { issuers: [owner.did] } });
  const capability = await owner.grant({ to: agent.did, tools: { pay: anyArgs() } });
  const guard = agent.guard({ capability });
  await agent.importRevocations(await owner.exportRevocations());
  expect((await guard.run(pay, () => 'paid')).status).toBe('ok');
  await owner.revoke(capability);
  await agent.importRevocations(await owner.exportRevocations());
  expect(await guard.run(pay, () => 'paid')).toMatchObject({ denial: { code: 'REVOKED' } });
  await Promise.all([owner.close(), agent.close()]);
});
