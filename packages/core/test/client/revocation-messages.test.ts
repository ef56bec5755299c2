import { afterEach, describe, expect, it } from 'vitest';
import { anyArgs } from '../../src/capability/constraints/any.ts';
import { memoryHome, type Home } from '../../src/client/home.ts';
import { TalosClient } from '../../src/client/talos-client.ts';
import { systemEnv } from '../../src/env/env.ts';
import { memoryTransport } from '../../src/message/memory-transport.ts';
import type { Transport } from '../../src/message/transport.ts';

const pay = { tool: 'pay', input: {} };
const clients: TalosClient[] = [];
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

async function client(name: string, options: Parameters<typeof TalosClient.create>[1] = {}): Promise<TalosClient> {
  const made = await TalosClient.create(name, { stores: memoryHome(), ...options });
  clients.push(made);
  return made;
}

/** Two homes, one network, one session. */
async function two(transport: Transport = memoryTransport(), stores: Home = memoryHome()) {
  const owner = await client('owner', { transport });
  const agent = await client('agent', { stores, transport, trust: { issuers: [owner.did] } });
  await owner.establishSession(agent.did, await agent.bundle());
  // The first message makes the session known at the other end too.
  const heard = new Promise((resolve) => agent.on('message', resolve));
  await owner.send(agent.did, 'hello');
  await heard;
  return { owner, agent, transport };
}

/** Asks until it is so: the test runner's own limit is the deadline. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('revocations in messages', () => {
  it('[STATE-NEWS] what was taken back is told in the session, and ends the capability and its descendants there', async () => {
    const { owner, agent, transport } = await two();
    const worker = await client('worker', { transport, trust: { issuers: [owner.did] } });
    const capability = await owner.grant({ to: agent.did, tools: { pay: anyArgs() }, delegate: 1 });
    const passed = await agent.delegate(capability, { to: worker.did, tools: { pay: anyArgs() } });
    const [guard, below] = [agent.guard({ capability }), worker.guard({ capability: passed })];
    expect((await guard.run(pay, () => 'paid')).status).toBe('ok');
    expect((await below.run(pay, () => 'paid')).status).toBe('ok');
    await owner.revoke(capability);
    await owner.sendRevocations(agent.did);
    await until(async () => !(await guard.check(pay)).allowed);
    expect(await guard.run(pay, () => 'paid')).toMatchObject({ denial: { code: 'REVOKED' } });
    // Anybody may carry a signed list on.
    await worker.importRevocations(await owner.exportRevocations());
    expect(await below.run(pay, () => 'paid')).toMatchObject({ denial: { code: 'ANCESTOR_REVOKED' } });
  });

  it('[STATE-NEWS] aborts the calls in flight, and is no message for the user', async () => {
    const { owner, agent } = await two();
    const seen: unknown[] = [];
    agent.on('message', ({ content }) => void seen.push(content));
    const capability = await owner.grant({ to: agent.did, tools: { pay: anyArgs() } });
    const outcome = await agent.guard({ capability }).run(pay, async (_input, _grant, signal) => {
      await owner.revoke(capability);
      const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
      await owner.sendRevocations(agent.did);
      await aborted;
      return 'stopped';
    });
    expect(outcome).toMatchObject({ status: 'ok', value: 'stopped' });
    expect(seen).toEqual([]);
  });

  it('[STATE-NEWS] only what is new is told again, and who lacks the beginning asks for it', async () => {
    const agentHome = memoryHome();
    const { owner, agent, transport } = await two(memoryTransport(), agentHome);
    const revoked = async (): Promise<string> => {
      const capability = await owner.grant({ to: agent.did, tools: { pay: anyArgs() } });
      await owner.revoke(capability);
      return capability;
    };
    const isOver = async (capability: string) => !(await agent.guard({ capability }).check(pay)).allowed;
    const first = await revoked();
    await owner.sendRevocations(agent.did);
    await until(() => isOver(first));
    const second = await revoked();
    await owner.sendRevocations(agent.did);
    await until(() => isOver(second));
    // The same agent with another memory: what it was told is gone.
    const { keys } = agentHome;
    await agent.close();
    const again = await client('agent', { stores: { ...memoryHome(), keys }, transport, trust: { issuers: [owner.did] } });
    expect(again.did).toBe(agent.did);
    await owner.establishSession(again.did, await again.bundle());
    await owner.sendRevocations(again.did);
    const decided = async () => again.guard({ capability: first }).check(pay);
    await until(async () => !(await decided()).allowed);
    expect(await decided()).toMatchObject({ denial: { code: 'REVOKED' } });
  });

  it('[STATE-NEWS] a list that is refused is told as an error, changes nothing, and does not come again', async () => {
    const { owner, agent, transport } = await two();
    const stranger = await client('stranger', { transport });
    await stranger.establishSession(agent.did, await agent.bundle());
    const errors: unknown[] = [];
    const told = new Promise<void>((resolve) =>
      agent.on('error', (error) => {
        errors.push(error);
        resolve();
      }),
    );
    const capability = await owner.grant({ to: agent.did, tools: { pay: anyArgs() } });
    await stranger.sendRevocations(agent.did);
    await told;
    expect(errors).toMatchObject([{ code: 'TALOS_CAPABILITY_BAD_REVOCATIONS' }]);
    expect((await agent.guard({ capability }).run(pay, () => 'paid')).status).toBe('ok');
  });
});

describe('max_stale 0', () => {
  it('[STATE-ANSWER] asks the issuer at every call, who must not have taken it back', async () => {
    const { owner, agent } = await two();
    const capability = await owner.grant({ to: agent.did, tools: { pay: anyArgs() }, maxStale: 0 });
    const guard = agent.guard({ capability });
    expect((await guard.run(pay, () => 'paid')).status).toBe('ok');
    expect((await guard.run(pay, () => 'paid')).status).toBe('ok');
    await owner.revoke(capability);
    // Nobody told the agent: it asks.
    expect(await guard.run(pay, () => 'paid')).toMatchObject({ denial: { code: 'REVOKED' } });
  });

  it('[STATE-ANSWER] is refused if the issuer does not answer', async () => {
    const transport = memoryTransport();
    const owner = await client('owner', { transport });
    // Who waits for an answer stops at once.
    const env = { ...systemEnv, after: (delayMs: number, run: () => void) => systemEnv.after(delayMs === 10_000 ? 0 : delayMs, run) };
    const agent = await client('agent', { transport, env, trust: { issuers: [owner.did] } });
    await agent.establishSession(owner.did, await owner.bundle());
    const capability = await owner.grant({ to: agent.did, tools: { pay: anyArgs() }, maxStale: 0 });
    await owner.close();
    expect(await agent.guard({ capability }).run(pay, () => 'paid')).toMatchObject({ denial: { code: 'REVOCATION_STALE' } });
  });

  it('[STATE-ANSWER] is refused where the issuer cannot be asked', async () => {
    const owner = await client('owner');
    const agent = await client('agent', { trust: { issuers: [owner.did] } });
    const capability = await owner.grant({ to: agent.did, tools: { pay: anyArgs() }, maxStale: 0 });
    expect(await agent.guard({ capability }).run(pay, () => 'paid')).toMatchObject({ denial: { code: 'REVOCATION_STALE' } });
    await agent.bundle();
    expect(await agent.guard({ capability }).run(pay, () => 'paid')).toMatchObject({ denial: { code: 'REVOCATION_STALE' } });
  });
});
