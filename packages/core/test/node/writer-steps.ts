/** Runs the writer, killed at one step after the other on one log, and checks after each what it had promised. @module */
import { spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { verifyCheckpoint } from '../../src/audit/checkpoint.ts';
import { verifyConsistency } from '../../src/audit/consistency.ts';
import { fsck } from '../../src/audit/fsck.ts';
import { storeSource } from '../../src/audit/fsck-source.ts';
import { systemEnv } from '../../src/env/env.ts';
import { fileSignedHeads } from '../../src/node/file-signed-heads.ts';
import { openSqliteAuditStore } from '../../src/node/sqlite-audit-store.ts';
import { hex, testSigner } from '../audit/support.ts';

const child = fileURLToPath(new URL('./writer-steps-child.ts', import.meta.url));

/** Returns how many steps were died at before the writer came to its end. */
export async function dieAtEveryStep(folder: string, { stride }: { readonly stride: number }): Promise<number> {
  const entries = new Map<number, string>();
  const notes: string[] = [];
  for (let step = 0; ; step += stride) {
    const run = spawnSync(process.execPath, ['--conditions=@talosprotocol/source', child, folder, String(step)], { encoding: 'utf8' });
    expect(run.stderr).toBe('');
    for (const line of run.stdout.split('\n').slice(0, -1)) {
      const [kind = '', first = '', second = ''] = line.split(' ');
      if (kind === 'note') notes.push(JSON.parse(line.slice(5)) as string);
      else {
        // An index that was acknowledged once is never given out again.
        expect(entries.has(Number(first)), `step ${step}`).toBe(false);
        entries.set(Number(first), second);
      }
    }
    await checkPromises(folder, { entries, notes, step });
    if (run.signal === null) return step / stride;
    expect(run.signal).toBe('SIGKILL');
  }
}

type Promised = { readonly entries: ReadonlyMap<number, string>; readonly notes: readonly string[]; readonly step: number };

async function checkPromises(folder: string, { entries, notes, step }: Promised): Promise<void> {
  const store = await openSqliteAuditStore({ path: path.join(folder, 'audit.db') });
  const heads = fileSignedHeads(path.join(folder, 'state'));
  const log = await openAuditLog({ store, heads, signer: testSigner(), origin: 'steps.example', env: systemEnv });
  // The start says how the last one ended; the checker itself always closes.
  expect((await log.entry(log.size - 1)).entry, `step ${step}`).toMatchObject({ gap: 'start', origin: 'steps.example' });
  for (const [index, leafHash] of entries) expect(hex((await log.entry(index)).leafHash), `step ${step}`).toBe(leafHash);
  for (const note of notes) {
    const { size, root } = verifyCheckpoint(note, log.verifierKey);
    const proof = await log.proveConsistency(size);
    verifyConsistency({ ...proof, oldRoot: root });
  }
  await log.close();
  const report = await fsck(storeSource(store), { verifierKey: log.verifierKey, known: notes });
  expect(
    report.findings.filter(({ about }) => about === 'integrity'),
    `step ${step}`,
  ).toEqual([]);
  expect((await heads.load('steps.example'))?.size).toBe(report.size);
  await store.close();
}
