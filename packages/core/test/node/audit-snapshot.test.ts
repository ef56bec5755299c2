import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import type { StoreUpkeep } from '../../src/audit/audit-store.ts';
import { fsck } from '../../src/audit/fsck.ts';
import { storeSource } from '../../src/audit/fsck-source.ts';
import { readAuditLog } from '../../src/audit/log-reader.ts';
import { verifyEntryProof } from '../../src/audit/entry-proof.ts';
import { verifyConsistency } from '../../src/audit/consistency.ts';
import { verifyRange } from '../../src/audit/range.ts';
import { formatVerifierKey, makeVerifierKey } from '../../src/audit/verifier-key.ts';
import { TalosClient } from '../../src/client/talos-client.ts';
import { systemEnv } from '../../src/env/env.ts';
import { assembleEvidence } from '../../src/evidence/assemble-evidence.ts';
import { verifyEvidence } from '../../src/evidence/verify-evidence.ts';
import { nodeHome } from '../../src/node/node-home.ts';
import { readHomeLog } from '../../src/node/read-home-log.ts';
import { openSqliteAuditSnapshot, openSqliteAuditStore } from '../../src/node/sqlite-audit-store.ts';
import { exportTiles, openTileDirectory } from '../../src/node/tile-directory.ts';
import { caught, testSigner } from '../audit/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'talos-snapshot-'));
let folders = 0;
const fresh = (): string => {
  const dir = join(folder, String(folders++));
  mkdirSync(dir);
  return dir;
};
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const verifierKey = formatVerifierKey(makeVerifierKey('crash.example', testSigner().publicKey));

/** A process that appends until it is killed. Resolves when it has acknowledged so many. */
async function startWriter(
  path: string,
  lines: number,
): Promise<{ readonly written: () => number; readonly kill: () => Promise<void>; readonly more: (n: number) => Promise<void> }> {
  const file = fileURLToPath(new URL('./sqlite-audit-child.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@talosprotocol/source', '--disable-warning=ExperimentalWarning', file, path, '4'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let count = 0;
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    count += text.split('\n').length - 1;
    for (const check of waiting) check();
  });
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const more = (n: number): Promise<void> => {
    const until = count + n;
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (count < until) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      void closed.then(() => reject(new Error('the writer ended')));
      check();
    });
  };
  await more(lines);
  return {
    written: () => count,
    more,
    kill: async () => {
      child.kill('SIGKILL');
      await closed;
    },
  };
}

describe('a snapshot of the log', () => {
  it('[AUDIT-SNAPSHOT] is checked, exported and proved from while another process writes, and stays what it was', { timeout: 120_000 }, async () => {
    const dir = fresh();
    const path = join(dir, 'audit.db');
    const writer = await startWriter(path, 600);
    try {
      expect(await caught(() => openSqliteAuditStore({ path }))).toMatchObject({ code: 'TALOS_STORE_CONFLICT' });
      const store = await openSqliteAuditSnapshot({ path });
      const { size } = await store.loadHead();
      expect(size).toBeGreaterThanOrEqual(600);
      await writer.more(600);
      const report = await fsck(storeSource(store), { verifierKey });
      expect(report).toMatchObject({ size, sound: true });
      expect(report.findings.filter(({ about }) => about === 'integrity')).toEqual([]);
      const log = await readAuditLog({ store, verifierKey });
      const text = await assembleEvidence({
        logs: [{ log, entries: [3, 90], ranges: [{ start: 10, end: 80 }], disclose: [{ index: 90, fields: ['args'] }], since: [1] }],
      });
      await writer.more(200);
      // Of a size that was never signed there is a proof, and no head to hold it against.
      const { claims } = await verifyEvidence(text, { logs: [verifierKey] });
      expect(claims.filter(({ status }) => status === 'failed')).toEqual([]);
      expect(claims.filter(({ kind, status }) => status === 'verified' && (kind === 'entry' || kind === 'range' || kind === 'disclosure'))).toHaveLength(4);
      const tiles = join(dir, 'tiles');
      const exported = await exportTiles({ store, dir: tiles, verifierKey });
      expect(await fsck(await openTileDirectory(tiles), { verifierKey })).toMatchObject({ size: exported.size, sound: true });
      expect((await store.loadHead()).size).toBe(size);
      await store.close();
      const later = await openSqliteAuditSnapshot({ path });
      expect((await later.loadHead()).size).toBeGreaterThan(size);
      await later.close();
    } finally {
      await writer.kill();
    }
    // The killed writer left its WAL: a reader sees all that was acknowledged.
    const after = await openSqliteAuditSnapshot({ path });
    expect((await after.loadHead()).size).toBeGreaterThanOrEqual(writer.written());
    expect(await fsck(storeSource(after), { verifierKey })).toMatchObject({ sound: true });
    await after.close();
  });

  it('[AUDIT-SNAPSHOT] takes no lock, writes nothing, and makes no file', async () => {
    const dir = fresh();
    const path = join(dir, 'audit.db');
    expect(await caught(() => openSqliteAuditSnapshot({ path }))).toMatchObject({ code: 'TALOS_STORE_READ_FAILED' });
    expect(readdirSync(dir)).toEqual([]);
    const store = await openSqliteAuditStore({ path });
    const log = await openAuditLog({ store, signer: testSigner(), origin: 'crash.example', env: systemEnv });
    await log.append({ type: 'config', n: 1 });
    await log.close();
    await store.close();
    const snapshot = await openSqliteAuditSnapshot({ path });
    const writing = snapshot as Awaited<ReturnType<typeof openSqliteAuditStore>>;
    const head = await snapshot.loadHead();
    expect(await caught(() => writing.append({ expected: head, head, rows: [] }))).toMatchObject({ code: 'TALOS_STORE_WRITE_FAILED' });
    expect(await caught(() => writing.saveCheckpoint({ size: 1, note: 'x' }))).toMatchObject({ code: 'TALOS_STORE_WRITE_FAILED' });
    // The writer comes and goes beside it.
    const again = await openSqliteAuditStore({ path });
    const more = await openAuditLog({ store: again, signer: testSigner(), origin: 'crash.example', env: systemEnv });
    expect(more.size).toBeGreaterThan(head.size);
    expect(await snapshot.loadHead()).toEqual(head);
    await more.close();
    await again.close();
    await snapshot.close();
    expect(await caught(() => snapshot.loadHead())).toMatchObject({ code: 'TALOS_USAGE_CLOSED' });
  });

  it('[AUDIT-SNAPSHOT] answers every read as the writer does, and refuses every write', async () => {
    const path = join(fresh(), 'audit.db');
    const store = await openSqliteAuditStore({ path });
    const log = await openAuditLog({ store, signer: testSigner(), origin: 'crash.example', env: systemEnv });
    const { index } = await log.append({ type: 'config', id: 'an-id', commit: { args: 'a payload' } });
    await log.checkpoint();
    await store.saveCosignature({ size: log.size, line: 'a line' });
    await log.close();
    const snapshot = (await openSqliteAuditSnapshot({ path })) as typeof store;
    const reads: readonly ((from: typeof store) => Promise<unknown>)[] = [
      (from) => from.loadHead(),
      (from) => from.loadRows(0, 9),
      (from) => from.loadNodes([{ level: 1, index: 0 }]),
      (from) => from.find('id', 'an-id'),
      (from) => from.loadOpenings(index),
      (from) => from.loadCheckpoint(),
      (from) => from.loadCheckpoint(index + 1),
      (from) => from.loadCheckpoints(0, 9),
      (from) => from.loadCosignatures(0, 9),
    ];
    for (const read of reads) {
      const written = await read(store);
      expect(written).toBeDefined();
      expect(written).not.toEqual([]);
      expect(await read(snapshot)).toEqual(written);
    }
    expect(await caught(() => snapshot.loadNodes([{ level: 9, index: 9 }]))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    for (const refused of [
      () => snapshot.saveCosignature({ size: 1, line: 'x' }),
      () => (snapshot.upkeep as StoreUpkeep).pruned(),
      () => (snapshot.upkeep as StoreUpkeep).prune(1),
      () => (snapshot.upkeep as StoreUpkeep).findAll('id', 'an-id', 1),
    ])
      expect(await caught(refused)).toMatchObject({ code: 'TALOS_STORE_WRITE_FAILED' });
    await Promise.all([snapshot.close(), store.close()]);
  });

  it('[AUDIT-SNAPSHOT] a log that was last written before there were witnesses has no cosignatures, and gets no table of them', async () => {
    const path = join(fresh(), 'audit.db');
    await (await openSqliteAuditStore({ path })).close();
    const db = new DatabaseSync(path);
    db.exec('DROP TABLE cosignature');
    db.close();
    const snapshot = await openSqliteAuditSnapshot({ path });
    expect(await snapshot.loadCosignatures(0, 9)).toEqual([]);
    await snapshot.close();
    const store = await openSqliteAuditStore({ path });
    await store.saveCosignature({ size: 1, line: 'a line' });
    expect(await store.loadCosignatures(0, 9)).toEqual([{ size: 1, line: 'a line' }]);
    await store.close();
  });

  it('[AUDIT-SNAPSHOT] a file that is no log, or a damaged one, has a code', async () => {
    const dir = fresh();
    for (const [name, bytes] of [
      ['text', Buffer.from('no database, but long enough to be looked at'.repeat(50))],
      ['empty', Buffer.alloc(0)],
    ] as const) {
      writeFileSync(join(dir, name), bytes);
      expect(await caught(() => openSqliteAuditSnapshot({ path: join(dir, name) }))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    }
    for (const wrong of ['', 7, undefined])
      expect(await caught(() => openSqliteAuditSnapshot({ path: wrong as never }))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
  });
});

describe('the log of a home, read', () => {
  it(
    '[AUDIT-READ-HOME] proves and discloses beside the client that writes it, with its key file or with the reader’s key alone',
    { timeout: 60_000 },
    async () => {
      const dir = fresh();
      const options = { dir: join(dir, 'home'), stateDir: join(dir, 'state'), passphrase: 'correct horse' };
      expect(await caught(() => readHomeLog(options))).toMatchObject({ code: 'TALOS_AUDIT_NOT_FOUND' });
      expect(existsSync(join(dir, 'home', 'audit.db'))).toBe(false);
      const client = await TalosClient.create('agent', { stores: nodeHome(options) });
      try {
        await client.log.checkpoint();
        const reader = await readHomeLog(options);
        expect(reader.log.verifierKey).toBe(client.log.verifierKey);
        await reader.close();
        const { passphrase: _none, ...withoutKey } = options;
        const outsider = await readHomeLog({ ...withoutKey, verifierKey: client.log.verifierKey });
        expect(verifyEntryProof(await outsider.log.proveInclusion(0), client.log.verifierKey).entry.type).toBe('gap');
        await outsider.close();
        const other = formatVerifierKey(makeVerifierKey('other.example', testSigner(3).publicKey));
        expect(await caught(() => readHomeLog({ ...withoutKey, verifierKey: other }))).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
      } finally {
        await client.close();
      }
    },
  );

  it('[AUDIT-READ-HOME] a copy that was cut or exchanged is not read as the log that was signed', async () => {
    const dir = fresh();
    const path = join(dir, 'audit.db');
    const store = await openSqliteAuditStore({ path });
    const log = await openAuditLog({ store, signer: testSigner(), origin: 'crash.example', env: systemEnv });
    for (let n = 0; n < 20; n += 1) await log.append({ type: 'config', n });
    await log.checkpoint();
    const reader = await readAuditLog({ store, verifierKey });
    expect(verifyRange(await reader.proveRange({ start: 0, end: reader.size }), verifierKey).findings).toEqual([]);
    verifyConsistency(await reader.proveConsistency(5));
    expect((await reader.entry(7)).entry['n']).toBe(6);
    expect(await reader.find('id', (await reader.entry(7)).entry.id)).toBe(7);
    for (const asked of [
      () => reader.proveInclusion(reader.size),
      () => reader.proveInclusion(0, 99),
      () => reader.proveInclusion(-1),
      () => reader.proveConsistency(0),
      () => reader.proveRange({ start: 4, end: 4 }),
      () => reader.proveRange({ start: 0, end: 5, size: 5 }),
      () => reader.entry(1.5),
      () => reader.openings(400),
    ])
      expect(await caught(asked)).toMatchObject({ code: 'TALOS_AUDIT_NOT_FOUND' });
    await log.close();
    await store.close();
    const changed = async (name: string, sql: string): Promise<string> => {
      const copy = join(dir, name);
      copyFileSync(path, copy);
      chmodSync(copy, 0o600);
      const db = new DatabaseSync(copy);
      db.exec(sql);
      db.close();
      const snapshot = await openSqliteAuditSnapshot({ path: copy });
      const { code = '' } = await caught(() => readAuditLog({ store: snapshot, verifierKey }));
      await snapshot.close();
      return code;
    };
    expect(await changed('cut.db', 'DELETE FROM entry WHERE i > 10; UPDATE head SET size = 11')).toBe('TALOS_AUDIT_DIVERGED');
    expect(await changed('unsigned.db', 'DELETE FROM checkpoint')).toBe('TALOS_AUDIT_NOT_FOUND');
    expect(await changed('hash.db', 'UPDATE entry SET hashes = zeroblob(length(hashes)) WHERE i = 15')).toBe('TALOS_AUDIT_DIVERGED');
  });
});
