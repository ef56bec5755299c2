import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, it } from 'vitest';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { CompactRange, hashLeaf } from '../../src/audit/tree-hash.ts';
import { systemEnv } from '../../src/env/env.ts';
import { openSqliteAuditStore } from '../../src/node/sqlite-audit-store.ts';
import { AuditDatabase } from '../../src/node/sqlite-audit-database.ts';
import { hex, testSigner } from '../audit/support.ts';

/** A disk in memory, where there is one: what is tested is the order of writes, not the disk. */
const quick = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

const folder = mkdtempSync(join(quick, 'talos-wal-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('[AUDIT-DAMAGE] a WAL cut at every byte of a small log leaves whole batches, rows and head that agree, and never fewer than a shorter cut', async () => {
  const path = join(folder, 'audit.db');
  const open = async () => {
    const store = await openSqliteAuditStore({ path });
    return { store, log: await openAuditLog({ store, signer: testSigner(), origin: 'wal.example', env: systemEnv }) };
  };
  // The schema is in the database before: the WAL then holds appends only.
  const before = await open();
  await before.log.close();
  await before.store.close();
  const { store, log } = await open();
  await log.append({ type: 'config', n: 1 });
  await log.append({ type: 'config', n: 2, commit: { args: 'a payload' } });
  const saved = join(folder, 'saved.db');
  for (const suffix of ['', '-wal']) cpSync(path + suffix, saved + suffix);
  await store.close();

  const wal = readFileSync(`${saved}-wal`);
  const database = readFileSync(saved);
  const copy = join(folder, 'copy.db');
  const sizes: number[] = [];
  for (let cut = 0; cut <= wal.length; cut++) {
    rmSync(`${copy}-shm`, { force: true });
    writeFileSync(copy, database);
    writeFileSync(`${copy}-wal`, wal.subarray(0, cut));
    const opened = new AuditDatabase({ path: copy, maxBytes: undefined });
    const head = opened.reads.loadHead();
    const range = new CompactRange();
    for (const { bytes, hashes } of opened.reads.loadRows({ start: 0, end: 100 })) expect(hex(range.append(hashLeaf(bytes)))).toBe(hex(hashes));
    expect(range.size, `cut at ${cut}`).toBe(head?.size);
    expect(hex(range.head().root)).toBe(hex(head?.root ?? new Uint8Array()));
    opened.close();
    if (sizes.at(-1) !== range.size) sizes.push(range.size);
  }
  // Two closed before; then start, and one batch for each append.
  expect(sizes).toEqual([2, 3, 4, 5]);
  const db = new DatabaseSync(saved);
  expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  db.close();
});
