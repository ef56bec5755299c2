import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { SubjectSeal } from '../../src/node/sealed-subjects.ts';
import { PrivateDatabase } from '../../src/node/sqlite-private-database.ts';
import { openSqlitePrivateReader, openSqlitePrivateStore } from '../../src/node/sqlite-private-store.ts';
import { privateStoreSuite } from '../../src/testing/private-store-suite.ts';
import { caught } from '../audit/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'talos-private-'));
let files = 0;
const fresh = () => ({ path: join(folder, `${++files}.db`), keysPath: join(folder, `${files}-keys.db`) });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const key = new Uint8Array(32).fill(7);
const subjectKey = async () => key;
const ada = { ref: 'r1', key: new Uint8Array(32).fill(0xa1), since: 1 };
const bob = { ref: 'r2', key: new Uint8Array(32).fill(0xb2), since: 2 };

/** Whether a file of the two, its WAL included, holds a name or a key of either person. */
function inClear({ path, keysPath }: { readonly path: string; readonly keysPath: string }): boolean {
  const held = [path, keysPath].flatMap((file) => [file, `${file}-wal`]).filter((file) => existsSync(file));
  return held.some((file) =>
    [...['Ada', 'Bob'].map((name) => Buffer.from(name)), Buffer.from(ada.key), Buffer.from(bob.key)].some((secret) => readFileSync(file).includes(secret)),
  );
}

/** The files as a killed process leaves them: copied while they are open, WAL and all. */
function image({ path, keysPath }: { readonly path: string; readonly keysPath: string }): { readonly path: string; readonly keysPath: string } {
  const copy = fresh();
  for (const [from, to] of [
    [path, copy.path],
    [keysPath, copy.keysPath],
  ] as const)
    for (const end of ['', '-wal']) cpSync(from + end, to + end);
  return copy;
}

describe.each([
  ['in clear', {}],
  ['sealed', { subjectKey }],
])('SQLite private store, persons %s', (_, options) => {
  const source = {
    create: async () => {
      const paths = { ...fresh(), ...options };
      let store = await openSqlitePrivateStore(paths);
      const reopen = async () => {
        await store.close();
        return (store = await openSqlitePrivateStore(paths));
      };
      return { store, reopen };
    },
  };
  for (const { name, run } of privateStoreSuite(source)) it(`[PRIVACY-STORE-CONTRACT] ${name}`, () => expect(run()).resolves.toBeUndefined());
});

describe('SQLite private store', () => {
  it('[PRIVACY-SUBJECTS-SEALED] a sealed file holds no name and no key, and opens nothing under another key', async () => {
    const paths = fresh();
    const store = await openSqlitePrivateStore({ ...paths, subjectKey });
    expect((await store.ensureSubject('Ada', ada)).key).toEqual(ada.key);
    expect((await store.ensureSubject('Ada', bob)).ref).toBe('r1');
    expect(inClear(paths)).toBe(false);
    await store.close();
    expect(inClear(paths)).toBe(false);
    const other = await openSqlitePrivateStore({ ...paths, subjectKey: async () => new Uint8Array(32).fill(8) });
    expect(await other.findSubject('Ada')).toBeUndefined();
    expect(await caught(() => other.loadSubject('r1'))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    await other.close();
    const locked = await openSqlitePrivateReader({ ...paths, subjectKey: () => Promise.reject(new Error('locked')) });
    expect(await caught(() => locked.loadSubject('r1'))).toMatchObject({ message: 'locked' });
    expect(await locked.loadSubject('nobody')).toBeUndefined();
    await locked.close();
  });

  it('[PRIVACY-SUBJECTS-SEALED] rows that were exchanged or changed do not open', async () => {
    const changes = [
      "UPDATE subject SET key = (SELECT key FROM subject WHERE ref = 'r2') WHERE ref = 'r1'",
      "UPDATE subject SET since = 9 WHERE ref = 'r1'",
      "UPDATE subject SET key = x'a1a1' WHERE ref = 'r1'",
      // Bob's row under Ada's name: her next payload would be his, and go with him.
      "CREATE TEMP TABLE t AS SELECT name FROM subject WHERE ref = 'r1'; DELETE FROM subject WHERE ref = 'r1'; UPDATE subject SET name = (SELECT name FROM t)",
    ];
    for (const change of changes) {
      const paths = fresh();
      const store = await openSqlitePrivateStore({ ...paths, subjectKey });
      await store.ensureSubject('Ada', ada);
      await store.ensureSubject('Bob', bob);
      const db = new DatabaseSync(paths.keysPath);
      db.exec(change);
      db.close();
      expect(await caught(() => store.findSubject('Ada')), change).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
      expect(await caught(() => store.ensureSubject('Ada', bob)), change).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
      await store.close();
    }
  });

  it('[PRIVACY-SUBJECTS-SEALED] a file in clear is sealed at opening, without a trace in it or its WAL, also after a crash between the steps', async () => {
    const paths = fresh();
    const database = new PrivateDatabase({ ...paths, readOnly: false });
    database.ensureSubject('Ada', ada);
    database.ensureSubject('Bob', bob);
    const before = image(paths);
    const seal = new SubjectSeal(subjectKey);
    database.sealSubjects(await Promise.all([seal.seal('Ada', ada), seal.seal('Bob', bob)]));
    const between = image(paths);
    database.scrubSubjects();
    const after = image(paths);
    database.close();
    // What is looked for is there before, so that not finding it later means something.
    expect([before, between, after].map(inClear)).toEqual([true, true, false]);
    for (const crashed of [before, between, after]) {
      const store = await openSqlitePrivateStore({ ...crashed, subjectKey });
      expect(inClear(crashed)).toBe(false);
      expect(await store.findSubject('Ada')).toEqual(ada);
      expect(await store.loadSubject('r2')).toEqual(bob);
      await store.close();
      expect(inClear(crashed)).toBe(false);
      const db = new DatabaseSync(crashed.keysPath, { readOnly: true });
      expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 });
      db.close();
    }
  });

  it('[PRIVACY-FILES] payloads and keys are in two files of their owner alone, with one writer', async () => {
    const paths = fresh();
    const store = await openSqlitePrivateStore(paths);
    await store.ensureSubject('Ada', { ref: 'r', key: new Uint8Array(32), since: 1 });
    for (const file of [paths.path, `${paths.path}-wal`, paths.keysPath, `${paths.keysPath}-wal`]) expect(statSync(file).mode & 0o777, file).toBe(0o600);
    expect(await caught(() => openSqlitePrivateStore(paths))).toMatchObject({ code: 'TALOS_STORE_CONFLICT', retryable: true });
    const reader = await openSqlitePrivateReader(paths);
    expect((await reader.loadSubject('r'))?.ref).toBe('r');
    await reader.close();
    await store.close();
    await (await openSqlitePrivateStore(paths)).close();
  });

  it("[PRIVACY-FILES] another program's file, the two files exchanged and files that are not there are refused", async () => {
    const paths = fresh();
    await (await openSqlitePrivateStore(paths)).close();
    const exchanged = { path: paths.keysPath, keysPath: paths.path };
    expect(await caught(() => openSqlitePrivateStore(exchanged))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    writeFileSync(paths.keysPath, 'no database, but long enough to hold the header of one: a hundred bytes '.repeat(20));
    expect(await caught(() => openSqlitePrivateStore(paths))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    expect(await caught(() => openSqlitePrivateReader(fresh()))).toMatchObject({ code: 'TALOS_STORE_READ_FAILED' });
    expect(await caught(() => openSqlitePrivateStore({ path: '', keysPath: 'x' }))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
  });
});
