import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster, noCluster } from './own-cluster.ts';
import { caught, entry, hex, open, shut } from './support.ts';

describe.skipIf(noCluster !== undefined)(`a server that crashes${noCluster === undefined ? '' : `: ${noCluster}`}`, () => {
  let cluster: Cluster;
  beforeAll(() => {
    cluster = new Cluster();
  });
  afterAll(() => cluster.remove());

  async function admin(text: string): Promise<unknown[]> {
    const client = new Client({ connectionString: cluster.url });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query(text)).rows as unknown[];
    } finally {
      await client.end();
    }
  }

  it('[PG-SERVER-CRASH] kill -9 of the server while 64 callers append: every acknowledged entry is there when it is back', async () => {
    const acknowledged = new Map<number, string>();
    for (let round = 0; round < 5; round++) {
      const { store, log } = await open('crash', { url: cluster.url, waitMs: 10_000 });
      for (const [index, leafHash] of acknowledged) expect(hex((await log.entry(index)).leafHash)).toBe(leafHash);
      const calls = Array.from({ length: 64 }, async (_, n) => {
        for (let i = 0; ; i++) {
          const { index, leafHash } = await log.append(entry(round * 1e6 + n * 1e4 + i));
          expect(acknowledged.has(index)).toBe(false);
          acknowledged.set(index, hex(leafHash));
        }
      });
      const ended = Promise.allSettled(calls);
      await sleep(60 + 37 * round);
      cluster.kill();
      for (const result of await ended) {
        expect(result).toMatchObject({ reason: { code: expect.stringMatching(/^TALOS_(STORE_WRITE_FAILED|AUDIT_STOPPED)$/) } });
      }
      await store.close();
      // The server's children notice that their parent is gone; a start before that is refused.
      for (let tries = 0; ; tries++) {
        try {
          cluster.start();
          break;
        } catch (error) {
          if (tries > 50) throw error;
          await sleep(100);
        }
      }
    }
    expect(acknowledged.size).toBeGreaterThan(500);
  });

  it('[PG-STANDBY] a wait for a standby that somebody cancels is not acknowledged, and stops the log', async () => {
    const { store, log } = await open('standby', { url: cluster.url, waitMs: 10_000 });
    await admin("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    await admin('SELECT pg_reload_conf()');
    await sleep(300);
    const waiting = caught(() => log.append(entry(1)));
    await sleep(300);
    const cancelled = await admin("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    expect(cancelled.length).toBe(1);
    expect(await waiting).toMatchObject({ code: 'TALOS_STORE_WRITE_FAILED' });
    expect(await caught(() => log.append(entry(2)))).toMatchObject({ code: 'TALOS_AUDIT_STOPPED' });
    await store.close();
    await admin('ALTER SYSTEM RESET synchronous_standby_names');
    await admin('SELECT pg_reload_conf()');
    await sleep(300);
  });

  it('[PG-UNSUPPORTED] a server with fsync off is refused', async () => {
    await admin('ALTER SYSTEM SET fsync = off');
    await admin('SELECT pg_reload_conf()');
    await sleep(300);
    expect(await caught(() => open('fsync', { url: cluster.url }))).toMatchObject({ code: 'TALOS_STORE_UNSUPPORTED', message: expect.stringMatching(/fsync/) });
    await admin('ALTER SYSTEM RESET fsync');
    await admin('SELECT pg_reload_conf()');
    await sleep(300);
    const opened = await open('fsync', { url: cluster.url });
    await shut(opened);
  });
});
