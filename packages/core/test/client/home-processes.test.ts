import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { importEd25519SecretKey } from '#suite';
import { anyArgs } from '../../src/capability/constraints/any.ts';
import { issueCapability, toolGrants } from '../../src/capability/issue.ts';
import { memoryHome } from '../../src/client/home.ts';
import { TalosClient } from '../../src/client/talos-client.ts';
import { systemEnv, type Env } from '../../src/env/env.ts';
import { formatAgentId, parseAgentId } from '../../src/identity/agent-id.ts';
import { localSigner } from '../../src/identity/signer.ts';
import { nodeHome } from '../../src/node/node-home.ts';
import { sqliteClockStore } from '../../src/node/sqlite-clock-store.ts';
import { SqliteState } from '../../src/node/sqlite-state.ts';

const dir = mkdtempSync(join(tmpdir(), 'talos-processes-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const pay = { tool: 'pay', input: {} };
const seed = '07'.repeat(32);
const operator = importEd25519SecretKey(new Uint8Array(32).fill(7));
const operatorDid = formatAgentId(operator.publicKey);

function child(folder: string, task = ''): Promise<void> {
  const file = fileURLToPath(new URL('revoking-child.ts', import.meta.url));
  const args = ['--conditions=@talosprotocol/source', '--disable-warning=ExperimentalWarning', file, join(folder, 'state.db'), seed, task];
  return new Promise((resolve, reject) => {
    spawn(process.execPath, args, { stdio: 'inherit' }).on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`the child ended with ${code}`))));
  });
}

/** An agent of a home in a folder, with a right from an operator who works in a process of its own. */
async function service(more: { readonly task?: string; readonly lifetimeSeconds?: number } = {}) {
  const folder = mkdtempSync(join(dir, 'home-'));
  const agent = await TalosClient.create('agent', { stores: nodeHome({ dir: folder }), trust: { issuers: [operatorDid] } });
  const request = { holder: parseAgentId(agent.did), grants: toolGrants({ pay: anyArgs() }), task: 'night', ...more };
  const capability = await issueCapability(request, { signer: localSigner(operator), issuer: operatorDid, env: systemEnv });
  return { folder, agent, capability };
}

describe('several processes of one home', () => {
  it('[STATE-HOME] what another process took back is refused at the next call, without a restart', async () => {
    const { folder, agent, capability } = await service();
    const guard = agent.guard({ capability });
    expect((await guard.run(pay, () => 'paid')).status).toBe('ok');
    await child(folder, 'day');
    expect((await guard.run(pay, () => 'paid')).status).toBe('ok');
    await child(folder, 'night');
    expect(await guard.run(pay, () => 'paid')).toMatchObject({ denial: { code: 'REVOKED' } });
    await agent.close();
  }, 60_000);

  it('[STATE-HOME] and calls in flight are aborted', async () => {
    const { folder, agent, capability } = await service();
    const outcome = await agent.guard({ capability }).run(pay, async (_input, _grant, signal) => {
      const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
      await child(folder, 'night');
      await aborted;
      return 'stopped';
    });
    expect(outcome).toMatchObject({ status: 'ok', value: 'stopped' });
    await agent.close();
  }, 60_000);

  it('[STATE-HOME] an issuer that joined the home in another process is fresh in this one', async () => {
    const { folder, agent } = await service();
    const old = { ...systemEnv, now: () => Date.now() - 1000_000 };
    const request = { holder: parseAgentId(agent.did), grants: toolGrants({ pay: anyArgs() }), lifetimeSeconds: 7200, maxStaleSeconds: 1 };
    const capability = await issueCapability(request, { signer: localSigner(operator), issuer: operatorDid, env: old });
    expect(await agent.guard({ capability }).run(pay, () => 'paid')).toMatchObject({ denial: { code: 'REVOCATION_STALE' } });
    await child(folder);
    expect((await agent.guard({ capability }).run(pay, () => 'paid')).status).toBe('ok');
    await agent.close();
  }, 60_000);
});

describe.each([
  ['in memory', () => memoryHome()],
  ['on disk', () => nodeHome({ dir: mkdtempSync(join(dir, 'home-')) })],
])('a home %s', (_, home) => {
  it('[STATE-HOME] a limited right moves to another agent of the home, and is counted with the rest', async () => {
    const stores = home();
    const owner = await TalosClient.create('owner', { stores });
    const trust = { issuers: [owner.did] };
    const planner = await TalosClient.create('planner', { stores, trust });
    const workers = [await TalosClient.create('one', { stores, trust }), await TalosClient.create('two', { stores, trust })];
    const capability = await owner.grant({ to: planner.did, tools: { pay: anyArgs() }, limits: { pay: { count: 5 } }, delegate: 1 });
    const outcomes: string[] = [];
    const count = async (client: TalosClient, token: string): Promise<void> => {
      const outcome = await client.guard({ capability: token }).run(pay, () => 'paid');
      outcomes.push(outcome.status === 'denied' ? outcome.denial.code : outcome.status);
    };
    for (const worker of workers) {
      const passed = await planner.delegate(capability, { to: worker.did, tools: { pay: anyArgs() } });
      for (let i = 0; i < 2; i++) await count(worker, passed);
    }
    for (let i = 0; i < 2; i++) await count(planner, capability);
    expect(outcomes).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'COUNT_SPENT']);
    for (const client of [owner, planner, ...workers]) await client.close();
  });

  it('[STATE-HOME] a limited right does not move to an agent elsewhere', async () => {
    const stores = home();
    const owner = await TalosClient.create('owner', { stores });
    const planner = await TalosClient.create('planner', { stores, trust: { issuers: [owner.did] } });
    const there = memoryHome();
    const worker = await TalosClient.create('worker', { stores: there, trust: { issuers: [owner.did] } });
    const capability = await owner.grant({ to: planner.did, tools: { pay: anyArgs() }, limits: { pay: { count: 5 } }, delegate: 1 });
    await expect(planner.delegate(capability, { to: worker.did, tools: { pay: anyArgs() } })).rejects.toThrow(/audience is not provably within/);
    for (const client of [owner, planner, worker]) await client.close();
  });

  it('[STATE-CLOCK] a clock that was set back does not bring an expired right back to life, not even after a restart', async () => {
    const stores = home();
    let now = Date.now();
    const env: Env = { ...systemEnv, now: () => now };
    const client = await TalosClient.create('agent', { stores, env });
    const capability = await client.grant({ to: client.did, tools: { pay: anyArgs() } });
    const codeOf = async (by: TalosClient) => {
      const outcome = await by.guard({ capability }).run(pay, () => 'paid');
      return outcome.status === 'denied' ? outcome.denial.code : outcome.status;
    };
    expect(await codeOf(client)).toBe('ok');
    now += 600_000;
    expect(await codeOf(client)).toBe('EXPIRED');
    now -= 500_000;
    expect(await codeOf(client)).toBe('CLOCK_UNSAFE');
    await client.close();
    const again = await TalosClient.create('agent', { stores, env });
    expect(await codeOf(again)).toBe('CLOCK_UNSAFE');
    now += 500_000;
    expect(await codeOf(again)).toBe('EXPIRED');
    await again.close();
  });
});

it('[STATE-CLOCK] the mark in the file only ever rises', async () => {
  const path = join(dir, 'clock.db');
  const state = new SqliteState({ path, env: systemEnv });
  const store = sqliteClockStore(state);
  expect(await store.load()).toBe(0);
  expect(await store.advance(2000)).toBe(2000);
  expect(await store.advance(1000)).toBe(2000);
  state.close();
  const again = new SqliteState({ path, env: systemEnv });
  expect(await sqliteClockStore(again).load()).toBe(2000);
  again.close();
});

it('[STATE-CLOCK] a home that cannot keep the time, or say what was taken back, refuses', async () => {
  const folder = mkdtempSync(join(dir, 'home-'));
  const client = await TalosClient.create('agent', { stores: nodeHome({ dir: folder }) });
  const capability = await client.grant({ to: client.did, tools: { pay: anyArgs() } });
  const guard = client.guard({ capability });
  expect((await guard.run(pay, () => 'paid')).status).toBe('ok');
  const broken = new SqliteState({ path: join(folder, 'state.db'), env: systemEnv });
  broken.db.exec('DROP TABLE revocation_list');
  expect(await guard.run(pay, () => 'paid')).toMatchObject({ denial: { code: 'REVOCATION_STALE' } });
  broken.close();
  await client.close();
});
