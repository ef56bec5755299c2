import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TalosClient } from '@talosprotocol/core';
import { memoryKeyStore, type AgentId } from '@talosprotocol/core/identity';
import { memoryTransport } from '@talosprotocol/core/message';
import { afterAll, describe, expect, it } from 'vitest';
import { postgresApprovalStore } from '../src/postgres-approval-store.ts';
import { postgresHome } from '../src/postgres-home.ts';
import { postgresLimitStore } from '../src/postgres-limit-store.ts';
import { postgresReplayStore } from '../src/postgres-replay-store.ts';
import { postgresRevocationStore } from '../src/postgres-revocation-store.ts';
import { postgresSessionStore } from '../src/postgres-session-store.ts';
import { caught, freshLog, noServer, openState, sql, url } from './support.ts';

const stateDir = mkdtempSync(join(tmpdir(), 'talos-pg-state-'));
afterAll(() => rmSync(stateDir, { recursive: true, force: true }));

const agent = 'did:key:z6Mkagent' as AgentId;
const peer = 'did:key:z6Mkpeer' as AgentId;
const mallory = 'did:key:z6Mkmallory' as AgentId;
const key = new Uint8Array(32).fill(5);
const now = 1_767_225_600_000;
const hexOf = (text: string): string => `'\\x${Buffer.from(text).toString('hex')}'`;

/** Everything that a process reads of sessions. */
async function readSessions(home: string, as = agent): Promise<void> {
  const state = await openState({ home, part: 'sessions' });
  try {
    const store = postgresSessionStore(state, { agent: as, key });
    await store.load('s');
    await store.load('t');
    await store.outbox();
    await store.inbox();
    for (const each of [peer, mallory]) await store.kept(each);
    for (const kind of ['signed', 'oneTime'] as const) await store.prekeys(kind);
    await store.commit('s', 2, { state: new Uint8Array(9), peer });
  } finally {
    await state.close();
  }
}

describe.skipIf(noServer !== undefined)(`hostile rows of sessions and rights${noServer === undefined ? '' : `: ${noServer}`}`, () => {
  it('[PG-STATE-HOSTILE] what was changed, moved to another row, version, agent or peer, or is no value of ours, does not open', async () => {
    const home = freshLog();
    const state = await openState({ home, part: 'sessions' });
    const store = postgresSessionStore(state, { agent, key });
    const secret = new Uint8Array(96).fill(3);
    await store.addPrekeys([1, 2].map((id) => ({ kind: 'oneTime', id, secret, notAfter: 1 })));
    for (const id of ['s', 't']) {
      const row = { id, sessionId: id, sessionVersion: 1 };
      await store.commit(id, 0, {
        state: secret,
        peer,
        skippedAdded: [1, 2].map((number) => ({ chain: 1, number, messageKey: secret, storedAt: 1 })),
        outbox: [{ ...row, to: peer, frame: secret }],
        inbox: [{ ...row, from: peer, contents: secret, frameBytes: 1, receivedAt: 1 }],
        kept: [{ id, sessionId: id, to: peer, contents: secret, keptAt: 1 }],
      });
      await store.commit(id, 1, { state: secret, peer });
    }
    await state.close();
    const flip = (column: string) => `${column} = set_byte(${column}, 40, get_byte(${column}, 40) # 4)`;
    const [s, t] = [hexOf('s'), hexOf('t')];
    const edits = [
      `UPDATE session SET ${flip('state')}`,
      'UPDATE session SET version = version + 1',
      'UPDATE session SET version = -1',
      "UPDATE session SET state = ''",
      `UPDATE session SET state = (SELECT state FROM session WHERE id = ${s}) WHERE id = ${t}`,
      `DELETE FROM session WHERE id = ${s}; UPDATE session SET id = ${s}`,
      `UPDATE skipped SET ${flip('key')}`,
      'UPDATE skipped SET number = number + 5',
      'UPDATE skipped SET chain = -1',
      'UPDATE skipped SET stored_at = 9007199254740993',
      `UPDATE inbox SET ${flip('contents')}`,
      `UPDATE inbox SET peer = ${hexOf(mallory)}`,
      "UPDATE inbox SET peer = '\\xff'",
      'UPDATE inbox SET received_at = -1',
      `UPDATE kept SET ${flip('contents')}`,
      `UPDATE kept SET peer = ${hexOf(mallory)}`,
      'UPDATE prekey SET id = id + 7',
      "UPDATE prekey SET kind = 'signed'",
      'UPDATE prekey SET secret = (SELECT secret FROM prekey WHERE id = 1)',
      "UPDATE outbox SET peer = '\\xff'",
      'UPDATE outbox SET version = -3',
      'ALTER TABLE inbox RENAME COLUMN contents TO words',
      'DROP TABLE kept',
    ];
    for (const edit of edits) {
      const copy = freshLog();
      await copySessions(home, copy);
      await sql(`SET search_path = "${copy}"; ${edit}`);
      expect((await caught(() => readSessions(copy))).code, edit).toBe('TALOS_STORE_CORRUPT');
    }
    for (const table of ['session', 'skipped', 'inbox', 'kept', 'prekey']) {
      const copy = freshLog();
      await copySessions(home, copy);
      const gone = ['inbox', 'kept', 'prekey', 'session', 'skipped'].filter((each) => each !== table && !(table === 'skipped' && each === 'session'));
      await sql(
        `SET search_path = "${copy}"; ${gone.map((each) => `DELETE FROM ${each}`).join(';')}; UPDATE ${table === 'skipped' ? 'session' : table} SET agent = ${hexOf(mallory)}`,
      );
      expect((await caught(() => readSessions(copy, mallory))).code, `${table} of another agent`).toBe('TALOS_STORE_CORRUPT');
    }
    const whole = freshLog();
    await copySessions(home, whole);
    await readSessions(whole);
  });

  it('[PG-STATE-HOSTILE] rights that are no numbers of ours are refused, not guessed', async () => {
    const charge = { key: 'a', rule: { kind: 'total', max: 5 }, amount: 1, from: now, until: now + 60_000 } as const;
    const edits = [
      'UPDATE counter SET used = -1',
      'UPDATE counter SET held = 9007199254740993',
      'UPDATE rights SET purged = -5',
      'DELETE FROM rights',
      'DROP TABLE counter',
      "UPDATE approval_request SET body = '\\xff'",
      "UPDATE revocation_list SET head = '\\xff'",
    ];
    for (const edit of edits) {
      const home = freshLog();
      const state = await openState({ home, part: 'rights' });
      const limits = postgresLimitStore(state);
      const approvals = postgresApprovalStore(state);
      const revocations = postgresRevocationStore(state);
      await limits.reserve([charge], now);
      await approvals.addRequest({ id: 'r', place: 'p', body: 'b', until: now }, 0);
      await revocations.append({ issuer: 'i', expectedHead: undefined, segments: ['t'], head: 'h' });
      await sql(`SET search_path = "${home}"; ${edit}`);
      const refused = async (): Promise<void> => {
        await limits.reserve([charge], now);
        await postgresReplayStore(state).add({ id: 'p', from: now, until: now + 1 }, now);
        await approvals.requests();
        await revocations.load();
      };
      expect((await caught(refused)).code, edit).toBe('TALOS_STORE_CORRUPT');
      await state.close();
    }
  });

  it('[PG-STATE-HOSTILE] a session that was put under another peer encrypts nothing for it', async () => {
    const [home, keys, transport] = [freshLog(), memoryKeyStore(), memoryTransport()];
    const start = () => TalosClient.create('alice', { stores: postgresHome(url, { log: home, keys, stateDir }), transport });
    const alice = await start();
    const bob = await TalosClient.create('bob', { transport });
    const eve = await TalosClient.create('eve', { transport });
    await alice.establishSession(eve.did, await eve.bundle());
    await alice.send(eve.did, 'hello');
    await alice.close();
    await sql(`UPDATE "${home}".session SET peer = ${hexOf(bob.did)}`);
    const again = await start();
    expect(await caught(() => again.send(bob.did, 'for bob alone'))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    for (const client of [again, bob, eve]) await client.close();
  });

  it('[PG-STATE-FENCE] sessions of a database that was restored from a backup do not send, on a machine that sent more since', async () => {
    const [home, keys, transport] = [freshLog(), memoryKeyStore(), memoryTransport()];
    const start = () => TalosClient.create('alice', { stores: postgresHome(url, { log: home, keys, stateDir }), transport });
    const bob = await TalosClient.create('bob', { transport });
    let alice = await start();
    await alice.establishSession(bob.did, await bob.bundle());
    await alice.send(bob.did, 'one');
    await alice.close();
    await sql(`CREATE TABLE "${home}".backup AS TABLE "${home}".session`);
    alice = await start();
    await alice.send(bob.did, 'two');
    await alice.close();
    await sql(`UPDATE "${home}".session s SET version = b.version, state = b.state FROM "${home}".backup b WHERE s.seq = b.seq`);
    alice = await start();
    expect(await caught(() => alice.send(bob.did, 'two again'))).toMatchObject({ code: 'TALOS_SESSION_ROLLED_BACK' });
    for (const client of [alice, bob]) await client.close();
  });
});

async function copySessions(from: string, to: string): Promise<void> {
  const tables = ['session_format', 'session', 'skipped', 'opened', 'outbox', 'inbox', 'kept', 'prekey', 'ephemeral'];
  const copies = tables.map(
    (table) => `CREATE TABLE "${to}".${table} (LIKE "${from}".${table} INCLUDING ALL); INSERT INTO "${to}".${table} SELECT * FROM "${from}".${table}`,
  );
  await sql(`CREATE SCHEMA "${to}"; CREATE SEQUENCE "${to}".commit_place START 1000; ${copies.join(';')}`);
}
