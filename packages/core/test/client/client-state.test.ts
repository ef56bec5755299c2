import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { anyArgs } from '../../src/capability/constraints/any.ts';
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
