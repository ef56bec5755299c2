import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import type { AuditStore } from '../../src/audit/audit-store.ts';
import { fsck } from '../../src/audit/fsck.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { systemEnv } from '../../src/env/env.ts';
import { exportTiles, openTileDirectory } from '../../src/node/tile-directory.ts';
import { caught, testSigner } from '../audit/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'talos-tiles-'));
let folders = 0;
const fresh = (): string => join(folder, String(folders++));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function grow(store: AuditStore, entries: number): Promise<string> {
  const log = await openAuditLog({ store, signer: testSigner(), origin: 'tiles.example/log', env: systemEnv });
  await Promise.all(Array.from({ length: entries - 2 }, (_, n) => log.append({ type: 'config', n, commit: { secret: `payload-${n}` } })));
  await log.close();
  return log.verifierKey;
}

async function exported(entries: number): Promise<{ readonly dir: string; readonly store: AuditStore; readonly verifierKey: string }> {
  const store = memoryAuditStore();
  const verifierKey = await grow(store, entries);
  const dir = fresh();
  await exportTiles({ store, dir, verifierKey });
  return { dir, store, verifierKey };
}

const files = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(dir, name)).isFile())
    .toSorted();
const check = async (dir: string, verifierKey: string): Promise<string[]> => {
  const { findings } = await fsck(await openTileDirectory(dir), { verifierKey });
  return findings.map(({ code, index }) => `${code} ${index}`);
};

describe('tile directory', () => {
  it('[AUDIT-EXPORT] has the layout of tlog-tiles, and fsck recomputes all of it', async () => {
    const { dir, verifierKey } = await exported(600);
    expect(files(dir)).toEqual([
      'checkpoint',
      'tile/0/000',
      'tile/0/001',
      'tile/0/002.p/88',
      'tile/1/000.p/2',
      'tile/entries/000',
      'tile/entries/001',
      'tile/entries/002.p/88',
    ]);
    expect(statSync(join(dir, 'tile/0/000')).size).toBe(8192);
    const report = await fsck(await openTileDirectory(dir), { verifierKey });
    expect(report).toMatchObject({ size: 600, checkpoints: 1, signedSize: 600, sound: true, findings: [] });
  });

  it('[AUDIT-EXPORT] rows that were emptied in the store, and that no entry says were pruned, take no bundle away', async () => {
    const { dir, store, verifierKey } = await exported(600);
    const before = readFileSync(join(dir, 'tile/entries/001'));
    const emptied = new Proxy(store, {
      get(target, name: keyof AuditStore) {
        if (name !== 'loadRows') return (target[name] as (...args: unknown[]) => unknown).bind(target);
        return async (start: number, end: number) =>
          (await target.loadRows(start, end)).map((row, n) => (start + n === 300 ? { ...row, bytes: new Uint8Array(0) } : row));
      },
    });
    expect(await caught(() => exportTiles({ store: emptied, dir, verifierKey }))).toMatchObject({ code: 'TALOS_AUDIT_DIVERGED' });
    expect(readFileSync(join(dir, 'tile/entries/001'))).toEqual(before);
    expect(await check(dir, verifierKey)).toEqual([]);
  });

  it('[AUDIT-EXPORT] an export is continued: full tiles stay as they are, the tail is written anew', async () => {
    const { dir, store, verifierKey } = await exported(600);
    const before = readFileSync(join(dir, 'tile/0/001'));
    const again = await exportTiles({ store, dir, verifierKey });
    expect(again.written).toBe(0);
    await grow(store, 300);
    expect(await exportTiles({ store, dir, verifierKey })).toMatchObject({ size: 900, written: 5 });
    expect(readFileSync(join(dir, 'tile/0/001'))).toEqual(before);
    expect(await check(dir, verifierKey)).toEqual([]);
  });

  it('[AUDIT-EXPORT] never holds an opening', async () => {
    const { dir } = await exported(20);
    for (const file of files(dir)) expect(readFileSync(join(dir, file)).toString('latin1'), file).not.toContain('payload-');
  });

  it('[AUDIT-EXPORT] another log, a changed tile and a store that is not what was signed are refused, and the checkpoint stays', async () => {
    const { dir, store, verifierKey } = await exported(300);
    const note = readFileSync(join(dir, 'checkpoint'), 'utf8');
    const other = await exported(400);
    expect(await caught(() => exportTiles({ ...other, dir }))).toMatchObject({ code: 'TALOS_AUDIT_DIVERGED' });
    const loadRows = other.store.loadRows.bind(other.store);
    other.store.loadRows = async (start, end) => (await loadRows(start, end)).map((row) => ({ ...row, bytes: row.bytes.with(9, 1) }));
    expect(await caught(() => exportTiles({ ...other, dir: fresh() }))).toMatchObject({ code: 'TALOS_AUDIT_DIVERGED' });
    expect(await caught(() => exportTiles({ store: memoryAuditStore(), dir, verifierKey }))).toMatchObject({ code: 'TALOS_AUDIT_NOT_FOUND' });
    const tile = join(dir, 'tile/0/000');
    writeFileSync(tile, readFileSync(tile).fill(0, 100, 101));
    expect(await caught(() => exportTiles({ store, dir, verifierKey }))).toMatchObject({ code: 'TALOS_AUDIT_DIVERGED' });
    expect(readFileSync(join(dir, 'checkpoint'), 'utf8')).toBe(note);
  });

  it('[AUDIT-FSCK] every damaged, shortened and missing file of an export is found', async () => {
    const { dir, verifierKey } = await exported(600);
    for (const file of files(dir)) {
      for (const damage of ['flip', 'cut', 'remove'] as const) {
        const copy = fresh();
        cpSync(dir, copy, { recursive: true });
        const target = join(copy, file);
        const bytes = readFileSync(target);
        if (damage === 'flip') writeFileSync(target, bytes.with(bytes.length >> 1, (bytes[bytes.length >> 1] as number) ^ 1));
        else if (damage === 'cut') truncateSync(target, bytes.length - 1);
        else rmSync(target);
        const answer = await check(copy, verifierKey).catch((error: { code: string }) => [error.code]);
        expect(answer.join(), `${file} ${damage}`).toMatch(
          file === 'checkpoint' ? /CHECKPOINT_BAD|TALOS_STORE_(CORRUPT|READ_FAILED)|TAIL_MISSING|ENTRY_MISSING/ : /ENTRY_|HASH_CHANGED/,
        );
      }
    }
  });

  it('[AUDIT-EXPORT] a folder that cannot be written, or holds no checkpoint, has a code', async () => {
    const { store, verifierKey } = await exported(10);
    const file = fresh();
    writeFileSync(file, '');
    expect((await caught(() => exportTiles({ store, dir: file, verifierKey }))).code).toMatch(/^TALOS_STORE_(READ|WRITE)_FAILED$/);
    expect(await caught(() => openTileDirectory(fresh()))).toMatchObject({ code: 'TALOS_STORE_READ_FAILED' });
    const empty = fresh();
    mkdirSync(empty);
    writeFileSync(join(empty, 'checkpoint'), 'nonsense');
    expect(await caught(() => openTileDirectory(empty))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
  });
});
