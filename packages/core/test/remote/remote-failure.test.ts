import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { memoryHome, TalosClient, type AgentId, type Home } from '../../src/index.ts';
import { memoryTransport } from '../../src/message/memory-transport.ts';
import { nodeHome } from '../../src/node/node-home.ts';
import type { AuditLog } from '../../src/audit/audit-log.ts';
import type { EntryInput } from '../../src/audit/recorder.ts';
import { StoreError } from '../../src/errors/store-error.ts';
import { readOutcome } from '../../src/receipt/index.ts';
import type { CallStore } from '../../src/remote/call-store.ts';
import { eventually, makePair, receiptsIn, tool } from './support.ts';

const full = () => new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: 'the disk is full' });

/** A home whose log refuses the entries of which `refuses` says so. */
function homeRefusing(refuses: (entry: EntryInput) => boolean): Home {
  const home = memoryHome();
  return {
    ...home,
    log: (env) => {
      const shared = home.log(env);
      const wrap = (log: AuditLog): AuditLog =>
        new Proxy(log, {
          get: (target, name) => {
            if (name === 'append') return (entry: EntryInput) => (refuses(entry) ? Promise.reject(full()) : target.append(entry));
            const value: unknown = Reflect.get(target, name);
            return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
          },
        });
      return { ...shared, acquire: async () => wrap(await shared.acquire()) };
    },
  };
}

function homeWithCalls(change: (calls: CallStore) => CallStore): Home {
  const home = memoryHome();
  return {
    ...home,
    calls: async (agent, env) => {
      const calls = await home.calls!(agent, env);
      return { ...calls, store: change(calls.store) };
    },
  };
}

describe('a remote call when something fails', () => {
  it('[REMOTE-LOG-FIRST] a request that could not be recorded is not sent', async () => {
    let ran = 0;
    const homes = { a: homeRefusing(({ receipt }) => receipt === 'request'), b: memoryHome() };
    const pair = await makePair({ homes, serve: [tool('work', () => ++ran)] });
    await expect(pair.a.call(pair.b.did, 'work', {}, { capability: pair.capability })).rejects.toMatchObject({ code: 'TALOS_STORE_WRITE_FAILED' });
    expect(await receiptsIn(pair.b)).toEqual([]);
    expect(ran).toBe(0);
    await pair.close();
  });

  it.each(['request', 'tool.request'])('[REMOTE-LOG-FIRST] a callee that cannot record %s does not run the tool', async (what) => {
    let ran = 0;
    const homes = { a: memoryHome(), b: homeRefusing(({ type, receipt }) => receipt === what || type === what) };
    const pair = await makePair({ homes, serve: [tool('work', () => ++ran)] });
    const result = await pair.a.call(pair.b.did, 'work', {}, { capability: pair.capability });
    expect(result).toMatchObject({ status: 'denied', denial: { code: 'LOG_UNAVAILABLE' } });
    expect(ran).toBe(0);
    await pair.close();
  });

  it('[REMOTE-LOG-FIRST] a call whose arrival is not recorded yet is not begun; once it is, it runs once', async () => {
    let [ran, refused, isRefusing] = [0, 0, false];
    const refuses = ({ type }: EntryInput): boolean => isRefusing && type === 'message.in' && ++refused > 0;
    const pair = await makePair({ homes: { a: memoryHome(), b: homeRefusing(refuses) }, serve: [tool('work', () => ++ran)] });
    // The first message of a session is recorded before it is handed over in any case.
    await pair.a.call(pair.b.did, 'work', {}, { capability: pair.capability });
    const before = (await receiptsIn(pair.b)).length;
    isRefusing = true;
    const calling = pair.a.call(pair.b.did, 'work', {}, { capability: pair.capability });
    await eventually(async () => (refused > 1 ? true : undefined));
    expect(ran).toBe(1);
    // Of the first call the countersignature may have come; of the second there is nothing.
    expect((await receiptsIn(pair.b)).length - before).toBeLessThanOrEqual(1);
    isRefusing = false;
    expect(await calling).toMatchObject({ status: 'ok', value: 2 });
    expect(ran).toBe(2);
    await pair.close();
  });

  it('[REMOTE-UNLOGGED] an outcome that the caller could not record is handed over as unlogged, and not agreed to', async () => {
    const homes = { a: homeRefusing(({ receipt }) => receipt === 'outcome'), b: memoryHome() };
    const pair = await makePair({ homes, serve: [tool('work', () => 'done')] });
    const result = await pair.a.call(pair.b.did, 'work', {}, { capability: pair.capability });
    expect(result).toMatchObject({ status: 'ok', value: 'done', unlogged: true });
    expect(result.receipt).not.toHaveProperty('countersignature');
    expect(await pair.b.unacknowledged()).toHaveLength(1);
    await pair.close();
  });

  it('[REMOTE-RESUME] a caller that recorded S and not A agrees at its next start', async () => {
    let isFull = true;
    const homes = { a: homeRefusing(({ receipt }) => receipt === 'countersignature' && isFull), b: memoryHome() };
    const pair = await makePair({ homes, serve: [tool('work', () => 'done')] });
    expect(await pair.a.call(pair.b.did, 'work', {}, { capability: pair.capability })).toMatchObject({ value: 'done', unlogged: true });
    await pair.a.close();
    isFull = false;
    expect(await pair.b.unacknowledged()).toHaveLength(1);
    const again = await TalosClient.create('caller', { stores: homes.a, transport: pair.transport });
    await again.describe(pair.b.did, { capability: pair.capability });
    await eventually(async () => ((await pair.b.unacknowledged()).length === 0 ? true : undefined));
    expect((await receiptsIn(again)).map(({ part }) => part)).toEqual(['request', 'outcome', 'countersignature']);
    expect((await receiptsIn(pair.b)).map(({ part }) => part)).toEqual(['request', 'outcome', 'countersignature']);
    await Promise.all([again.close(), pair.b.close()]);
  });

  it('[REMOTE-RESUME] a caller that died before A went out sends it at its next start', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'talos-remote-resume-'));
    const place = (life: string) => ({ dir: join(dir, life, 'home'), stateDir: join(dir, life, 'state') });
    const wire = memoryTransport();
    let [isDead, lost] = [false, 0];
    const send = async (to: AgentId, frame: Uint8Array) => (isDead ? void (lost += 1) : wire.send(to, frame));
    const dying = { send, receive: wire.receive.bind(wire) };
    const work = tool('work', () => {
      isDead = true;
      return 'done';
    });
    const pair = await makePair({ transport: wire, homes: { a: nodeHome(place('first')), b: memoryHome() }, a: { transport: dying }, serve: [work] });
    const { receipt } = await pair.a.call(pair.b.did, 'work', {}, { capability: pair.capability });
    // A is on a wire that loses it; then the process is killed, and leaves its home as it is.
    await eventually(() => (lost > 0 ? true : undefined));
    cpSync(join(dir, 'first'), join(dir, 'second'), { recursive: true });
    await pair.a.close();
    expect(await pair.b.unacknowledged()).toHaveLength(1);
    const again = await TalosClient.create('caller', { stores: nodeHome(place('second')), transport: wire });
    await again.describe(pair.b.did, { capability: pair.capability });
    await eventually(async () => ((await pair.b.unacknowledged()).length === 0 ? true : undefined));
    expect((await receiptsIn(again)).map(({ text }) => text)).toEqual([receipt.request, receipt.outcome, receipt.countersignature]);
    await Promise.all([again.close(), pair.b.close()]);
    rmSync(dir, { recursive: true, force: true });
  });

  it('[REMOTE-ONCE] a claim that cannot be made runs nothing', async () => {
    let ran = 0;
    const homes = { a: memoryHome(), b: homeWithCalls((calls) => ({ ...calls, claim: () => Promise.reject(full()) })) };
    const pair = await makePair({ homes, serve: [tool('work', () => ++ran)] });
    expect(await pair.a.call(pair.b.did, 'work', {}, { capability: pair.capability })).toMatchObject({ status: 'denied' });
    expect(ran).toBe(0);
    await pair.close();
  });

  it('[REMOTE-ONCE] an answer that could not be kept becomes unknown, and the tool is not run again', async () => {
    let [ran, settled] = [0, 0];
    const settle =
      (calls: CallStore): CallStore['settle'] =>
      (...args) =>
        settled++ === 0 ? Promise.reject(full()) : calls.settle(...args);
    const homes = { a: memoryHome(), b: homeWithCalls((calls) => ({ ...calls, settle: settle(calls) })) };
    const pair = await makePair({ homes, serve: [tool('work', () => ++ran)] });
    const result = await pair.a.call(pair.b.did, 'work', {}, { capability: pair.capability });
    expect(result).toMatchObject({ status: 'unknown', reason: 'callee' });
    expect(readOutcome(result.receipt.outcome!).claims).toMatchObject({ outcome: 'unknown' });
    expect(ran).toBe(1);
    await eventually(async () => ((await pair.b.unacknowledged()).length === 0 ? true : undefined));
    await pair.close();
  });

  it('[REMOTE-ABORT] a signal that is aborted already sends nothing', async () => {
    const pair = await makePair({ serve: [tool('work', () => 1)] });
    const calling = pair.a.call(pair.b.did, 'work', {}, { capability: pair.capability, signal: AbortSignal.abort(new Error('not now')) });
    await expect(calling).rejects.toThrow('not now');
    expect(await receiptsIn(pair.a)).toEqual([]);
    await pair.close();
  });

  it('[REMOTE-CALL] without a session there is nothing to call over, and misuse is told at once', async () => {
    const pair = await makePair({ serve: [tool('work', () => 1)] });
    const options = { capability: pair.capability };
    await expect(
      pair.b.call(pair.a.did, 'work', {}, { capability: await pair.a.grant({ to: pair.b.did, at: pair.a.did, tools: { work: {} } }) }),
    ).rejects.toMatchObject({ code: 'TALOS_SESSION_UNKNOWN' });
    await expect(pair.a.call(pair.b.did, 'work', { f: () => 1 }, options)).rejects.toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    await expect(pair.a.call(pair.b.did, 'work', {}, { capability: 'x' })).rejects.toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    await expect(pair.a.call(pair.b.did, 'work', {}, { ...options, timeoutMs: 0 })).rejects.toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    await pair.close();
  });
});
