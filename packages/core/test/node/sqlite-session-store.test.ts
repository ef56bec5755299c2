import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { AgentId } from '../../src/identity/agent-id.ts';
import { memoryKeyStore } from '../../src/identity/memory-key-store.ts';
import { loadSessionKey } from '../../src/node/session-row-seal.ts';
import { openSqliteSessions } from '../../src/node/sqlite-session-store.ts';
import { sessionStoreSuite } from '../../src/testing/session-store-suite.ts';
import { rejectionOf } from '../session/support.ts';

const root = mkdtempSync(join(tmpdir(), 'talos-sessions-'));
let folders = 0;
afterAll(() => rmSync(root, { recursive: true, force: true }));

const agent = 'did:key:z6Mkagent' as AgentId;
const peer = 'did:key:z6Mkpeer' as AgentId;
const key = new Uint8Array(32).fill(5);
const freshFolder = () => mkdtempSync(join(root, `${folders++}-`));
const openIn = (folder: string, sealedUnder = key) =>
  openSqliteSessions({ path: join(folder, 'sessions.db'), fencePath: join(folder, 'fence.db'), key: sealedUnder });
const secret = Buffer.from('a secret of forty-two letters, to look for');

describe('SQLite session store', () => {
  const source = {
    create: async () => {
      const folder = freshFolder();
      let sessions = await openIn(folder);
      const reopen = async () => {
        await sessions.close();
        sessions = await openIn(folder);
        return sessions.of(agent).store;
      };
      return { store: sessions.of(agent).store, reopen, close: () => sessions.close() };
    },
  };
  for (const { name, run } of sessionStoreSuite(source)) it(`[STO-SUITE] ${name}`, () => expect(run()).resolves.toBeUndefined());

  it('[STO-PROCESSES] two processes over one file: each commit has one winner, none is lost, the fence has the last', async () => {
    const folder = freshFolder();
    const lost = await Promise.all([runChild(folder, 'a', 150), runChild(folder, 'b', 150)]);
    const sessions = await openIn(folder);
    const { store, fence } = sessions.of(agent);
    expect((await store.load('s'))?.version).toBe(300);
    expect(new Set((await store.outbox()).map(({ id }) => id)).size).toBe(300);
    expect((await store.outbox()).map(({ sessionVersion }) => sessionVersion)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    expect(await fence.read('s')).toBe(300);
    // They did meet: else this test shows nothing.
    expect(lost[0]! + lost[1]!).toBeGreaterThan(0);
    await sessions.close();
  });

  it('[STO-PROCESSES] what is asked in one turn shares a transaction: a commit that lost takes nothing else with it', async () => {
    const folder = freshFolder();
    const sessions = await openIn(folder);
    const { store, fence } = sessions.of(agent);
    const row = (id: string, sessionId: string) => ({ id, sessionId, sessionVersion: 1, to: peer, frame: secret });
    await store.commit('s', 0, { state: secret, peer, outbox: [row('sent', 's')] });
    await fence.raise('s', 1);
    const asked = await Promise.allSettled([
      store.removeOutbox(['sent']),
      store.commit('s', 0, { state: secret, peer, outbox: [row('lost', 's')] }),
      store.commit('t', 0, { state: secret, peer, outbox: [row('kept', 't')] }),
      store.load('t'),
    ]);
    expect(asked.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(asked[1]).toMatchObject({ reason: { code: 'TALOS_STORE_CONFLICT' } });
    expect((await store.outbox()).map(({ id }) => id)).toEqual(['kept']);
    // Whoever has raised the fence raises it after each commit; the store has done it by then.
    expect([await fence.read('s'), await fence.read('t')]).toEqual([1, 1]);
    await sessions.close();
  });

  it('[STO-PROCESSES] rows whose removal nobody waited for are gone when the store is closed', async () => {
    const folder = freshFolder();
    let sessions = await openIn(folder);
    const inbox = [{ id: 'i', sessionId: 's', sessionVersion: 1, from: peer, contents: secret, frameBytes: 1, receivedAt: 1 }];
    const outbox = [{ id: 'o', sessionId: 's', sessionVersion: 1, to: peer, frame: secret }];
    await sessions.of(agent).store.commit('s', 0, { state: secret, peer, inbox, outbox });
    const { store } = sessions.of(agent);
    const removals = [store.removeInbox(['i']), store.removeOutbox(['o'])];
    await sessions.close();
    await Promise.all(removals);
    sessions = await openIn(folder);
    expect([await sessions.of(agent).store.inbox(), await sessions.of(agent).store.outbox()]).toEqual([[], []]);
    await sessions.close();
  });

  it('[MSG-SWEEP] kept contents go by their age, rows of the fence when no copy of their session could send', async () => {
    const folder = freshFolder();
    let sessions = await openIn(folder);
    const { store, fence } = sessions.of(agent);
    const kept = [1, 2, 3].map((keptAt) => ({ id: `k${keptAt}`, sessionId: 's', to: peer, contents: secret, keptAt }));
    await store.commit('s', 0, { state: secret, peer, kept });
    await store.removeKeptBefore(3);
    expect((await store.kept(peer)).map(({ id }) => id)).toEqual(['k3']);
    for (const id of ['old', 'new']) await fence.raise(id, 7);
    await sessions.close();
    const db = new DatabaseSync(join(folder, 'fence.db'));
    db.exec("UPDATE fence SET raised = raised - 15 * 86400 WHERE session = 'old'");
    db.close();
    sessions = await openIn(folder);
    await sessions.of(agent).fence.sweep!();
    expect([await sessions.of(agent).fence.read('old'), await sessions.of(agent).fence.read('new')]).toEqual([0, 7]);
    await sessions.close();
  });

  it('[STO-SEALED] no state, key, prekey or text is on the disk in clear, and the files are their owner’s alone', async () => {
    const folder = freshFolder();
    const sessions = await openIn(folder);
    const { store } = sessions.of(agent);
    await store.addPrekeys([{ kind: 'oneTime', id: 1, secret, notAfter: 1 }]);
    const named = { id: 'i', sessionId: 's', sessionVersion: 1 };
    await store.commit('s', 0, {
      state: secret,
      peer,
      skippedAdded: [{ chain: 1, number: 1, messageKey: secret, storedAt: 1 }],
      inbox: [{ ...named, from: peer, contents: secret, frameBytes: 1, receivedAt: 1 }],
      kept: [{ id: 'k', sessionId: 's', to: peer, contents: secret, keptAt: 1 }],
    });
    const files = ['sessions.db', 'sessions.db-wal', 'fence.db'].map((name) => join(folder, name));
    for (const file of files) {
      expect(readFileSync(file).includes(Buffer.from(secret))).toBe(false);
      if (process.platform !== 'win32') expect(statSync(file).mode & 0o077).toBe(0);
    }
    expect(readFileSync(files[1]!).includes(peer)).toBe(true);
    await sessions.close();
  });

  it('[STO-SEALED] a blob that was moved, changed, put behind another version, or read under another key does not open', async () => {
    const change = async (sql: string): Promise<string> => {
      const folder = freshFolder();
      const sessions = await openIn(folder);
      const { store } = sessions.of(agent);
      for (const id of ['s', 't']) await store.commit(id, 0, { state: secret, peer });
      await sessions.close();
      const db = new DatabaseSync(join(folder, 'sessions.db'));
      db.exec(sql);
      db.close();
      const again = await openIn(folder);
      const code = await rejectionOf(() => again.of(agent).store.load('s'));
      await again.close();
      return code;
    };
    expect(await change('SELECT 1')).toBe('no error');
    expect(await change("UPDATE session SET state = (SELECT state FROM session WHERE id = 't') WHERE id = 's'")).toBe('TALOS_STORE_CORRUPT');
    expect(await change("UPDATE session SET version = 9 WHERE id = 's'")).toBe('TALOS_STORE_CORRUPT');
    expect(await change("UPDATE session SET state = CAST(substr(state, 1, 20) AS BLOB) WHERE id = 's'")).toBe('TALOS_STORE_CORRUPT');
    expect(await change("UPDATE session SET state = CAST(x'02' || substr(state, 2) AS BLOB) WHERE id = 's'")).toBe('TALOS_STORE_CORRUPT');
    const folder = freshFolder();
    const sessions = await openIn(folder);
    await sessions.of(agent).store.commit('s', 0, { state: secret, peer });
    await sessions.close();
    const other = await openIn(folder, new Uint8Array(32).fill(6));
    expect(await rejectionOf(() => other.of(agent).store.load('s'))).toBe('TALOS_STORE_CORRUPT');
    await other.close();
  });

  it('[STO-AGENTS] two agents of one file have the same session id and do not see each other', async () => {
    const sessions = await openIn(freshFolder());
    const [one, two] = [sessions.of(agent), sessions.of(peer)];
    await one.store.commit('s', 0, { state: new Uint8Array(40).fill(1), peer });
    await two.store.commit('s', 0, { state: new Uint8Array(40).fill(2), peer: agent });
    expect((await one.store.load('s'))?.state[0]).toBe(1);
    expect((await two.store.load('s'))?.state[0]).toBe(2);
    expect(await one.store.sessionsWith(agent)).toEqual([]);
    await one.fence.raise('s', 7);
    expect([await one.fence.read('s'), await two.fence.read('s')]).toEqual([7, 0]);
    await sessions.close();
    expect(await rejectionOf(() => one.store.load('s'))).toBe('TALOS_USAGE_CLOSED');
  });

  it('[STO-FENCE] keeps the larger version, over a restart', async () => {
    const folder = freshFolder();
    const first = await openIn(folder);
    await first.of(agent).fence.raise('s', 5);
    await first.of(agent).fence.raise('s', 3);
    await first.close();
    const again = await openIn(folder);
    expect(await again.of(agent).fence.read('s')).toBe(5);
    await again.close();
  });

  it('[STO-SUITE] a file of another program, a stump and a folder that is not there are refused with a code', async () => {
    const folder = freshFolder();
    const path = (name: string) => ({ path: join(folder, name), fencePath: join(folder, 'fence.db'), key });
    const foreign = new DatabaseSync(join(folder, 'foreign.db'));
    foreign.exec('CREATE TABLE t (x)');
    foreign.close();
    writeFileSync(join(folder, 'stump.db'), 'SQLite format 3');
    writeFileSync(join(folder, 'text.db'), 'x'.repeat(5000));
    for (const name of ['foreign.db', 'stump.db', 'text.db']) expect(await rejectionOf(() => openSqliteSessions(path(name)))).toBe('TALOS_STORE_CORRUPT');
    expect(await rejectionOf(() => openSqliteSessions(path('none/sessions.db')))).toBe('TALOS_STORE_READ_FAILED');
  });

  it('[STO-SEALED] the key is drawn once, also by two at once', async () => {
    const keys = memoryKeyStore();
    const [a, b] = await Promise.all([loadSessionKey(keys), loadSessionKey(keys)]);
    expect(a).toEqual(b);
    expect(await loadSessionKey(keys)).toEqual(a);
  });
});

function runChild(folder: string, name: string, count: number): Promise<number> {
  const file = fileURLToPath(new URL('./sqlite-session-child.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@talosprotocol/source', file, folder, name, String(count)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  return new Promise((resolve, reject) =>
    child.on('close', (code) => (code === 0 ? resolve(Number(output)) : reject(new Error(`the child ended with ${code}`)))),
  );
}
