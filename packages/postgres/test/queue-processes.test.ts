import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemEnv } from '@talosprotocol/core';
import { fsck, hashLeaf, parseEntry, storeSource } from '@talosprotocol/core/audit';
import { afterAll, describe, expect, it } from 'vitest';
import { decodePlain, encodePlain } from '../src/plain-values.ts';
import { postgresHome } from '../src/postgres-home.ts';
import { postgresIntentQueue } from '../src/postgres-intent-queue.ts';
import { PostgresState } from '../src/postgres-state.ts';
import { startChild, type Child } from './child.ts';
import { caught, freshLog, hex, noServer, openStore, sql, url } from './support.ts';

const timeout = 240_000;
const folder = mkdtempSync(join(tmpdir(), 'talos-pg-queue-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function oneLog() {
  const [log, key, stateDir] = [freshLog(), randomBytes(32), mkdtempSync(join(folder, 'state-'))];
  const options = { log, stateDir, waitMs: 50, keyProvider: async () => new Uint8Array(key) };
  const start = (name: string, count: number): Child =>
    startChild(new URL('queue-child.ts', import.meta.url), [JSON.stringify({ url, log, key: key.toString('hex'), stateDir, name, count })]);
  return { log, options, start };
}

const acknowledged = ({ lines }: Child): { readonly index: number; readonly leafHash: string; readonly n: number }[] =>
  lines
    .filter((line) => line.startsWith('entry'))
    .map((line) => line.split(' '))
    .map(([, index, leafHash = '', n]) => ({ index: Number(index), leafHash, n: Number(n) }));

/** What was acknowledged is there once, opens, and stands in the order of its process; every hash and every signed head holds. */
async function check(log: string, verifierKey: string, processes: readonly { readonly name: string; readonly child: Child }[]): Promise<void> {
  const store = await openStore({ log });
  const rows = await store.loadRows(0, 100_000);
  for (const { child } of processes)
    for (const { index, leafHash } of acknowledged(child)) {
      expect(hex((rows[index]?.hashes ?? new Uint8Array()).subarray(0, 32))).toBe(leafHash);
      expect(await store.loadOpenings(index)).toHaveLength(1);
    }
  const report = await fsck(storeSource(store), { verifierKey });
  expect(report.findings.filter(({ about }) => about === 'integrity')).toEqual([]);
  await store.close();
  const written = rows.map(({ bytes }) => parseEntry(bytes)).filter(({ type }) => type === 'config');
  for (const { name, child } of processes) {
    const numbers = written.filter((entry) => entry['process'] === name).map((entry) => entry['n'] as number);
    expect(new Set(numbers).size, `${name} once`).toBe(numbers.length);
    expect(numbers.toSorted((a, b) => a - b)).toEqual(numbers);
    for (const { n } of acknowledged(child)) expect(numbers).toContain(n);
  }
}

describe.skipIf(noServer !== undefined)(`one log, several processes${noServer === undefined ? '' : `: ${noServer}`}`, () => {
  it('[PG-QUEUE] three processes append to one log: each entry is durable once, in the order of its process', { timeout }, async () => {
    const { log, start } = oneLog();
    const first = start('a', 60);
    const key = (await first.line('open')).slice(5);
    const processes = [
      { name: 'a', child: first },
      { name: 'b', child: start('b', 60) },
      { name: 'c', child: start('c', 60) },
    ];
    for (const { child } of processes) expect((await child.line('open')).slice(5)).toBe(key);
    for (const { child } of processes) child.say('begin');
    await Promise.all(processes.map(({ child }) => child.line('done')));
    for (const { child } of processes) expect(await child.ended).toBe(0);
    for (const { child } of processes) expect(acknowledged(child)).toHaveLength(60);
    await check(log, key, processes);
  });

  it('[PG-QUEUE] the writer is killed, and another process takes its place: nothing that was asked is lost, and no head is forked', { timeout }, async () => {
    const { log, start } = oneLog();
    const writer = start('a', 100_000);
    const key = (await writer.line('open')).slice(5);
    const [second, third] = [start('b', 120), start('c', 120)];
    await Promise.all([second.line('open'), third.line('open')]);
    for (const child of [writer, second, third]) child.say('begin');
    await Promise.all([writer, second, third].map((child) => child.line('entry')));
    writer.kill();
    expect(await writer.ended).toBe(null);
    for (const child of [second, third]) {
      await child.line('done');
      expect(await child.ended).toBe(0);
    }
    expect([acknowledged(second).length, acknowledged(third).length]).toEqual([120, 120]);
    await check(log, key, [
      { name: 'a', child: writer },
      { name: 'b', child: second },
      { name: 'c', child: third },
    ]);
    expect(await sql(`SELECT count(*)::integer AS left FROM "${log}".intent WHERE answer IS NULL`)).toEqual([{ left: 0 }]);
  });

  it('[PG-QUEUE-HOSTILE] a row that is not of Talos is answered with an error, and the log goes on', { timeout }, async () => {
    const { log, options } = oneLog();
    const shared = postgresHome(url, options).log(systemEnv);
    const opened = await shared.acquire();
    const recorded = { bytes: Buffer.from('{"v":1}'), openings: [] };
    const rows = ['not JSON', encodePlain({ op: 'append', args: [recorded] }), encodePlain({ op: 'close', args: [] }), encodePlain({ op: 'append', args: [] })];
    for (const row of rows) await sql(`INSERT INTO "${log}".intent (process, at, intent) VALUES ('x', 0, $1)`, [Buffer.from(row)]);
    const state = new PostgresState({ url, home: log, timeoutMs: 10_000 });
    const queue = postgresIntentQueue(state);
    let answered = 0;
    while (answered < rows.length) {
      const { answers } = await queue.fetch('x');
      for (const answer of answers.values()) expect(answer).toMatchObject({ error: { code: 'TALOS_STORE_CORRUPT' } });
      answered += answers.size;
    }
    await queue.close();
    expect(opened.size).toBe(1);
    await opened.append({ type: 'config' });
    await shared.release();
  });

  it('[PG-QUEUE-HOSTILE] hashes and keys of a queued entry are computed from its bytes', { timeout }, async () => {
    const log = freshLog();
    const state = new PostgresState({ url, home: log, timeoutMs: 10_000 });
    await state.open('queue');
    const queue = postgresIntentQueue(state);
    const bytes = Buffer.from('{"id":"an-id","recorder":"r","recorder_seq":0,"time":"2026-01-01T00:00:00.000Z","type":"config","v":1}');
    await queue.add('p', 0, [
      { op: 'append', args: [{ id: 'other', bytes, leafHash: new Uint8Array(32), keys: [{ kind: 'id', key: 'other' }], openings: [] }] },
    ]);
    const [pending] = await queue.pending(0, 9);
    expect(pending?.intent.args[0]).toMatchObject({ id: 'an-id', keys: [{ kind: 'id', key: 'an-id' }] });
    expect(pending?.intent.args[0]).toMatchObject({ leafHash: hashLeaf(bytes) });
    await queue.close();
  });
});

describe('what processes tell each other', () => {
  it('[PG-QUEUE] values come back as they were, whatever their members are called', () => {
    const value = { bytes: new Uint8Array([1, 2]), members: [1, 'x', true, null, undefined], nothing: true, none: undefined, deep: [{ a: new Uint8Array(0) }] };
    expect(decodePlain(encodePlain(value))).toEqual(value);
    expect('none' in (decodePlain(encodePlain(value)) as object)).toBe(true);
    const own = JSON.parse('{"__proto__":{"x":1}}') as object;
    expect(Object.keys(decodePlain(encodePlain(own)) as object)).toEqual(['__proto__']);
  });

  it('[PG-QUEUE-HOSTILE] other text is refused with a code', async () => {
    for (const text of ['', 'x', '{"members":7}', '{"members":[7]}', '{}'])
      expect(await caught(() => decodePlain(Buffer.from(text)))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
  });
});
