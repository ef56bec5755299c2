import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openSqlitePrivateReader, openSqlitePrivateStore } from '../../src/node/sqlite-private-store.ts';
import { privateStoreSuite } from '../../src/testing/private-store-suite.ts';
import { caught } from '../audit/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'talos-private-'));
let files = 0;
const fresh = () => ({ path: join(folder, `${++files}.db`), keysPath: join(folder, `${files}-keys.db`) });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('SQLite private store', () => {
  const source = {
    create: async () => {
      const paths = fresh();
      let store = await openSqlitePrivateStore(paths);
      const reopen = async () => {
        await store.close();
        return (store = await openSqlitePrivateStore(paths));
      };
      return { store, reopen };
    },
  };
  for (const { name, run } of privateStoreSuite(source)) it(`[PRIVACY-STORE-CONTRACT] ${name}`, () => expect(run()).resolves.toBeUndefined());

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
