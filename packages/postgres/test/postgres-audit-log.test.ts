import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { systemEnv } from '@talosprotocol/core';
import { openAuditLog, verifyEntryProof } from '@talosprotocol/core/audit';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { fixedSigner } from './fixed-signer.ts';
import { caught, entry, freshLog, hex, noServer, open, openStore, shut, sql, url } from './support.ts';

/** A process that writes this log. `acknowledged` fills with what it printed. */
class Writer {
  readonly acknowledged = new Map<number, string>();
  readonly #child: ChildProcess;
  #errors = '';
  #rest = '';
  #onLine: () => void = () => undefined;

  constructor(log: string, callers: number, appends?: number) {
    const file = fileURLToPath(new URL('./audit-child.ts', import.meta.url));
    const args = ['--conditions=@talosprotocol/source', file, url, log, String(callers), ...(appends === undefined ? [] : [String(appends)])];
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
  }

  /** Resolves when it has acknowledged this many. */
  async reach(lines: number): Promise<void> {
    while (this.acknowledged.size < lines) {
      if (this.#child.exitCode !== null) throw new Error(`the writer ended: ${this.#errors}`);
      await new Promise<void>((resolve) => {
        this.#onLine = resolve;
        setTimeout(resolve, 50);
      });
    }
  }

  kill(): Promise<unknown> {
    this.#child.kill('SIGKILL');
    return this.ended();
  }

  async ended(): Promise<string> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await new Promise((resolve) => this.#child.on('close', resolve));
    return this.#errors;
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const [index = '', leafHash] = line.split(' ');
      if (leafHash === undefined) continue;
      if (this.acknowledged.has(Number(index))) throw new Error(`index ${index} was given out twice`);
      this.acknowledged.set(Number(index), leafHash);
    }
    this.#onLine();
  }
}

/** Every acknowledged entry is there, under its hash, and provable. Gives their number. */
async function checkAcknowledged(log: string, writers: readonly Writer[]): Promise<number> {
  const store = await openStore({ log, waitMs: 10_000 });
  const opened = await openAuditLog({ store, signer: fixedSigner, origin: 'crash.example', env: systemEnv });
  const rows = await store.loadRows(0, opened.size);
  const seen = new Set<number>();
  for (const { acknowledged } of writers) {
    for (const [index, leafHash] of acknowledged) {
      expect(seen.has(index)).toBe(false);
      seen.add(index);
      expect(hex((rows[index]?.hashes ?? new Uint8Array(0)).subarray(0, 32))).toBe(leafHash);
    }
  }
  const last = Math.max(...seen);
  expect(verifyEntryProof(await opened.proveInclusion(last), opened.verifierKey).index).toBe(last);
  await opened.close();
  await store.close();
  return seen.size;
}

describe.skipIf(noServer !== undefined)(`audit log on PostgreSQL${noServer === undefined ? '' : `: ${noServer}`}`, () => {
  it('[PG-DURABLE] many callers share commits; everything is there after opening again', async () => {
    const name = freshLog();
    const first = await open(name);
    const appended = await Promise.all(Array.from({ length: 2000 }, (_, n) => first.log.append(entry(n))));
    await shut(first);
    const again = await open(name);
    expect(again.log.size).toBe(2003);
    for (const { index, leafHash, id } of [appended[0], appended[999], appended[1999]] as typeof appended) {
      expect(hex((await again.log.entry(index)).leafHash)).toBe(hex(leafHash));
      expect(await again.log.find('id', id)).toBe(index);
      expect(verifyEntryProof(await again.log.proveInclusion(index), again.log.verifierKey).index).toBe(index);
      expect((await again.log.openings(index)).length).toBe(1);
    }
    await shut(again);
  });

  it('[PG-CRASH] several processes write in turn, two are killed mid-batch: nothing acknowledged is lost, no index is given twice', async () => {
    const name = freshLog();
    const writers = [new Writer(name, 16)];
    await writers[0]!.reach(1);
    // The next two wait for the place; each takes it when the one before is gone.
    writers.push(new Writer(name, 16), new Writer(name, 4, 25));
    await writers[0]!.reach(150);
    await writers[0]!.kill();
    await Promise.race([writers[1]!.reach(1), writers[2]!.reach(1)]);
    const second = writers[1]!.acknowledged.size > 0 ? writers[1]! : writers[2]!;
    const third = second === writers[1] ? writers[2]! : writers[1]!;
    await second.reach(40);
    await second.kill();
    await third.reach(40);
    await third.kill();
    expect(await checkAcknowledged(name, writers)).toBeGreaterThanOrEqual(230);
  });

  it('[PG-SERVER-LOST] a connection that the server ends stops the log with coded errors, and the next start continues it', async () => {
    const name = freshLog();
    const { store, log } = await open(name);
    await log.append(entry(0));
    const acknowledged: string[] = [];
    const calls = Promise.allSettled(
      Array.from({ length: 64 }, async (_, n) => {
        for (let i = 0; ; i++) acknowledged.push((await log.append(entry(1000 * n + i))).id);
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 30));
    await endWriter(name);
    for (const result of await calls) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: expect.stringMatching(/^TALOS_(STORE_WRITE_FAILED|AUDIT_STOPPED)$/) } });
    }
    expect(await caught(() => log.append(entry(1)))).toMatchObject({ code: 'TALOS_AUDIT_STOPPED' });
    expect(await caught(() => store.saveCheckpoint({ size: 1, note: 'x' }))).toMatchObject({ code: 'TALOS_STORE_WRITE_FAILED' });
    // Readers come back by themselves.
    expect((await store.loadRows(0, 1)).length).toBe(1);
    const next = await open(name);
    for (const id of acknowledged) expect(await next.log.find('id', id)).toBeDefined();
    await next.log.append(entry(2));
    await shut(next);
    await store.close();
  });

  it('[PG-NO-FORK] a writer that lost its place to another one cannot write: neither entry nor checkpoint', async () => {
    const name = freshLog();
    const first = await open(name);
    await first.log.append(entry(0));
    await endWriter(name);
    const second = await open(name);
    await second.log.append(entry(1));
    expect(await caught(() => first.log.append(entry(2)))).toMatchObject({ code: expect.stringMatching(/^TALOS_(STORE_WRITE_FAILED|AUDIT_STOPPED)$/) });
    expect(await caught(() => first.log.checkpoint())).toMatchObject({ code: expect.stringMatching(/^TALOS_(STORE_WRITE_FAILED|AUDIT_STOPPED)$/) });
    await first.store.close();
    await second.log.append(entry(3));
    expect(second.log.size).toBe(5);
    await shut(second);
  });

  it('[PG-TIMEOUT] a statement that takes too long stops the log, and leaves nothing half-written', async () => {
    const name = freshLog();
    const { store, log } = await open(name, { timeoutMs: 2000 });
    await log.append(entry(0));
    const blocker = new Client({ connectionString: url });
    await blocker.connect();
    await blocker.query(`BEGIN; SELECT 1 FROM "${name}".head FOR UPDATE`);
    expect(await caught(() => log.append(entry(1)))).toMatchObject({
      code: 'TALOS_STORE_WRITE_FAILED',
      retryable: false,
      message: expect.stringMatching(/in time/),
    });
    expect(await caught(() => log.append(entry(2)))).toMatchObject({ code: 'TALOS_AUDIT_STOPPED' });
    await blocker.end();
    await store.close();
    const next = await open(name);
    expect((await next.log.entry(next.log.size - 1)).entry['gap']).toBe('start');
    expect(await next.log.find('call', 'call-1')).toBeUndefined();
    await shut(next);
  });
});

/** Ends the server's process that holds the log, as a failover does. */
async function endWriter(name: string): Promise<void> {
  await sql(
    `SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 1952541807 AND objid = '"${name}"'::regnamespace::oid
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
}
