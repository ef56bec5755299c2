/** Restores a home, and is killed at its n-th step that changes the disk. */
import * as fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import promises from 'node:fs/promises';
import type { BackupHomeOptions } from '../../src/node/backup-home.ts';

const [, , options, step] = process.argv as [string, string, string, string];
let left = Number(step);
const patched = promises as unknown as Record<string, (...args: unknown[]) => unknown>;
for (const name of ['mkdir', 'open', 'link', 'rename', 'rm']) {
  const original = patched[name] as (...args: unknown[]) => unknown;
  patched[name] = (...args) => {
    if (--left === 0) process.kill(process.pid, 'SIGKILL');
    return original(...args);
  };
}
syncBuiltinESMExports();
void fs;
const { restoreHome } = await import('../../src/node/backup-home.ts');
await restoreHome(JSON.parse(options) as BackupHomeOptions);
