import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { AgentId } from '@talosprotocol/core/identity';
import type { SessionWrites } from '@talosprotocol/core/session';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { postgresLimitStore } from '../src/postgres-limit-store.ts';
import { postgresRevocationStore } from '../src/postgres-revocation-store.ts';
import { postgresSessionStore } from '../src/postgres-session-store.ts';
import { PostgresState } from '../src/postgres-state.ts';
import { caught, freshLog, noServer, openState, openStore, sql, url } from './support.ts';

const agent = 'did:key:z6Mkagent' as AgentId;
const peer = 'did:key:z6Mkpeer' as AgentId;
const key = new Uint8Array(32).fill(5);
const now = 1_767_225_600_000;
const charge = { key: 'a', rule: { kind: 'total', max: 5 }, amount: 1, from: now, until: now + 60_000 } as const;

/** Breaks off at the message of the client whose number it is told: before the server gets it, or after. */
async function breakingProxy() {
  let left = Number.POSITIVE_INFINITY;
  let isForwarded = false;
  const sockets = new Set<Socket>();
  const target = new URL(url);
  const server = createServer((client) => {
    const upstream = connect(Number(target.port === '' ? 5432 : target.port), target.hostname);
    const end = (): void => [client, upstream].forEach((socket) => socket.destroy());
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
    upstream.pipe(client);
    client.on('data', (data) => {
      if (--left > 0) upstream.write(data);
      else if (isForwarded) upstream.end(data, () => client.destroy());
      else end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.href,
    breakAt: (message: number, forwarded: boolean) => ([left, isForwarded] = [message, forwarded]),
    close: () => {
      sockets.forEach((socket) => socket.destroy());
      server.close();
    },
  };
}

describe.skipIf(noServer !== undefined)(`a home whose server fails${noServer === undefined ? '' : `: ${noServer}`}`, () => {
  it('[PG-STATE-LOST] wherever the connection breaks in a commit, all of it is there or nothing, and the next one goes on', async () => {
    const home = freshLog();
    const direct = await openState({ home, part: 'sessions' });
    const seen = postgresSessionStore(direct, { agent, key });
    await seen.addPrekeys(Array.from({ length: 60 }, (_, id) => ({ kind: 'oneTime', id, secret: new Uint8Array(96), notAfter: 1 })));
    const proxy = await breakingProxy();
    const outcomes = new Set<string>();
    let number = 0;
    for (const forwarded of [false, true]) {
      for (let message = 1; ; message++) {
        const state = new PostgresState({ url: proxy.url, home, timeoutMs: 60_000 });
        const store = postgresSessionStore(state, { agent, key });
        expect(await store.load('nobody')).toBeUndefined();
        const id = `s${++number}`;
        const row = { id, sessionId: id, sessionVersion: 1 };
        const writes: SessionWrites = {
          state: new Uint8Array(400),
          peer,
          skippedAdded: [{ chain: 1, number: 1, messageKey: new Uint8Array(32), storedAt: 1 }],
          opened: [{ name: '1/0', headerHash: new Uint8Array(8) }],
          outbox: [{ ...row, to: peer, frame: new Uint8Array(9) }],
          inbox: [{ ...row, from: peer, contents: new Uint8Array(9), frameBytes: 9, receivedAt: 1 }],
          kept: [{ id, sessionId: id, to: peer, contents: new Uint8Array(9), keptAt: 1 }],
          consumedOneTimeId: number,
        };
        proxy.breakAt(message, forwarded);
        const outcome = await store.commit(id, 0, writes).then(String, (error: { code?: string }) => error.code ?? String(error));
        proxy.breakAt(Number.POSITIVE_INFINITY, false);
        // Waits for a commit that the server may still be at.
        await sql(`BEGIN; LOCK TABLE "${home}".session IN ACCESS EXCLUSIVE MODE; COMMIT`);
        const found = await seen.load(id);
        const parts = [
          found !== undefined,
          found?.skipped.length === 1,
          (await seen.opened(id, '1/0')) !== undefined,
          (await seen.outbox()).some((each) => each.id === id),
          (await seen.inbox()).some((each) => each.id === id),
          (await seen.kept(peer)).some((each) => each.id === id),
          (await seen.prekey('oneTime', number)) === undefined,
        ];
        expect(new Set(parts).size, `message ${message}: ${parts.join()}`).toBe(1);
        expect(outcome).toMatch(/^(1|TALOS_STORE_WRITE_FAILED)$/);
        if (outcome === '1') expect(parts[0]).toBe(true);
        outcomes.add(`${outcome} ${parts[0]}`);
        // The next one has a connection of its own.
        expect(await store.commit(`${id} again`, 0, { state: new Uint8Array(9), peer })).toBe(1);
        await state.close();
        if (outcome === '1') break;
      }
    }
    // Among them the commit whose answer was lost.
    expect([...outcomes].toSorted()).toEqual(['1 true', 'TALOS_STORE_WRITE_FAILED false', 'TALOS_STORE_WRITE_FAILED true']);
    await direct.close();
    proxy.close();
  });

  it('[PG-STATE-LOST] limits and revocations refuse with a code while nobody answers, and go on afterwards', async () => {
    const home = freshLog();
    await (await openState({ home, part: 'rights' })).close();
    const proxy = await breakingProxy();
    const state = new PostgresState({ url: proxy.url, home, timeoutMs: 60_000 });
    const [limits, revocations] = [postgresLimitStore(state), postgresRevocationStore(state)];
    expect(await limits.reserve([charge], now)).toBeUndefined();
    proxy.breakAt(1, false);
    expect(await caught(() => revocations.hear())).toMatchObject({ code: 'TALOS_STORE_READ_FAILED', retryable: true });
    proxy.breakAt(1, false);
    expect(await caught(() => limits.reserve([charge], now))).toMatchObject({
      code: expect.stringMatching(/^TALOS_STORE_(READ|WRITE)_FAILED$/),
      retryable: true,
    });
    proxy.breakAt(Number.POSITIVE_INFINITY, false);
    await revocations.hear();
    expect(await limits.reserve([{ ...charge, amount: 4 }], now)).toBeUndefined();
    expect((await limits.reserve([charge], now))?.reason).toBe('full');
    await state.close();
    expect(await caught(() => limits.reserve([charge], now))).toMatchObject({ code: 'TALOS_USAGE_CLOSED' });
    proxy.close();
  });

  it('[PG-STATE-TIMEOUT] who waits too long for others gets a conflict, a statement that takes too long ends, and nothing of either is kept', async () => {
    const home = freshLog();
    const patient = await openState({ home, part: 'sessions' });
    const store = postgresSessionStore(patient, { agent, key });
    // For what is to fail alone: on a busy machine anything else may take as long.
    const state = new PostgresState({ url, home, timeoutMs: 1500 });
    await store.commit('s', 0, { state: new Uint8Array(9), peer });
    const holder = new Client({ connectionString: url });
    await holder.connect();
    await holder.query(`BEGIN; UPDATE "${home}".session SET version = version`);
    const next: SessionWrites = {
      state: new Uint8Array(9),
      peer,
      outbox: [{ id: 'o', sessionId: 's', sessionVersion: 2, to: peer, frame: new Uint8Array(1) }],
    };
    expect(await caught(() => postgresSessionStore(state, { agent, key }).commit('s', 1, next))).toMatchObject({
      code: 'TALOS_STORE_CONFLICT',
      retryable: true,
    });
    await holder.query('ROLLBACK');
    await holder.end();
    expect(await caught(() => state.write((run) => run({ text: 'SELECT pg_sleep(600)' })))).toMatchObject({
      code: 'TALOS_STORE_WRITE_FAILED',
      retryable: true,
    });
    expect(await store.outbox()).toEqual([]);
    expect(await store.commit('s', 1, next)).toBe(2);
    for (const each of [state, patient]) await each.close();
  });

  it('[PG-STATE-TIMEOUT] what a role was given decides neither durability nor isolation', async () => {
    const state = new PostgresState({
      url: `${url}${url.includes('?') ? '&' : '?'}options=${encodeURIComponent('-c synchronous_commit=off -c default_transaction_isolation=serializable -c default_transaction_read_only=on')}`,
      home: freshLog(),
      timeoutMs: 30_000,
    });
    await state.open('sessions');
    const [row] = await state.write((run) =>
      run({ text: "SELECT current_setting('synchronous_commit') AS sync, current_setting('transaction_isolation') AS isolation" }),
    );
    expect(row).toEqual({ sync: 'on', isolation: 'read committed' });
    await state.close();
  });
});

describe.skipIf(noServer !== undefined)(`the schema of a home${noServer === undefined ? '' : `: ${noServer}`}`, () => {
  it('[PG-STATE-MIGRATE] a schema that held a log alone gets what it lacks, and its log is as it was', async () => {
    const home = freshLog();
    await (await openStore({ log: home })).close();
    const before = await sql(`SELECT * FROM "${home}".head`);
    for (const part of ['rights', 'sessions'] as const) await (await openState({ home, part, sinceMs: 5000 })).close();
    await (await openState({ home, part: 'rights', sinceMs: 9000 })).close();
    expect(await sql(`SELECT since::text FROM "${home}".rights`)).toEqual([{ since: '5000' }]);
    expect(await sql(`SELECT * FROM "${home}".head`)).toEqual(before);
    await (await openStore({ log: home })).close();
  });

  it('[PG-STATE-MIGRATE] tables of another version or another program, and unlogged ones, are refused and left alone', async () => {
    const edits: readonly (readonly [string, string])[] = [
      ['UPDATE rights SET format = 2', 'TALOS_STORE_CORRUPT'],
      ['DELETE FROM rights', 'TALOS_STORE_CORRUPT'],
      ['ALTER TABLE counter SET UNLOGGED', 'TALOS_STORE_UNSUPPORTED'],
      ['ALTER TABLE rights RENAME COLUMN format TO version', 'TALOS_STORE_CORRUPT'],
    ];
    for (const [edit, code] of edits) {
      const home = freshLog();
      await (await openState({ home, part: 'rights' })).close();
      await sql(`SET search_path = "${home}"; ${edit}`);
      expect((await caught(() => openState({ home, part: 'rights' }))).code, edit).toBe(code);
    }
    const foreign = freshLog();
    await sql(`CREATE SCHEMA "${foreign}"; CREATE TABLE "${foreign}".kept (a integer)`);
    expect(await caught(() => openState({ home: foreign, part: 'sessions' }))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    expect(await sql(`SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'r'`, [foreign])).toEqual([{ relname: 'kept' }]);
  });

  it('[PG-STATE-MIGRATE] a role without the right to create uses what is there', async () => {
    const home = freshLog();
    for (const part of ['rights', 'sessions'] as const) await (await openState({ home, part })).close();
    const role = `${home}_role`;
    const grants = `GRANT USAGE ON SCHEMA "${home}" TO "${role}"; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "${home}" TO "${role}"; GRANT USAGE ON ALL SEQUENCES IN SCHEMA "${home}" TO "${role}"`;
    await sql(`CREATE ROLE "${role}" LOGIN; ${grants}`);
    try {
      const as = new URL(url);
      as.username = role;
      const state = new PostgresState({ url: as.href, home, timeoutMs: 30_000 });
      await state.open('rights');
      await state.open('sessions');
      expect(await postgresSessionStore(state, { agent, key }).commit('s', 0, { state: new Uint8Array(9), peer })).toBe(1);
      expect(await postgresLimitStore(state).reserve([charge], now)).toBeUndefined();
      await state.close();
    } finally {
      await sql(`DROP OWNED BY "${role}"; DROP ROLE "${role}"`);
    }
  });
});
