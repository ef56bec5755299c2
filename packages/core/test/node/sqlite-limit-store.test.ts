import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { Charge } from '../../src/capability/limit-store.ts';
import { sqliteLimitStore } from '../../src/node/sqlite-limit-store.ts';
import { SqliteState } from '../../src/node/sqlite-state.ts';
import { limitStoreSuite } from '../../src/testing/limit-store-suite.ts';
import { codeOf } from '../errors/code-of.ts';

const folder = mkdtempSync(join(tmpdir(), 'talos-state-'));
let files = 0;
const freshPath = (): string => join(folder, `${files++}.db`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const open = (path: string, now = Date.now()) => {
  const state = new SqliteState({ path, env: { now: () => now } });
  return { state, store: sqliteLimitStore(state) };
};

const shared = (max: number): Charge => ({ key: 'shared', rule: { kind: 'total', max }, amount: 1, from: Date.now() + 1000, until: Date.now() + 60_000 });

describe('SQLite limit store', () => {
  const source = {
    create: async (sinceMs: number) => {
      const path = freshPath();
      let { state, store } = open(path, sinceMs);
      const reopen = async () => {
        state.close();
        ({ state, store } = open(path, sinceMs + 5000));
        return store;
      };
      return { store, reopen, close: async () => state.close() };
    },
  };
  for (const { name, run } of limitStoreSuite(source)) it(`[STATE-LIMIT-STORE] ${name}`, () => expect(run()).resolves.toBeUndefined());

  it('[STATE-PROCESSES] four processes at once take what is there and not one more', async () => {
    const path = freshPath();
    const { state } = open(path);
    const taken = await Promise.all(Array.from({ length: 4 }, () => child(path, '30', '50').printed));
    expect(taken.reduce((sum, n) => sum + n, 0)).toBe(50);
    expect(state.db.prepare('SELECT used, held FROM counter').get()).toEqual({ used: 50, held: 0 });
    state.close();
  });

  it('[STATE-CRASH] what a killed process had reserved is spent', async () => {
    const path = freshPath();
    const victim = child(path, '2', '3', 'hang');
    expect(await victim.printed).toBe(2);
    victim.process.kill('SIGKILL');
    await new Promise((resolve) => victim.process.on('exit', resolve));
    const { state, store } = open(path);
    expect(await store.reserve([shared(3)], Date.now())).toBeUndefined();
    expect(await store.reserve([shared(3)], Date.now())).toMatchObject({ reason: 'full' });
    state.close();
  });

  it('[STATE-LOST] a file that was deleted, or lost its first row, refuses what was issued before', async () => {
    const path = freshPath();
    const before = open(path, 1000);
    const charge: Charge = { ...shared(5), from: 2000 };
    expect(await before.store.reserve([charge], 2000)).toBeUndefined();
    before.state.close();
    for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file, { force: true });
    const after = open(path, 60_000);
    expect(await after.store.reserve([charge], 60_000)).toEqual({ charge: 0, reason: 'lost' });
    after.state.db.exec('DELETE FROM meta');
    expect(await after.store.reserve([{ ...charge, from: 90_000 }], 90_000)).toEqual({ charge: 0, reason: 'lost' });
    after.state.close();
  });

  it('[STATE-LOST] a counter that was damaged refuses', async () => {
    const { state, store } = open(freshPath());
    expect(await store.reserve([shared(5)], Date.now())).toBeUndefined();
    state.db.exec('UPDATE counter SET held = -100');
    expect(await store.reserve([shared(5)], Date.now())).toEqual({ charge: 0, reason: 'lost' });
    state.close();
  });

  it('[STATE-PRIVATE-FILE] the file is readable by its owner only', () => {
    const path = freshPath();
    const { state } = open(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    state.close();
  });

  it("[STATE-BAD-FILE] another program's file, a stump and a missing folder give coded errors; a closed one too", async () => {
    const garbage = freshPath();
    writeFileSync(garbage, 'not a database, but long enough to hold a header of one hundred bytes '.repeat(30));
    expect(codeOf(() => open(garbage))).toBe('TALOS_STORE_CORRUPT');
    const stump = freshPath();
    writeFileSync(stump, 'x');
    expect(codeOf(() => open(stump))).toBe('TALOS_STORE_CORRUPT');
    const other = freshPath();
    new DatabaseSync(other).exec('CREATE TABLE theirs (x); PRAGMA user_version = 7');
    expect(codeOf(() => open(other))).toBe('TALOS_STORE_CORRUPT');
    expect(codeOf(() => open(join(folder, 'missing', 'x.db')))).toBe('TALOS_STORE_READ_FAILED');
    const { state, store } = open(freshPath());
    state.close();
    await expect(store.reserve([shared(1)], Date.now())).rejects.toMatchObject({ code: 'TALOS_USAGE_CLOSED' });
  });
});

function child(...args: string[]) {
  const file = fileURLToPath(new URL('./sqlite-limit-child.ts', import.meta.url));
  const process_ = spawn(process.execPath, ['--conditions=@talosprotocol/source', file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const printed = new Promise<number>((resolve, reject) => {
    process_.stdout.once('data', (text: Buffer) => resolve(Number(text.toString())));
    process_.once('exit', (code) => (code === 0 ? undefined : reject(new Error(`exit ${code}`))));
  });
  return { process: process_, printed };
}
