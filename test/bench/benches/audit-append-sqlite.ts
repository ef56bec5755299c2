import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemEnv } from '@talosprotocol/core';
import { openAuditLog } from '@talosprotocol/core/audit';
import { generateIdentitySecrets, restoreIdentity } from '@talosprotocol/core/identity';
import { openSqliteAuditStore } from '../../../packages/core/src/node/sqlite-audit-store.ts';
import type { Bench } from '../measure.ts';
import { appendRound } from './append-round.ts';

/** Appends of each caller in a round, one after the other. */
const turns = 64;

/**
 * Durable appends: so many callers, each waiting for its own entry before the next, as concurrent tool calls do. An operation is one
 * append; its median is what a caller waits, its rate what the log takes. Every batch is synced to disk before it is acknowledged.
 */
const appendSqlite = (callers: number): Bench => ({
  name: `audit-append-sqlite-${callers}`,
  async open() {
    const folder = mkdtempSync(join(tmpdir(), 'talos-bench-'));
    const { did, signer } = await restoreIdentity(await generateIdentitySecrets(systemEnv));
    const store = await openSqliteAuditStore({ path: join(folder, 'audit.db') });
    const log = await openAuditLog({ store, signer, origin: 'bench.example/talos', env: systemEnv });
    return {
      round: appendRound({ log, agent: did, callers, turns }),
      close: async () => {
        await log.close();
        await store.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
});

export const auditAppendSqlite64 = appendSqlite(64);
export const auditAppendSqlite8 = appendSqlite(8);
