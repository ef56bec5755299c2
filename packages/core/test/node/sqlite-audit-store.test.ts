import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openSqliteAuditStore } from '../../src/node/sqlite-audit-store.ts';
import { checkSqliteVersion } from '../../src/node/sqlite-audit-failure.ts';
import { cosignatureStoreSuite } from '../../src/testing/cosignature-store-suite.ts';
import { auditStoreSuite } from '../../src/testing/audit-store-suite.ts';
import { caught } from '../audit/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'talos-audit-'));
let files = 0;
const freshPath = () => join(folder, `${files++}.db`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('SQLite audit store', () => {
  const source = {
    create: async () => {
      const path = freshPath();
      const store = await openSqliteAuditStore({ path });
      const reopen = async () => {
        await store.close();
        return openSqliteAuditStore({ path });
      };
      return { store, reopen };
    },
  };
  for (const { name, run } of auditStoreSuite(source)) it(`[AUDIT-STORE-CONTRACT] ${name}`, () => expect(run()).resolves.toBeUndefined());

  const cosignatures = {
    create: async () => {
      const { store, reopen } = await source.create();
      let last = store;
      return { store, reopen: async () => (last = await reopen()), close: () => last.close() };
    },
  };
  for (const { name, run } of cosignatureStoreSuite(cosignatures)) it(`[AUDIT-COSIGNATURE-STORE] ${name}`, () => expect(run()).resolves.toBeUndefined());

  it('[AUDIT-ONE-WRITER] a second writer is refused until the first has closed', async () => {
    const path = freshPath();
    const first = await openSqliteAuditStore({ path });
    expect(await caught(() => openSqliteAuditStore({ path }))).toMatchObject({ code: 'TALOS_STORE_CONFLICT', retryable: true });
    await first.loadHead();
    await first.close();
    await (await openSqliteAuditStore({ path })).close();
  });

  it('[AUDIT-SQLITE-VERSION] a SQLite that can lose commits is refused, naming the Node to use', async () => {
    for (const version of ['3.51.2', '3.50.9', '3.8.11', '2.9.9', '']) {
      const error = await caught(() => checkSqliteVersion(version));
      expect(error).toMatchObject({ code: 'TALOS_STORE_UNSUPPORTED' });
      expect(error.message).toMatch(/22\.23.*24\.21/);
    }
    for (const version of ['3.51.3', '3.53.4', '3.51.10', '4.0.0']) checkSqliteVersion(version);
    checkSqliteVersion();
  });

  it('[AUDIT-PRIVATE-FILE] database, WAL and lock are readable by their owner only', async () => {
    const path = freshPath();
    const store = await openSqliteAuditStore({ path });
    await store.saveCheckpoint({ size: 1, note: 'x' });
    for (const file of [path, `${path}-wal`, `${path}-lock`]) expect(statSync(file).mode & 0o777, file).toBe(0o600);
    await store.close();
  });

  it("[AUDIT-BAD-FILE] another program's file, a folder and a missing folder give coded errors", async () => {
    const garbage = freshPath();
    writeFileSync(garbage, 'not a database, but long enough to hold a header of one hundred bytes '.repeat(30));
    expect(await caught(() => openSqliteAuditStore({ path: garbage }))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    expect(await caught(() => openSqliteAuditStore({ path: join(folder, 'missing', 'x.db') }))).toMatchObject({ code: 'TALOS_STORE_READ_FAILED' });
    expect(await caught(() => openSqliteAuditStore({ path: mkdtempSync(join(folder, 'd-')) }))).toMatchObject({ code: 'TALOS_STORE_READ_FAILED' });
    expect(await caught(() => openSqliteAuditStore({ path: '' }))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
  });
});
