import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { openSqliteCalls } from '../../src/node/sqlite-call-store.ts';
import { callStoreSuite } from '../../src/testing/call-store-suite.ts';
import { callee, caller } from '../receipt/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'talos-calls-'));
let files = 0;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('SQLite call store', () => {
  const key = new Uint8Array(32).fill(5);
  const source = {
    create: async (sinceMs: number) => {
      const path = join(folder, `${files++}.db`);
      let calls = await openSqliteCalls({ path, sinceMs, key });
      const reopen = async () => {
        await calls.close();
        calls = await openSqliteCalls({ path, sinceMs: sinceMs + 60_000, key });
        return calls.of(callee.did);
      };
      return { store: calls.of(callee.did), reopen, close: () => calls.close() };
    },
  };
  for (const { name, run } of callStoreSuite(source)) it(`[REMOTE-CALL-STORE] ${name}`, () => expect(run()).resolves.toBeUndefined());

  it('[REMOTE-CALL-STORE] agents of one file do not see each other’s calls, and no answer is on disk in clear', async () => {
    const path = join(folder, 'agents.db');
    const calls = await openSqliteCalls({ path, sinceMs: 0, key });
    const claim = { id: 'i', request: 'r', peer: caller.did, token: 't', from: 1000, until: 60_000 };
    const [one, two] = [calls.of(callee.did), calls.of(caller.did)];
    await one.claim(claim, 1000);
    await one.settle('i', new TextEncoder().encode('a secret of the tool'), 1000);
    expect(await two.claim(claim, 1000)).toEqual({ verdict: 'new' });
    expect(await two.find('r')).not.toHaveProperty('answer');
    const other = await openSqliteCalls({ path, sinceMs: 0, key: new Uint8Array(32) });
    await expect(other.of(callee.did).find('r')).rejects.toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    await other.close();
    await calls.close();
    expect(readFileSync(path).toString('latin1')).not.toContain('a secret of the tool');
  });

  it('[REMOTE-CALL-STORE] an acknowledgement that nobody waited for is kept when the store is closed', async () => {
    const path = join(folder, 'acknowledged.db');
    const calls = await openSqliteCalls({ path, sinceMs: 0, key });
    const store = calls.of(callee.did);
    await store.claim({ id: 'i', request: 'r', peer: caller.did, token: 't', from: 1000, until: 60_000 }, 1000);
    await store.settle('i', Uint8Array.of(1), 1000);
    const acknowledged = store.acknowledge('r');
    await calls.close();
    await acknowledged;
    const again = await openSqliteCalls({ path, sinceMs: 0, key });
    expect(await again.of(callee.did).unacknowledged(10)).toEqual([]);
    await again.close();
  });

  it('[REMOTE-CALL-STORE] a call is found by the index of its request: all calls of an agent are never read for one', async () => {
    const path = join(folder, 'indexed.db');
    await (await openSqliteCalls({ path, sinceMs: 0, key })).close();
    const db = new DatabaseSync(path);
    db.exec('DROP INDEX call_request');
    db.close();
    // Statements that do without it would go on, and take longer with every call that was served.
    await expect(openSqliteCalls({ path, sinceMs: 0, key })).rejects.toMatchObject({ code: 'TALOS_STORE_READ_FAILED' });
  });

  it('[REMOTE-CALL-STORE] of two processes’ connections one is told that a call is new', async () => {
    const path = join(folder, 'two.db');
    const opened = await Promise.all([openSqliteCalls({ path, sinceMs: 0, key }), openSqliteCalls({ path, sinceMs: 0, key })]);
    const claim = { id: 'i', request: 'r', peer: caller.did, token: 't', from: 1000, until: 60_000 };
    const verdicts = await Promise.all(opened.map((calls) => calls.of(callee.did).claim(claim, 1000)));
    expect(verdicts.map(({ verdict }) => verdict).toSorted()).toEqual(['new', 'seen']);
    const answers = await Promise.all(opened.map((calls, i) => calls.of(callee.did).settle('i', Uint8Array.of(i), 1000)));
    expect(answers[0]).toEqual(answers[1]);
    await Promise.all(opened.map((calls) => calls.close()));
  });
});
