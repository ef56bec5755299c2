import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { openAuditLog, type AuditLog } from '../../src/audit/audit-log.ts';
import type { AuditStore } from '../../src/audit/audit-store.ts';
import { verifyEntryProof } from '../../src/audit/entry-proof.ts';
import { systemEnv } from '../../src/env/env.ts';
import type { StoreError } from '../../src/errors/store-error.ts';
import { openSqliteAuditStore } from '../../src/node/sqlite-audit-store.ts';
import { caught, hex, testSigner } from '../audit/support.ts';
import { checkAcknowledged, killAfter } from './sqlite-audit-crash.ts';

const folder = mkdtempSync(join(tmpdir(), 'talos-audit-log-'));
let files = 0;
const freshPath = () => join(folder, `${files++}.db`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const openLog = (store: AuditStore) => openAuditLog({ store, signer: testSigner(), origin: 'disk.example', env: systemEnv });

async function open(path: string, maxBytes?: number): Promise<{ readonly store: AuditStore; readonly log: AuditLog }> {
  const store = await openSqliteAuditStore(maxBytes === undefined ? { path } : { path, maxBytes });
  try {
    return { store, log: await openLog(store) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function shut({ store, log }: { readonly store: AuditStore; readonly log: AuditLog }): Promise<void> {
  await log.close();
  await store.close();
}

const entry = (n: number) => ({ type: 'tool.request', call: `call-${n}`, commit: { args: { n } } }) as const;

/** A closed log of some hundred entries with a checkpoint in its middle and none at its end. */
async function makeLog(): Promise<string> {
  const path = freshPath();
  const { store, log } = await open(path);
  await Promise.all(Array.from({ length: 150 }, (_, n) => log.append(entry(n))));
  await log.checkpoint();
  await Promise.all(Array.from({ length: 150 }, (_, n) => log.append(entry(150 + n))));
  await store.close();
  return path;
}

describe('audit log on SQLite', () => {
  it('[AUDIT-DURABLE] many callers share commits; everything is there after opening again', async () => {
    const path = freshPath();
    const first = await open(path);
    const appended = await Promise.all(Array.from({ length: 2000 }, (_, n) => first.log.append(entry(n))));
    await shut(first);
    const again = await open(path);
    expect(again.log.size).toBe(2003);
    for (const { index, leafHash, id } of [appended[0], appended[999], appended[1999]] as typeof appended) {
      expect(hex((await again.log.entry(index)).leafHash)).toBe(hex(leafHash));
      expect(await again.log.find('id', id)).toBe(index);
      expect(verifyEntryProof(await again.log.proveInclusion(index), again.log.verifierKey).index).toBe(index);
      expect((await again.log.openings(index)).length).toBe(1);
    }
    await shut(again);
  });

  it('[AUDIT-CRASH] kill -9 while appending: every acknowledged entry is there, and the log goes on', async () => {
    const path = freshPath();
    const acknowledged = await killAfter({ path, lines: 150, callers: 16 });
    expect(acknowledged.size).toBeGreaterThanOrEqual(150);
    await checkAcknowledged(path, acknowledged);
    // Twice on one log: what the first crash left is not in the way of the second.
    await checkAcknowledged(path, await killAfter({ path, lines: 20, callers: 1 }));
  });

  it('[AUDIT-FULL-DISK] a full database rejects the callers, keeps what it has, and the log goes on when there is room', async () => {
    const path = freshPath();
    const small = await open(path, 200 * 1024);
    const acknowledged: number[] = [];
    let failure: StoreError | undefined;
    for (let n = 0; failure === undefined; n++) {
      const settled = await Promise.allSettled(Array.from({ length: 20 }, (_, k) => small.log.append(entry(20 * n + k))));
      for (const result of settled) {
        if (result.status === 'fulfilled') acknowledged.push(result.value.index);
        else failure ??= result.reason as StoreError;
      }
    }
    expect(failure).toMatchObject({ code: 'TALOS_STORE_WRITE_FAILED' });
    expect(await caught(() => small.log.append(entry(0)))).toMatchObject({ code: 'TALOS_AUDIT_STOPPED' });
    expect(small.log.size).toBe(acknowledged.length + 1);
    await shut(small);
    const roomy = await open(path);
    expect(roomy.log.size).toBe(acknowledged.length + 2);
    for (const index of acknowledged.slice(-20)) expect((await roomy.log.entry(index)).entry.type).toBe('tool.request');
    await roomy.log.append(entry(1));
    await shut(roomy);
  });

  it('[AUDIT-FULL-DISK] a real write error of the operating system is TALOS_STORE_WRITE_FAILED, and nothing acknowledged is lost', async () => {
    const path = freshPath();
    const child = fileURLToPath(new URL('./sqlite-audit-child.ts', import.meta.url));
    // No file of this process may grow beyond 512 KiB; the signal is ignored, so that write() answers EFBIG.
    const script = `trap '' XFSZ; ulimit -f 1024; exec "$0" --conditions=@talosprotocol/source "$1" "$2" 8`;
    const run = spawnSync('sh', ['-c', script, process.execPath, child, path], { encoding: 'utf8', timeout: 55_000, maxBuffer: 64 * 1024 * 1024 });
    expect(run.stderr).toContain('TALOS_STORE_WRITE_FAILED');
    const lines = run.stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]);
    expect(lines.length).toBeGreaterThan(50);
    await checkAcknowledged(path, new Map(lines.map(([index, leafHash]) => [Number(index), leafHash])));
  });
});

describe('a damaged file', () => {
  const refusals = /^TALOS_(STORE_(CORRUPT|READ_FAILED)|AUDIT_(DIVERGED|BAD_ENTRY))$/;

  /** Either the log opens and all it answers is true, or there is a coded error. A damaged file never gives a false entry. */
  async function openOrCode(path: string, entries: readonly string[]): Promise<{ readonly answer: string; readonly found: number }> {
    const answers: string[] = [];
    let found = 0;
    try {
      const store = await openSqliteAuditStore({ path });
      found = (await store.loadHead()).size;
      try {
        const log = await openLog(store);
        for (let i = 0; i < found; i++) await compare(log, i, entries[i] as string).catch((error: StoreError) => answers.push(error.code));
      } finally {
        await store.close();
      }
    } catch (error) {
      answers.push((error as StoreError).code);
    }
    for (const code of answers) expect(code, path).toMatch(refusals);
    return { answer: answers[0] ?? 'opened', found };
  }

  async function compare(log: AuditLog, index: number, wanted: string): Promise<void> {
    expect(Buffer.from((await log.entry(index)).bytes).toString()).toBe(wanted);
  }

  async function entriesOf(path: string): Promise<string[]> {
    const db = new DatabaseSync(path, { readOnly: true });
    const bodies = db
      .prepare('SELECT body FROM entry ORDER BY i')
      .all()
      .map((row) => Buffer.from(row['body'] as Uint8Array).toString());
    db.close();
    return bodies;
  }

  it('[AUDIT-DAMAGE] flipped bytes anywhere in the file give true answers or a coded error', async () => {
    const original = await makeLog();
    const entries = await entriesOf(original);
    const bytes = readFileSync(original);
    const answers = new Set<string>();
    for (let round = 0; round < 24; round++) {
      const damaged = freshPath();
      const copy = Buffer.from(bytes);
      for (let k = 0; k < 1 + (round % 4); k++) {
        const at = (round * 7919 + k * 104_729) % copy.length;
        copy[at] = (copy[at] as number) ^ (1 << (round % 8));
      }
      writeFileSync(damaged, copy);
      answers.add((await openOrCode(damaged, entries)).answer);
    }
    expect(answers.size).toBeGreaterThan(1);
  });

  it('[AUDIT-DAMAGE] a changed, a removed and an exchanged row are found and named', async () => {
    const original = await makeLog();
    const edits: readonly (readonly [string, RegExp])[] = [
      ["UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'call-200', 'call-999') AS BLOB) WHERE CAST(body AS TEXT) LIKE '%call-200%'", /CORRUPT/],
      ['DELETE FROM entry WHERE i = (SELECT max(i) FROM entry)', /CORRUPT/],
      ['DELETE FROM entry WHERE i >= 280; UPDATE head SET size = 280', /DIVERGED/],
      ['DELETE FROM entry WHERE i = 250', /CORRUPT/],
      ['UPDATE head SET size = size - 1', /CORRUPT/],
      ["UPDATE head SET root = x'00'", /DIVERGED/],
      ['DELETE FROM entry; DELETE FROM head', /DIVERGED/],
      ['UPDATE entry SET hashes = (SELECT hashes FROM entry WHERE i = 201), body = (SELECT body FROM entry WHERE i = 201) WHERE i = 202', /CORRUPT/],
      ["UPDATE checkpoint SET note = replace(note, 'disk', 'desk')", /CORRUPT/],
      ['DROP TABLE lookup', /READ_FAILED|CORRUPT/],
      ['PRAGMA user_version = 2', /CORRUPT/],
    ];
    for (const [edit, code] of edits) {
      const copy = freshPath();
      copyFileSync(original, copy);
      const db = new DatabaseSync(copy);
      db.exec(edit);
      db.close();
      expect((await caught(() => open(copy))).code, edit).toMatch(code);
    }
  });

  it('[AUDIT-DAMAGE] an entry before the last checkpoint is checked when it is read or proved', async () => {
    const path = await makeLog();
    const db = new DatabaseSync(path);
    db.exec("UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'call-20\"', 'call-99\"') AS BLOB) WHERE i = 21");
    db.close();
    const { store, log } = await open(path);
    expect(await caught(() => log.entry(21))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    expect(await caught(() => log.proveInclusion(21))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    expect((await log.entry(22)).entry['call']).toBe('call-21');
    await store.close();
  });

  it('[AUDIT-DAMAGE] truncated database files give true answers or a coded error', async () => {
    const original = await makeLog();
    const entries = await entriesOf(original);
    const { length } = readFileSync(original);
    for (const size of [0, 1, 99, 100, 4096, 8192, 12_288, length >> 1, length - 4096, length - 1]) {
      const copy = freshPath();
      copyFileSync(original, copy);
      truncateSync(copy, size);
      const { answer } = await openOrCode(copy, entries);
      // Nothing at all is a new log; that it was emptied is for the store of signed heads to know. The last page may be half empty.
      const mayOpen = size === 0 || size > length - 4096;
      expect(answer, String(size)).toMatch(mayOpen ? /^opened$/ : refusals);
    }
  });

  it('[AUDIT-DAMAGE] a WAL cut anywhere leaves a consistent log of whole batches', async () => {
    const path = freshPath();
    const { store, log } = await open(path);
    for (let n = 0; n < 12; n++) await log.append(entry(n));
    const saved = freshPath();
    // As a crash leaves it: database and WAL, nothing tidied.
    for (const suffix of ['', '-wal']) if (existsSync(path + suffix)) cpSync(path + suffix, saved + suffix);
    const entries: string[] = [];
    for (let i = 0; i < log.size; i++) entries.push(Buffer.from((await log.entry(i)).bytes).toString());
    await store.close();
    const wal = readFileSync(`${saved}-wal`);
    const sizes = new Set<number>();
    const step = Math.ceil(wal.length / 24);
    for (let cut = 0; cut <= wal.length; cut += step) {
      const copy = freshPath();
      cpSync(saved, copy);
      writeFileSync(`${copy}-wal`, wal.subarray(0, cut));
      const { answer, found } = await openOrCode(copy, entries);
      expect(answer, `cut at ${cut}`).toBe('opened');
      sizes.add(found);
    }
    expect(sizes.size).toBeGreaterThan(5);
  });
});
