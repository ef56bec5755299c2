import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TalosClient, anyArgs } from '@talosprotocol/core';
import type { AgentId } from '@talosprotocol/core/identity';
import { memoryTransport } from '@talosprotocol/core/message';
import { afterAll, describe, expect, it } from 'vitest';
import { startChild } from './child.ts';
import { postgresHome } from '../src/postgres-home.ts';
import { caught, freshLog, noServer, sql, url } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'talos-pg-home-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const pay = { tool: 'pay', input: {} };

/** A home for two processes of this machine: they share keys, sessions and rights, and have a log each. */
function sharedHome() {
  const [home, key, stateDir] = [freshLog(), randomBytes(32), mkdtempSync(join(folder, 'state-'))];
  const options = { home, stateDir, keyProvider: async () => new Uint8Array(key) };
  const stores = postgresHome(url, { ...options, log: freshLog() });
  const child = (name: string, issuer: AgentId, onLine?: (line: string) => void) =>
    startChild(
      new URL('home-child.ts', import.meta.url),
      [JSON.stringify({ url, home, log: freshLog(), stateDir, key: key.toString('hex'), name, issuer })],
      onLine,
    );
  return { home, stores, options, child };
}

describe.skipIf(noServer !== undefined)(`two processes of one home${noServer === undefined ? '' : `: ${noServer}`}`, () => {
  it('[PG-HOME-PROCESSES] ten children of a right to five calls give five calls in all', async () => {
    const { stores, child } = sharedHome();
    const owner = await TalosClient.create('owner', { stores });
    const trust = { issuers: [owner.did] };
    const planner = await TalosClient.create('planner', { stores, trust });
    const here = await TalosClient.create('here', { stores, trust });
    const there = child('there', owner.did);
    const did = (await there.line('did')).slice(4) as AgentId;
    const right = await owner.grant({ to: planner.did, tools: { pay: anyArgs() }, limits: { pay: { count: 5 } }, delegate: 1 });
    const delegate = (to: AgentId) => Promise.all(Array.from({ length: 5 }, () => planner.delegate(right, { to, tools: { pay: anyArgs() } })));
    const [ours, theirs] = [await delegate(here.did), await delegate(did)];
    there.say(`spend ${theirs.join(' ')}`);
    const outcomes: string[] = [];
    for (const capability of ours) {
      const outcome = await here.guard({ capability }).run(pay, () => 'paid');
      outcomes.push(outcome.status === 'denied' ? outcome.denial.code : outcome.status);
    }
    await there.line('done spend');
    const all = [...outcomes, ...there.lines.filter((line) => line.startsWith('spent')).map((line) => line.slice(6))];
    expect(all.toSorted()).toEqual([...Array.from({ length: 5 }, () => 'COUNT_SPENT'), ...Array.from({ length: 5 }, () => 'ok')]);
    there.say('end');
    expect(await there.ended).toBe(0);
    for (const client of [owner, planner, here]) await client.close();
  });

  it('[PG-HOME-PROCESSES] what one process takes back ends at the next call in the other, and calls in flight are aborted', async () => {
    const { stores, child } = sharedHome();
    const owner = await TalosClient.create('owner', { stores });
    const agent = await TalosClient.create('agent', { stores, trust: { issuers: [owner.did] } });
    const capability = await owner.grant({ to: agent.did, tools: { pay: anyArgs() } });
    const guard = agent.guard({ capability });
    const there = child('owner', owner.did);
    await there.line('did');
    expect((await guard.run(pay, () => 'paid')).status).toBe('ok');
    const outcome = await guard.run(pay, async (_input, _grant, signal) => {
      const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
      there.say(`revoke ${capability}`);
      await there.line('done revoke');
      await aborted;
      return 'stopped';
    });
    expect(outcome).toMatchObject({ status: 'ok', value: 'stopped' });
    let ran = false;
    expect(await guard.run(pay, () => (ran = true))).toMatchObject({ denial: { code: 'REVOKED' } });
    expect(ran).toBe(false);
    there.say('end');
    expect(await there.ended).toBe(0);
    for (const client of [owner, agent]) await client.close();
  });

  it('[PG-HOME-PROCESSES] nothing is waited for: a call that begins when the revocation resolved is refused', async () => {
    const { stores, child } = sharedHome();
    const owner = await TalosClient.create('owner', { stores });
    const agent = await TalosClient.create('agent', { stores, trust: { issuers: [owner.did] } });
    const there = child('owner', owner.did);
    await there.line('did');
    for (let round = 1; round <= 5; round++) {
      const capability = await owner.grant({ to: agent.did, tools: { pay: anyArgs() } });
      const guard = agent.guard({ capability });
      expect((await guard.run(pay, () => 'paid')).status).toBe('ok');
      const done = there.lines.length;
      there.say(`revoke ${capability}`);
      while (there.lines.length === done) await new Promise((resolve) => setImmediate(resolve));
      expect(await guard.run(pay, () => 'paid')).toMatchObject({ denial: { code: 'REVOKED' } });
    }
    there.say('end');
    await there.ended;
    for (const client of [owner, agent]) await client.close();
  });

  it('[PG-HOME-PROCESSES] a session that both use never uses a message key twice', async () => {
    const { home, stores, child } = sharedHome();
    const transport = memoryTransport();
    const bob = await TalosClient.create('bob', { transport });
    const heard: { readonly content: string; readonly redelivered: boolean }[] = [];
    let wake = (): void => undefined;
    bob.on('message', ({ content, redelivered }) => {
      heard.push({ content: String(content), redelivered });
      wake();
    });
    const faults: unknown[] = [];
    bob.on('error', (error) => faults.push(error));
    const alice = await TalosClient.create('alice', { stores, transport });
    await alice.establishSession(bob.did, await bob.bundle());
    const frames: Promise<void>[] = [];
    const there = child('alice', bob.did, (line) => {
      const [kind, to, frame = ''] = line.split(' ');
      if (kind === 'frame') frames.push(transport.send(to as AgentId, new Uint8Array(Buffer.from(frame, 'base64'))));
    });
    expect(await there.line('did')).toBe(`did ${alice.did}`);
    there.say(`send ${bob.did} 20`);
    for (let i = 0; i < 20; i++) await alice.send(bob.did, `parent ${i}`);
    await there.line('done send');
    await Promise.all(frames);
    while (heard.length < 40) await new Promise<void>((resolve) => (wake = resolve));
    const expected = ['child', 'parent'].flatMap((name) => Array.from({ length: 20 }, (_, i) => `${name} ${i}`));
    expect(heard.map(({ content }) => content).toSorted()).toEqual(expected.toSorted());
    expect(heard.some(({ redelivered }) => redelivered)).toBe(false);
    const [row] = await sql(`SELECT version::text FROM "${home}".session`);
    expect(Number(row!['version'])).toBeGreaterThanOrEqual(21);
    there.say('end');
    expect(await there.ended).toBe(0);
    for (const client of [alice, bob]) await client.close();
  });

  it('[PG-HOME-PROCESSES] two processes have a log each, under keys of their own, and one log has one of them at a time', async () => {
    const { stores, options, home } = sharedHome();
    const first = await TalosClient.create('a', { stores });
    const log = freshLog();
    const second = await TalosClient.create('a', { stores: postgresHome(url, { ...options, log }) });
    expect(second.did).toBe(first.did);
    expect(second.log.verifierKey).not.toBe(first.log.verifierKey);
    const records = await sql(`SELECT name FROM "${home}".key_record ORDER BY 1`);
    expect(records.filter(({ name }) => String(name).startsWith('log.')).length).toBe(2);
    expect(await caught(() => postgresHome(url, { ...options, log: 'x'.repeat(61) }))).toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
    for (const client of [first, second]) await client.close();
  });

  it('[PG-HOME-SESSIONS] an agent that comes back goes on with its sessions, limits and revocations', async () => {
    const { stores } = sharedHome();
    const transport = memoryTransport();
    const bob = await TalosClient.create('bob', { transport });
    const first = await TalosClient.create('alice', { stores, transport });
    await first.establishSession(bob.did, await bob.bundle());
    await first.send(bob.did, 'one');
    const capability = await first.grant({ to: first.did, tools: { pay: anyArgs() }, limits: { pay: { count: 1 } } });
    const taken = await first.grant({ to: first.did, tools: { pay: anyArgs() } });
    expect((await first.guard({ capability }).run(pay, () => 'paid')).status).toBe('ok');
    await first.revoke(taken);
    await first.close();
    const again = await TalosClient.create('alice', { stores, transport });
    const arrived = new Promise((resolve) => {
      bob.on('message', ({ content }) => {
        if (content === 'two') resolve(content);
      });
    });
    await again.send(bob.did, 'two');
    expect(await arrived).toBe('two');
    expect(await again.guard({ capability }).run(pay, () => 'paid')).toMatchObject({ denial: { code: 'COUNT_SPENT' } });
    expect(await again.guard({ capability: taken }).run(pay, () => 'paid')).toMatchObject({ denial: { code: 'REVOKED' } });
    for (const client of [again, bob]) await client.close();
  });
});
