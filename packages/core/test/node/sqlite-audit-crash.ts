/** One round of kill -9, shared by the quick test and the deep one. @module */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { openAuditLog, type AuditLog } from '../../src/audit/audit-log.ts';
import { verifyEntryProof } from '../../src/audit/entry-proof.ts';
import { systemEnv } from '../../src/env/env.ts';
import { openSqliteAuditStore } from '../../src/node/sqlite-audit-store.ts';
import { hex, testSigner } from '../audit/support.ts';

/** Runs the child, kills it after `lines` acknowledgements, and returns what it had acknowledged: index → leaf hash. */
export async function killAfter({
  path,
  lines,
  callers,
}: {
  readonly path: string;
  readonly lines: number;
  readonly callers: number;
}): Promise<Map<number, string>> {
  const file = fileURLToPath(new URL('./sqlite-audit-child.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@talosprotocol/source', file, path, String(callers)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.split('\n').length > lines) child.kill('SIGKILL');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const signal = await new Promise((resolve) => child.on('close', (_code, killed) => resolve(killed)));
  expect(signal, errors).toBe('SIGKILL');
  // Warnings of the writer's thread would land here.
  expect(errors).toBe('');
  const acknowledged = output.slice(0, output.lastIndexOf('\n')).split('\n');
  return new Map(acknowledged.map((line) => line.split(' ') as [string, string]).map(([index, leafHash]) => [Number(index), leafHash]));
}

/** Opens the log that the child left, and finds every acknowledged entry, provable. */
export async function checkAcknowledged(path: string, acknowledged: ReadonlyMap<number, string>): Promise<void> {
  const store = await openSqliteAuditStore({ path });
  const log: AuditLog = await openAuditLog({ store, signer: testSigner(), origin: 'crash.example', env: systemEnv });
  for (const [index, leafHash] of acknowledged) expect(hex((await log.entry(index)).leafHash)).toBe(leafHash);
  const last = Math.max(...acknowledged.keys());
  expect(verifyEntryProof(await log.proveInclusion(last), log.verifierKey).index).toBe(last);
  await log.close();
  await store.close();
}
