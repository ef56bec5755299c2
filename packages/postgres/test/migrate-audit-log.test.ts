import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemEnv } from '@talosprotocol/core';
import {
  acceptFork,
  memoryAuditStore,
  memorySignedHeads,
  openAuditLog,
  parseCheckpoint,
  verifyConsistency,
  verifyEntryProof,
  type AuditStore,
} from '@talosprotocol/core/audit';
import { openSqliteAuditStore } from '@talosprotocol/core/node';
import { afterAll, describe, expect, it } from 'vitest';
import { migrateAuditLog, type MigrationProgress } from '../src/migrate-audit-log.ts';
import { caught, entry, freshLog, hex, noServer, open, openLog, openStore, origin, shut, signer, sql } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'talos-migrate-'));
let files = 0;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A closed log of 1,200 entries with five checkpoints, one of them in the middle of a batch. */
async function fill(store: AuditStore): Promise<{ readonly verifierKey: string; readonly early: string }> {
  const log = await openLog(store);
  await Promise.all(Array.from({ length: 30 }, (_, n) => log.append(entry(n))));
  const early = await log.checkpoint();
  for (let part = 0; part < 3; part++) {
    await Promise.all(Array.from({ length: 389 }, (_, n) => log.append(entry(1000 * part + n))));
    await log.checkpoint();
  }
  const { verifierKey } = log;
  await log.close();
  return { verifierKey, early };
}

/** Fails at the n-th call of a method: what an interrupted run meets. */
function failing(store: AuditStore, method: 'loadRows' | 'append', calls: number): AuditStore {
  let left = calls;
  return new Proxy(store, {
    get(target, name: keyof AuditStore) {
      const value = (target[name] as (...args: unknown[]) => unknown).bind(target);
      return name !== method ? value : (...args: unknown[]) => (left-- > 0 ? value(...args) : Promise.reject(new Error('interrupted')));
    },
  });
}

describe('moving a log between stores', () => {
  it('[PG-MIGRATE] what is copied equals what was there, and the log goes on under its own name', async () => {
    const [from, to] = [memoryAuditStore(), memoryAuditStore()];
    const { verifierKey } = await fill(from);
    const seen: MigrationProgress[] = [];
    const moved = await migrateAuditLog({ from, to, verifierKey, onProgress: (progress) => seen.push(progress) });
    expect(moved).toMatchObject({ size: 1199, origin: 'postgres.example', checkpoints: 5 });
    expect(hex(moved.root)).toBe(hex((await from.loadHead()).root));
    expect(seen.at(-1)).toEqual({ phase: 'verify', done: 1199, size: 1199 });
    expect(seen.filter(({ phase }) => phase === 'copy').map(({ done }) => done)).toEqual([500, 1000, 1199]);
    const log = await openLog(to);
    expect((await log.append(entry(9))).index).toBe(1200);
  });

  it('[PG-MIGRATE] a log that went on under a new epoch is moved with the checkpoints of all its names', async () => {
    const [from, heads] = [memoryAuditStore(), memorySignedHeads()];
    const parts = { store: from, signer, origin, env: systemEnv };
    const { verifierKey: first } = await openAuditLog(parts);
    const log = await openAuditLog(parts);
    await log.close();
    await heads.replace({ origin, expected: undefined, head: { size: 100, root: new Uint8Array(32) } });
    const fork = await acceptFork({ ...parts, heads, acceptFork: true });
    for (const verifierKey of [first, fork.verifierKey]) {
      const to = memoryAuditStore();
      expect(await migrateAuditLog({ from, to, verifierKey })).toMatchObject({ checkpoints: 2, origin: fork.origin });
      const moved = await openAuditLog({ ...parts, store: to, heads });
      expect(moved.origin).toBe(`${origin}/epoch/2`);
      await moved.close();
      await heads.replace({ origin: fork.origin, expected: await heads.load(fork.origin), head: { ...(await from.loadHead()) } });
    }
  });

  it('[PG-MIGRATE-RESUME] an interrupted run is continued, and a finished one repeated changes nothing', async () => {
    const [from, to] = [memoryAuditStore(), memoryAuditStore()];
    const { verifierKey } = await fill(from);
    expect(await caught(() => migrateAuditLog({ from: failing(from, 'loadRows', 2), to, verifierKey }))).toMatchObject({ message: 'interrupted' });
    expect((await to.loadHead()).size).toBe(1000);
    expect(await caught(() => migrateAuditLog({ from, to: failing(to, 'append', 0), verifierKey }))).toMatchObject({ message: 'interrupted' });
    for (let run = 0; run < 2; run++) expect(await migrateAuditLog({ from, to, verifierKey })).toMatchObject({ size: 1199, checkpoints: 5 });
  });

  it('[PG-MIGRATE-REFUSED] another log in the target, another key, a shorter source: nothing is written', async () => {
    const from = memoryAuditStore();
    const { verifierKey } = await fill(from);
    const other = memoryAuditStore();
    const otherLog = await openLog(other);
    await otherLog.append(entry(1));
    const before = await other.loadHead();
    expect(await caught(() => migrateAuditLog({ from, to: other, verifierKey }))).toMatchObject({ code: 'TALOS_AUDIT_DIVERGED' });
    expect(await caught(() => migrateAuditLog({ from: memoryAuditStore(), to: other, verifierKey }))).toMatchObject({ code: 'TALOS_AUDIT_DIVERGED' });
    expect(await other.loadHead()).toEqual(before);
    const fresh = memoryAuditStore();
    const wrong = verifierKey.replace('postgres.example', 'postgres.exampla');
    expect(await caught(() => migrateAuditLog({ from, to: fresh, verifierKey: wrong }))).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
    expect((await fresh.loadHead()).size).toBe(0);
    for (const bad of [undefined, {}, { from, to: from, verifierKey }, { from, to: fresh }, { from: {}, to: fresh, verifierKey }]) {
      expect((await caught(() => migrateAuditLog(bad as never))).code).toMatch(/^TALOS_USAGE_ARGUMENT$/);
    }
  });

  it('[PG-MIGRATE-PROVES] a source that does not prove itself, or a target that does not keep what it got, is found', async () => {
    const from = memoryAuditStore();
    const { verifierKey } = await fill(from);
    const altered = (store: AuditStore, changes: Partial<AuditStore>): AuditStore =>
      new Proxy(store, { get: (target, name: keyof AuditStore) => changes[name] ?? (target[name] as (...args: unknown[]) => unknown).bind(target) });
    const flipped = async (start: number, end: number) =>
      (await from.loadRows(start, end)).map((row, n) => (start + n === 700 ? { ...row, bytes: row.bytes.map((byte, i) => (i === 9 ? byte ^ 1 : byte)) } : row));
    expect(await caught(() => migrateAuditLog({ from: altered(from, { loadRows: flipped }), to: memoryAuditStore(), verifierKey }))).toMatchObject({
      code: 'TALOS_STORE_CORRUPT',
    });
    const shifted = async (at: number, limit: number) => (await from.loadCheckpoints(at, limit)).map(({ size, note }) => ({ size: size + 1, note }));
    expect(await caught(() => migrateAuditLog({ from: altered(from, { loadCheckpoints: shifted }), to: memoryAuditStore(), verifierKey }))).toMatchObject({
      code: 'TALOS_AUDIT_DIVERGED',
    });
    const to = memoryAuditStore();
    const forgetful: readonly Partial<AuditStore>[] = [
      { saveCheckpoint: async () => undefined },
      { loadOpenings: async () => [] },
      { loadRows: async (start, end) => (await to.loadRows(start, end)).map((row) => ({ ...row, bytes: row.bytes.map((byte) => byte ^ 1) })) },
      { loadHead: async () => ({ size: 0, root: (await memoryAuditStore().loadHead()).root }), append: async () => undefined },
    ];
    for (const changes of forgetful) {
      const target = altered(changes.loadRows === undefined ? memoryAuditStore() : to, changes);
      expect(await caught(() => migrateAuditLog({ from, to: target, verifierKey }))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    }
  });
});

describe.skipIf(noServer !== undefined)(`from SQLite to PostgreSQL${noServer === undefined ? '' : `: ${noServer}`}`, () => {
  it('[PG-MIGRATE] old proofs hold, the new log continues the old one provably, and everything is found', async () => {
    const from = await openSqliteAuditStore({ path: join(folder, `${files++}.db`) });
    const { verifierKey, early } = await fill(from);
    const name = freshLog();
    const to = await openStore({ log: name });
    const moved = await migrateAuditLog({ from, to, verifierKey });
    const [oldRow] = await from.loadRows(77, 78);
    const oldOpenings = await from.loadOpenings(77);
    await Promise.all([from.close(), to.close()]);
    const { store, log } = await open(name);
    expect(log.verifierKey).toBe(verifierKey);
    await log.append(entry(5000));
    const { size, root } = parseCheckpoint(early);
    const proof = await log.proveConsistency(size);
    expect(hex(proof.oldRoot)).toBe(hex(root));
    expect(() => verifyConsistency(proof)).not.toThrow();
    expect(verifyEntryProof(await log.proveInclusion(77), verifierKey).index).toBe(77);
    expect(hex((await log.entry(77)).bytes)).toBe(hex(oldRow!.bytes));
    expect((await log.openings(77)).map(({ salt }) => hex(salt))).toEqual(oldOpenings.map(({ salt }) => hex(salt)));
    expect(await log.find('call', 'call-29')).toBe(30);
    expect(moved.size).toBe(1199);
    await shut({ store, log });
  });

  it('[PG-MIGRATE-PROVES] a row that is changed in the database after it was copied is found', async () => {
    const from = memoryAuditStore();
    const { verifierKey } = await fill(from);
    const name = freshLog();
    const to = await openStore({ log: name });
    await migrateAuditLog({ from, to, verifierKey });
    await sql(`UPDATE "${name}".entry SET body = set_byte(body, 20, get_byte(body, 20) # 1) WHERE i = 600`);
    expect(await caught(() => migrateAuditLog({ from, to, verifierKey }))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    await to.close();
  });
});
