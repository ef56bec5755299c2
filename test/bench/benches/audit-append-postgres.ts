import { randomBytes } from 'node:crypto';
import { systemEnv } from '@talosprotocol/core';
import { openAuditLog } from '@talosprotocol/core/audit';
import { generateIdentitySecrets, restoreIdentity } from '@talosprotocol/core/identity';
import { openPostgresAuditStore } from '@talosprotocol/postgres';
import { Client } from 'pg';
import type { Bench } from '../measure.ts';
import { appendRound } from './append-round.ts';

const callers = 256;
/** Appends of each caller in a round, one after the other. */
const turns = 32;

const url = process.env.TALOS_TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/test';

/**
 * Durable appends: 256 callers, each waiting for its own entry before the next, on a server that syncs each commit to disk. An operation is one
 * append; its median is what a caller waits, its rate what the log takes.
 */
export const auditAppendPostgres: Bench = {
  name: `audit-append-postgres-${callers}`,
  skip: async () => ((await answers()) ? undefined : 'no PostgreSQL at TALOS_TEST_POSTGRES_URL or 127.0.0.1:5432'),
  async open() {
    const { did, signer } = await restoreIdentity(await generateIdentitySecrets(systemEnv));
    const name = `talos_bench_${randomBytes(6).toString('hex')}`;
    const store = await openPostgresAuditStore({ url, log: name });
    const log = await openAuditLog({ store, signer, origin: 'bench.example/talos', env: systemEnv });
    return {
      round: appendRound({ log, agent: did, callers, turns }),
      close: async () => {
        await log.close();
        await store.close();
        await ask(`SET client_min_messages = 'warning'; DROP SCHEMA "${name}" CASCADE`);
      },
    };
  },
};

async function answers(): Promise<boolean> {
  try {
    await ask('SELECT 1');
    return true;
  } catch {
    return false;
  }
}

async function ask(text: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
