import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { fsck } from '../../src/audit/fsck.ts';
import { storeSource } from '../../src/audit/fsck-source.ts';
import { parseEntry } from '../../src/audit/entry.ts';
import { systemEnv } from '../../src/env/env.ts';
import { nodeHome } from '../../src/node/node-home.ts';
import { openSqliteAuditStore } from '../../src/node/sqlite-audit-store.ts';
import { hex } from '../audit/support.ts';

const child = fileURLToPath(new URL('./process-log-child.ts', import.meta.url));
const isDeep = process.env['TALOS_DEEP'] === '1';
const timeout = 240_000;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  while (cleanups.length > 0) await cleanups.pop()?.();
});

type Acknowledged = { readonly index: number; readonly leafHash: string; readonly n: number };
type Process = {
  readonly name: string;
  readonly acknowledged: Acknowledged[];
  /** Resolves with its line when it says so, rejects if it ended before. */
  said(word: string): Promise<string>;
  begin(): void;
  end(): void;
  kill(): void;
  readonly ended: Promise<number | null>;
};

function home(): { readonly dir: string; readonly stateDir: string } {
  const folder = mkdtempSync(join(tmpdir(), 'talos-queue-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return { dir: join(folder, 'home'), stateDir: join(folder, 'state') };
}

function start({ dir, stateDir }: ReturnType<typeof home>, name: string, count: number, ...death: readonly string[]): Process {
  const args = ['--conditions=@talosprotocol/source', '--disable-warning=ExperimentalWarning', child, dir, stateDir, name, String(count), ...death];
  const run: ChildProcess = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  cleanups.push(() => run.kill('SIGKILL'));
  const [lines, acknowledged, listeners] = [[] as string[], [] as Acknowledged[], new Set<() => void>()];
  let rest = '';
  run.stdout?.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      lines.push(line);
      const [word, index, leafHash = '', n] = line.split(' ');
      if (word === 'entry') acknowledged.push({ index: Number(index), leafHash, n: Number(n) });
    }
    for (const listener of listeners) listener();
  });
  run.stdin?.on('error', () => undefined);
  const ended = once(run, 'close').then(([code]) => code as number | null);
  const said = (word: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const line = lines.find((each) => each.startsWith(word));
        if (line !== undefined) resolve(line);
      };
      listeners.add(look);
      look();
      void ended.then(() => (look(), reject(new Error(`${name} ended and had not said ${word}`))));
    });
  return {
    name,
    acknowledged,
    said,
    ended,
    begin: () => void run.stdin?.write('go\n'),
    end: () => void run.stdin?.end(),
    kill: () => void run.kill('SIGKILL'),
  };
}

/** Opens the log once more: what was acknowledged is there once, in the order of each process, and every hash holds. */
async function check({ dir, stateDir }: ReturnType<typeof home>, processes: readonly Process[]): Promise<void> {
  const shared = nodeHome({ dir, stateDir }).log(systemEnv);
  const log = await shared.acquire();
  const { verifierKey } = log;
  for (const { acknowledged } of processes)
    for (const { index, leafHash } of acknowledged) {
      expect(hex((await log.entry(index)).leafHash)).toBe(leafHash);
      expect((await log.openings(index)).map(({ field }) => field)).toEqual(['args']);
    }
  await shared.release();
  const store = await openSqliteAuditStore({ path: join(dir, 'audit.db') });
  const report = await fsck(storeSource(store), { verifierKey });
  expect(report.findings.filter(({ about }) => about === 'integrity')).toEqual([]);
  const written = (await store.loadRows(0, 100_000)).map(({ bytes }) => parseEntry(bytes)).filter(({ type }) => type === 'config');
  await store.close();
  for (const { name, acknowledged } of processes) {
    const numbers = written.filter((entry) => entry['process'] === name).map((entry) => entry['n'] as number);
    expect(new Set(numbers).size, `${name} once`).toBe(numbers.length);
    expect(
      numbers.toSorted((a, b) => a - b),
      `${name} in order`,
    ).toEqual(numbers);
    for (const { n } of acknowledged) expect(numbers).toContain(n);
  }
}

describe('one log, several processes', () => {
  it('[AUDIT-QUEUE] three processes append at the same time: each entry is durable once, in the order of its process', { timeout }, async () => {
    const place = home();
    const first = start(place, 'a', 60);
    await first.said('open');
    const processes = [first, start(place, 'b', 60), start(place, 'c', 60)];
    const keys = await Promise.all(processes.map((each) => each.said('open')));
    expect(new Set(keys).size).toBe(1);
    for (const each of processes) each.begin();
    await Promise.all(processes.map((each) => each.said('done')));
    for (const each of processes.toReversed()) {
      each.end();
      expect(await each.ended).toBe(0);
    }
    for (const { acknowledged } of processes) expect(acknowledged).toHaveLength(60);
    expect(statSync(join(place.dir, 'intents.db')).mode & 0o077).toBe(0);
    await check(place, processes);
  });

  it('[AUDIT-QUEUE] the writer ends or is killed, and another process takes its place: nothing that was asked is lost', { timeout }, async () => {
    const place = home();
    const first = start(place, 'a', 400);
    await first.said('open');
    const [second, third] = [start(place, 'b', 200), start(place, 'c', 200)];
    await Promise.all([second.said('open'), third.said('open')]);
    for (const each of [first, second, third]) each.begin();
    await Promise.all([second.said('entry'), third.said('entry')]);
    first.kill();
    await Promise.all([second.said('done'), third.said('done')]);
    expect([second.acknowledged.length, third.acknowledged.length]).toEqual([200, 200]);
    second.end();
    expect(await second.ended).toBe(0);
    third.end();
    expect(await third.ended).toBe(0);
    await check(place, [first, second, third]);
  });

  const places = isDeep ? ['after-pending', 'before-answer', 'after-answer'] : ['before-answer'];
  const steps = isDeep ? [0, 1, 2, 3, 4, 5, 6, 8, 10] : [2];
  for (const death of places)
    for (const step of steps)
      it(`[AUDIT-QUEUE-CRASH] a writer that dies ${death} no. ${step} loses and doubles nothing`, { timeout }, async () => {
        const place = home();
        const writer = start(place, 'a', 0, death, String(step));
        await writer.said('open');
        const second = start(place, 'b', 60);
        await second.said('open').catch(() => undefined);
        second.begin();
        await second.said('done');
        expect(await writer.ended).toBe(null);
        expect(second.acknowledged).toHaveLength(60);
        second.end();
        expect(await second.ended).toBe(0);
        await check(place, [second]);
      });

  const ends = [
    ['after-add', 3],
    ['before-add', 3],
    ['before-fetch', 40],
    ['after-fetch', 40],
  ] as const;
  for (const [death, step] of isDeep ? ends : ends.slice(0, 1))
    it(`[AUDIT-QUEUE-CRASH] a process that dies ${death} no. ${step} leaves what it was told is durable, and no broken log`, { timeout }, async () => {
      const place = home();
      const writer = start(place, 'a', 40);
      await writer.said('open');
      const second = start(place, 'b', 400, death, String(step));
      await second.said('open');
      second.begin();
      expect(await second.ended).toBe(null);
      writer.begin();
      await writer.said('done');
      writer.end();
      expect(await writer.ended).toBe(0);
      await check(place, [writer, second]);
    });
});
