import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemEnv } from '@talosprotocol/core';
import { CompactRange, hashLeaf, openAuditLog, type AuditStore } from '@talosprotocol/core/audit';
import { generateIdentitySecrets, restoreIdentity } from '@talosprotocol/core/identity';
import { openSqliteAuditStore } from '@talosprotocol/core/node';
import type { Bench } from '../measure.ts';

const entries = 1_000_000;
const batch = 10_000;

/** One inclusion proof of a log of a million entries on disk, in no order, through the log. Opening it takes a while: it is written first. */
export const proofInclusionDisk: Bench = {
  name: 'proof-inclusion-disk',
  async open() {
    const folder = mkdtempSync(join(tmpdir(), 'talos-bench-'));
    const { signer } = await restoreIdentity(await generateIdentitySecrets(systemEnv));
    const store = await openSqliteAuditStore({ path: join(folder, 'audit.db') });
    await grow(store);
    const log = await openAuditLog({ store, signer, origin: 'bench.example/talos', env: systemEnv });
    await log.checkpoint();
    return {
      async: (index) => log.proveInclusion((index * 7_919_317) % entries),
      close: async () => {
        await log.close();
        await store.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
};

/** Straight into the store: what is measured is reading. */
async function grow(store: AuditStore): Promise<void> {
  const range = new CompactRange();
  for (let from = 0; from < entries; from += batch) {
    const expected = range.head();
    const rows = Array.from({ length: batch }, (_, n) => {
      const text = {
        call: `call-${from + n}`,
        id: `entry-${from + n}`,
        recorder: 'bench',
        recorder_seq: from + n,
        time: '2026-01-01T00:00:00.000Z',
        type: 'config',
        v: 1,
      };
      const bytes = new TextEncoder().encode(JSON.stringify(text));
      return { bytes, hashes: range.append(hashLeaf(bytes)), keys: [], openings: [] };
    });
    await store.append({ expected, head: range.head(), rows });
  }
}
