import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fileSignedHeads } from '../../src/node/file-signed-heads.ts';
import { stateDirOf } from '../../src/node/state-dir.ts';
import { caught } from '../audit/support.ts';
import { dieAtEveryStep } from './writer-steps.ts';

const folder = mkdtempSync(join(tmpdir(), 'talos-heads-'));
let folders = 0;
const fresh = (): string => join(folder, String(folders++));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const origin = 'files.example/log';
const head = (size: number, fill = size): { size: number; root: Uint8Array } => ({ size, root: new Uint8Array(32).fill(fill) });

describe('signed heads in files', () => {
  it('[AUDIT-HEADS-FILE] keeps the last head of each origin, for whoever opens the folder next', async () => {
    const dir = fresh();
    const heads = fileSignedHeads(dir);
    expect(await heads.load(origin)).toBeUndefined();
    await heads.replace({ origin, expected: undefined, head: head(1) });
    await heads.replace({ origin, expected: head(1), head: head(5) });
    await heads.replace({ origin: 'other', expected: undefined, head: head(9) });
    expect(await fileSignedHeads(dir).load(origin)).toEqual(head(5));
    expect(await fileSignedHeads(dir).load('other')).toEqual(head(9));
    expect(readdirSync(dir).length).toBe(2);
  });

  it('[AUDIT-HEADS-FILE] of many processes that replace one head, one wins; the others are told', async () => {
    const dir = fresh();
    await fileSignedHeads(dir).replace({ origin, expected: undefined, head: head(1) });
    for (let size = 1; size < 20; size++) {
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, (_, n) =>
          fileSignedHeads(dir)
            .replace({ origin, expected: size === 1 ? head(1) : head(size, 0), head: head(size + 1, 0) })
            .then(() => n),
        ),
      );
      expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(1);
      for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'TALOS_STORE_CONFLICT' });
      expect((await fileSignedHeads(dir).load(origin))?.size).toBe(size + 1);
    }
    expect(await caught(() => fileSignedHeads(dir).replace({ origin, expected: head(20, 7), head: head(30) }))).toMatchObject({ code: 'TALOS_STORE_CONFLICT' });
    expect(await caught(() => fileSignedHeads(dir).replace({ origin, expected: undefined, head: head(30) }))).toMatchObject({ code: 'TALOS_STORE_CONFLICT' });
  });

  it('[AUDIT-HEADS-FILE] a process that slept between reading and writing finds its number free again, and loses all the same', async () => {
    const dir = fresh();
    const heads = fileSignedHeads(dir);
    await heads.replace({ origin, expected: undefined, head: head(1) });
    const link = fs.link.bind(fs);
    fs.link = async (from, to) => {
      fs.link = link;
      syncBuiltinESMExports();
      // Two others pass by, and clear away the number that this one is about to take.
      await heads.replace({ origin, expected: head(1), head: head(2) });
      await heads.replace({ origin, expected: head(2), head: head(3) });
      return link(from, to);
    };
    syncBuiltinESMExports();
    expect(await caught(() => heads.replace({ origin, expected: head(1), head: head(2, 9) }))).toMatchObject({ code: 'TALOS_STORE_CONFLICT' });
    expect(await heads.load(origin)).toEqual(head(3));
  });

  it('[AUDIT-HEADS-FILE] a damaged file, a file of another origin and a folder that cannot be used have codes', async () => {
    const dir = fresh();
    const heads = fileSignedHeads(dir);
    await heads.replace({ origin, expected: undefined, head: head(3) });
    const file = join(dir, readdirSync(dir)[0] as string);
    const text = readFileSync(file, 'utf8');
    for (const damaged of [text.slice(0, -3), '', text.replace('files', 'piles'), text.replace('\n3\n', '\n03\n'), text.repeat(30)]) {
      writeFileSync(file, damaged);
      expect(await caught(() => heads.load(origin))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
      expect(await caught(() => heads.replace({ origin, expected: undefined, head: head(4) }))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    }
    const inTheWay = fresh();
    writeFileSync(inTheWay, '');
    const error = await caught(() => fileSignedHeads(inTheWay).load(origin));
    expect(error).toMatchObject({ code: 'TALOS_STORE_WRITE_FAILED' });
    expect(error.message).toContain('stateDir');
  });

  it('[AUDIT-STATE-DIR] lies outside the home, by default where the system keeps such state', async () => {
    expect(stateDirOf({ stateDir: '/var/lib/x' }, '/srv/a/.talos')).toBe('/var/lib/x');
    if (process.platform === 'linux') {
      const before = process.env['XDG_STATE_HOME'];
      process.env['XDG_STATE_HOME'] = '/state';
      expect(stateDirOf({}, '/srv/a/.talos')).toBe('/state/talos');
      process.env['XDG_STATE_HOME'] = 'relative';
      expect(stateDirOf({}, '/srv/a/.talos')).toMatch(/\/\.local\/state\/talos$/);
      if (before === undefined) delete process.env['XDG_STATE_HOME'];
      else process.env['XDG_STATE_HOME'] = before;
    }
    for (const [stateDir, dir] of [
      ['/h/state', '/h'],
      ['/h', '/h'],
      ['/h/..state', '/h'],
      ['/h/../h/x', '/h/'],
    ] as const)
      expect(await caught(() => stateDirOf({ stateDir }, dir))).toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
    expect(stateDirOf({ stateDir: '/home2' }, '/home')).toBe('/home2');
  });

  it('[AUDIT-CRASH] kill -9 at steps of the writer: nothing acknowledged is lost, no signed head is forked', async () => {
    const dir = fresh();
    mkdirSync(dir);
    expect(await dieAtEveryStep(dir, { stride: 11 })).toBeGreaterThan(4);
  });
});
