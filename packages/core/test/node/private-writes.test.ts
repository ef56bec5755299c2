import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { openAuditLog, openTreeLog } from '../../src/audit/audit-log.ts';
import { verifyCheckpoint } from '../../src/audit/checkpoint.ts';
import { verifyCommitment } from '../../src/audit/commitment.ts';
import { parseEntry } from '../../src/audit/entry.ts';
import { fsck } from '../../src/audit/fsck.ts';
import { storeSource } from '../../src/audit/fsck-source.ts';
import { openLogPrivacy } from '../../src/audit/log-privacy.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { memoryPrivateStore } from '../../src/audit/memory-private-store.ts';
import { withPrivateStore } from '../../src/audit/private-audit-store.ts';
import { decodeBase64url } from '../../src/bytes/base64url.ts';
import { systemEnv } from '../../src/env/env.ts';
import { openSqliteAuditStore } from '../../src/node/sqlite-audit-store.ts';
import { openSqlitePrivateStore } from '../../src/node/sqlite-private-store.ts';
import { caught, hex, testSigner } from '../audit/support.ts';

const root = mkdtempSync(join(tmpdir(), 'talos-private-writes-'));
let folders = 0;
const fresh = (): string => mkdtempSync(join(root, `${folders++}-`));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const child = fileURLToPath(new URL('./private-writes-child.ts', import.meta.url));
const order = { reason: 'gdpr-17-1-a', authority: 'office' };

/** Runs the child until it has acknowledged so many, or has killed itself. */
async function killed({ folder, callers, lines, hold = '' }: { folder: string; callers: number; lines: number; hold?: string }): Promise<Map<number, string>> {
  const running = spawn(process.execPath, ['--conditions=@talosprotocol/source', child, folder, String(callers), hold], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  running.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.split('\n').length > lines) running.kill('SIGKILL');
  });
  running.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  expect(await new Promise((resolve) => running.on('close', (_code, signal) => resolve(signal))), errors).toBe('SIGKILL');
  const acknowledged = output.slice(0, output.lastIndexOf('\n') + 1).split('\n');
  return new Map(
    acknowledged
      .filter((line) => line !== '')
      .map((line) => line.split(' ') as [string, string])
      .map(([index, hash]) => [Number(index), hash]),
  );
}

async function open(folder: string) {
  const entries = await openSqliteAuditStore({ path: join(folder, 'audit.db') });
  const payloads = await openSqlitePrivateStore({ path: join(folder, 'payloads.db'), keysPath: join(folder, 'subjects.db') });
  const store = await withPrivateStore(entries, payloads);
  const log = await openAuditLog({ store, signer: testSigner(), origin: 'crash.example', env: systemEnv });
  const close = async (): Promise<void> => {
    await log.close();
    await store.close();
  };
  return { log, store, privacy: await openLogPrivacy({ log, store, env: systemEnv }), close };
}

describe('payloads and entries side by side', () => {
  it('[PRIVACY-UNOPENED] kill -9 while appending: what was acknowledged opens, and every entry that does not is named', { timeout: 120_000 }, async () => {
    const folder = fresh();
    const acknowledged = new Map<number, string>();
    const named = new Set<number>();
    for (const lines of [60, 3, 150, 40])
      for (const round of [1, 16]) {
        for (const [index, hash] of await killed({ folder, callers: round, lines })) acknowledged.set(index, hash);
        const { log, close } = await open(folder);
        for (const index of log.recovery.unopened ?? []) named.add(index);
        for (let index = 0; index < log.size; index++) {
          const { bytes, leafHash } = await log.entry(index);
          const commit = Object.entries(parseEntry(bytes).commit ?? {});
          const openings = await log.openings(index);
          for (const opening of openings)
            verifyCommitment({ ...opening, commitment: decodeBase64url(commit.find(([field]) => field === opening.field)?.[1] as string) });
          expect(openings.length, `entry ${index}`).toBe(named.has(index) ? 0 : commit.length);
          if (acknowledged.has(index)) expect([hex(leafHash), named.has(index)]).toEqual([acknowledged.get(index), false]);
        }
        await close();
      }
    expect(acknowledged.size).toBeGreaterThan(300);
  });

  it('[PRIVACY-UNOPENED] an entry that died before its payload is named by the next start, and by no later one', { timeout: 60_000 }, async () => {
    const folder = fresh();
    expect(await killed({ folder, callers: 2, lines: 1, hold: 'openings' })).toEqual(new Map());
    const { log, store, privacy, close } = await open(folder);
    // The start, then one batch of what the two callers asked.
    const { unopened = [] } = log.recovery;
    expect(unopened.length).toBeGreaterThan(0);
    expect((await log.entry(log.size - 1)).entry).toMatchObject({
      gap: 'start',
      unopened: unopened.length,
      unopened_from: 1,
      unopened_to: unopened.length + 1,
    });
    for (const index of unopened) expect(await log.openings(index)).toEqual([]);
    expect((await fsck(storeSource(store), { verifierKey: log.verifierKey })).findings.filter(({ about }) => about === 'integrity')).toEqual([]);
    const { index } = await privacy.about('person 1').append({ type: 'tool.request', commit: { args: 'again' } });
    expect(await log.openings(index)).toHaveLength(2);
    expect(await privacy.eraseSubject('person 1', order)).toMatchObject({ entries: 1 });
    await close();
    const next = await open(folder);
    expect(next.log.recovery.unopened).toBeUndefined();
    expect((await next.log.entry(next.log.size - 1)).entry).not.toHaveProperty('unopened');
    await next.close();
  });

  it('[PRIVACY-NOT-DURABLE] a payload that died before its entry is dropped, and the entry that takes its index has its own', { timeout: 60_000 }, async () => {
    const folder = fresh();
    expect(await killed({ folder, callers: 2, lines: 1, hold: 'entries' })).toEqual(new Map());
    const { log, close } = await open(folder);
    expect(log.recovery.unopened).toBeUndefined();
    expect(await log.openings(1)).toEqual([]);
    const { index } = await log.append({ type: 'config', commit: { note: 'mine' } });
    expect((await log.openings(index)).map(({ field }) => field)).toEqual(['note']);
    await close();
  });

  it('[PRIVACY-UNOPENED] a payload that was erased before the crash is not named as lost', async () => {
    const [entries, payloads] = [memoryAuditStore(), memoryPrivateStore()];
    const start = async () => openTreeLog({ store: await withPrivateStore(entries, payloads), signer: testSigner(), origin: 'o.example', env: systemEnv });
    const store = await withPrivateStore(entries, payloads);
    const log = await openAuditLog({ store, signer: testSigner(), origin: 'o.example', env: systemEnv });
    const privacy = await openLogPrivacy({ log, store, env: systemEnv });
    await privacy.about('Ada').append({ type: 'config', commit: { note: 'seen' } });
    await privacy.eraseSubject('Ada', order);
    // No close: as a crash leaves it.
    expect((await start()).recovery.unopened).toBeUndefined();
  });

  it('[PRIVACY-UNOPENED] nothing is acknowledged or signed before the payloads of what stands before it', async () => {
    const [entries, payloads] = [memoryAuditStore(), memoryPrivateStore()];
    const log = await openAuditLog({ store: await withPrivateStore(entries, payloads), signer: testSigner(), origin: 'o.example', env: systemEnv });
    const saveOpenings = payloads.saveOpenings.bind(payloads);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    payloads.saveOpenings = async (openings) => {
      await held;
      await saveOpenings(openings);
    };
    const settled: string[] = [];
    const first = log.append({ type: 'config', commit: { args: 'x' } }).then(() => settled.push('first'));
    while ((await entries.loadHead()).size < 2) await new Promise((resolve) => setImmediate(resolve));
    const second = log.append({ type: 'config' }).then(() => settled.push('second'));
    while ((await entries.loadHead()).size < 3) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect([settled, log.size, verifyCheckpoint(await log.checkpoint(), log.verifierKey).size]).toEqual([[], 1, 1]);
    release();
    await Promise.all([first, second]);
    expect([settled, log.size]).toEqual([['first', 'second'], 3]);
    await log.close();
  });

  it('[PRIVACY-UNOPENED] a payload that cannot be kept rejects the append, and stops the log', async () => {
    const payloads = memoryPrivateStore();
    const store = await withPrivateStore(memoryAuditStore(), payloads);
    const log = await openAuditLog({ store, signer: testSigner(), origin: 'o.example', env: systemEnv });
    await payloads.saveOpenings([{ index: 1, openings: [{ field: 'args', salt: new Uint8Array(32), payload: new Uint8Array(1) }] }]);
    const asked = [log.append({ type: 'config', commit: { args: 'x' } }), log.append({ type: 'config', commit: { args: 'y' } })];
    expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await caught(() => log.append({ type: 'config' }))).toMatchObject({ code: 'TALOS_AUDIT_STOPPED' });
    expect(log.size).toBe(1);
    await log.close();
  });

  it('[AUDIT-QUEUE] openings that a killed writer did not come to are restored from the queue, except of a person who was erased', async () => {
    const [entries, payloads] = [memoryAuditStore(), memoryPrivateStore()];
    const store = await withPrivateStore(entries, payloads);
    const log = await openTreeLog({ store, signer: testSigner(), origin: 'o.example', env: systemEnv });
    const privacy = await openLogPrivacy({ log, store, env: systemEnv });
    const { index } = await log.append({ type: 'config', commit: { args: 'x' } });
    const kept = await payloads.loadOpenings(index);
    await log.restoreOpenings(index, [{ field: 'other', salt: new Uint8Array(32), payload: new Uint8Array(1) }]);
    expect(await payloads.loadOpenings(index)).toEqual(kept);
    const ada = await privacy.about('Ada').append({ type: 'config', commit: { note: 'seen' } });
    const sealed = await payloads.loadOpenings(ada.index);
    await payloads.erase({ indices: [ada.index, index] });
    await log.restoreOpenings(index, kept);
    await log.restoreOpenings(ada.index, sealed);
    expect([await payloads.loadOpenings(index), await payloads.loadOpenings(ada.index)]).toEqual([kept, sealed]);
    await privacy.eraseSubject('Ada', order);
    await log.restoreOpenings(ada.index, sealed);
    expect(await payloads.loadOpenings(ada.index)).toEqual([]);
    await log.close();
  });
});
