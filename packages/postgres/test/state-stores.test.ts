import { randomBytes } from 'node:crypto';
import type { AgentId } from '@talosprotocol/core/identity';
import { approvalStoreSuite, limitStoreSuite, replayStoreSuite, revocationStoreSuite, sessionStoreSuite } from '@talosprotocol/core/testing';
import { describe, expect, it } from 'vitest';
import { postgresApprovalStore } from '../src/postgres-approval-store.ts';
import { postgresClockStore } from '../src/postgres-clock-store.ts';
import { postgresLimitStore } from '../src/postgres-limit-store.ts';
import { postgresReplayStore } from '../src/postgres-replay-store.ts';
import { postgresRevocationStore } from '../src/postgres-revocation-store.ts';
import { postgresSessionStore } from '../src/postgres-session-store.ts';
import type { PostgresState } from '../src/postgres-state.ts';
import type { StatePart } from '../src/state-sql.ts';
import { postgresTrustStore, type StoredPeer } from '../src/postgres-trust-store.ts';
import { caught, freshLog, noServer, openState, sql } from './support.ts';

const agent = 'did:key:z6Mkagent' as AgentId;
const peer = 'did:key:z6Mkpeer' as AgentId;
const key = new Uint8Array(randomBytes(32));
const sessionsOf = (state: PostgresState) => postgresSessionStore(state, { agent, key });

/** A schema of its own for each case: opened again it is another process's view. */
function source<Store>(part: StatePart, storeOf: (state: PostgresState) => Store) {
  return {
    create: async (sinceMs = 0) => {
      const home = freshLog();
      const opened = [await openState({ home, part, sinceMs })];
      const reopen = async (): Promise<Store> => {
        await opened.at(-1)!.close();
        opened.push(await openState({ home, part, sinceMs: sinceMs + 1 }));
        return storeOf(opened.at(-1)!);
      };
      return { store: storeOf(opened[0]!), reopen, close: async () => void (await Promise.all(opened.map((state) => state.close()))) };
    },
  };
}

describe.skipIf(noServer !== undefined)(`stores of sessions and rights${noServer === undefined ? '' : `: ${noServer}`}`, () => {
  for (const { name, run } of sessionStoreSuite(source('sessions', sessionsOf)))
    it.concurrent(`[PG-STATE-SUITES] session: ${name}`, () => expect(run()).resolves.toBeUndefined(), 60_000);
  for (const { name, run } of limitStoreSuite(source('rights', postgresLimitStore)))
    it.concurrent(`[PG-STATE-SUITES] limit: ${name}`, () => expect(run()).resolves.toBeUndefined(), 60_000);
  for (const { name, run } of replayStoreSuite(source('rights', postgresReplayStore)))
    it.concurrent(`[PG-STATE-SUITES] replay: ${name}`, () => expect(run()).resolves.toBeUndefined(), 60_000);
  for (const { name, run } of approvalStoreSuite(source('rights', postgresApprovalStore)))
    it.concurrent(`[PG-STATE-SUITES] approval: ${name}`, () => expect(run()).resolves.toBeUndefined(), 60_000);
  for (const { name, run } of revocationStoreSuite(source('rights', postgresRevocationStore)))
    it.concurrent(`[PG-STATE-SUITES] revocation: ${name}`, () => expect(run()).resolves.toBeUndefined(), 60_000);

  it('[PG-STATE-SUITES] agents of one schema do not see each other’s rows, kept rows go by age', async () => {
    const state = await openState({ home: freshLog(), part: 'sessions' });
    const [mine, other] = [sessionsOf(state), postgresSessionStore(state, { agent: peer, key })];
    const kept = [1000, 2000, 3000].map((keptAt) => ({ id: `k${keptAt}`, sessionId: 's', to: peer, contents: new Uint8Array(5).fill(1), keptAt }));
    await mine.commit('s', 0, { state: new Uint8Array(9), peer, kept });
    expect(await other.load('s')).toBeUndefined();
    await other.removeKeptBefore(9000);
    await mine.removeKeptBefore(2000);
    expect((await mine.kept(peer)).map(({ keptAt }) => keptAt)).toEqual([2000, 3000]);
    await other.removeSession('s');
    expect((await mine.load('s'))?.version).toBe(1);
    await state.close();
  });

  it('[PG-STATE-CLOCK] the mark only ever rises, whoever raises it, and starts at nothing whatever the server’s clock says', async () => {
    const home = freshLog();
    const states = [await openState({ home, part: 'rights' }), await openState({ home, part: 'rights' })];
    const [a, b] = states.map(postgresClockStore);
    expect(await a!.load()).toBe(0);
    expect(await a!.advance(2000)).toBe(2000);
    expect(await b!.advance(1000)).toBe(2000);
    expect(await b!.load()).toBe(2000);
    for (const state of states) await state.close();
  });

  it('[PG-STATE-SUITES] what is known of a peer is replaced by who knew the last revision alone', async () => {
    const state = await openState({ home: freshLog(), part: 'rights' });
    const store = postgresTrustStore<StoredPeer & { readonly note: string }>(state);
    const known = { did: peer, revision: 1, isRefused: false, note: 'é\u0000' };
    expect(await store.load(agent, peer)).toBeUndefined();
    expect((await caught(() => store.save(agent, { ...known, revision: 2 }))).code).toBe('TALOS_STORE_CONFLICT');
    await store.save(agent, known);
    expect((await caught(() => store.save(agent, known))).code).toBe('TALOS_STORE_CONFLICT');
    expect(await store.load(agent, peer)).toEqual(known);
    expect(await store.isRefused(agent, peer)).toBe(false);
    await store.save(agent, { ...known, revision: 2, isRefused: true });
    expect(await store.isRefused(agent, peer)).toBe(true);
    expect([(await store.all()).length, (await store.all(agent)).length, (await store.all(peer)).length]).toEqual([1, 1, 0]);
    await state.close();
  });
});

describe.skipIf(noServer !== undefined)(`the tables of a home${noServer === undefined ? '' : `: ${noServer}`}`, () => {
  it('[PG-STATE-FIRST-START] processes that begin together make one set of tables, and the first one says since when', async () => {
    const home = freshLog();
    const opened = await Promise.all(Array.from({ length: 6 }, (_, n) => openState({ home, part: n % 2 === 0 ? 'rights' : 'sessions', sinceMs: 1000 + n })));
    const [row] = await sql(`SELECT since::text FROM "${home}".rights`);
    expect(['1000', '1002', '1004']).toContain(row!['since']);
    for (const state of opened) await state.close();
  });

  it('[PG-STATE-SEALED] no state, key, prekey or text is in a table in clear', async () => {
    const home = freshLog();
    const state = await openState({ home, part: 'sessions' });
    const secret = Buffer.from('a secret of forty-two letters, to look for');
    const store = sessionsOf(state);
    await store.addPrekeys([{ kind: 'oneTime', id: 1, secret, notAfter: 1 }]);
    await store.commit('s', 0, {
      state: secret,
      peer,
      skippedAdded: [{ chain: 1, number: 1, messageKey: secret, storedAt: 1 }],
      inbox: [{ id: 'i', sessionId: 's', sessionVersion: 1, from: peer, contents: secret, frameBytes: 1, receivedAt: 1 }],
      kept: [{ id: 'k', sessionId: 's', to: peer, contents: secret, keptAt: 1 }],
    });
    const tables = ['session', 'skipped', 'opened', 'outbox', 'inbox', 'kept', 'prekey', 'ephemeral'];
    const dump = (await Promise.all(tables.map((table) => sql(`SELECT t::text AS row FROM "${home}".${table} t`)))).flat().map(({ row }) => String(row));
    expect(dump.length).toBe(5);
    expect(dump.join()).toContain(Buffer.from(peer).toString('hex'));
    for (const part of [secret.subarray(0, 8), secret.subarray(-8)]) expect(dump.join()).not.toContain(part.toString('hex'));
    await state.close();
  });
});
