import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dieAtEveryStep } from './writer-steps.ts';

/** A disk in memory, where there is one: what is tested is the order of writes, not the disk. */
const quick = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

it('[AUDIT-CRASH] kill -9 at every step of the writer loses no acknowledged entry and forks no signed head', async () => {
  const folder = mkdtempSync(join(quick, 'talos-steps-'));
  expect(await dieAtEveryStep(folder, { stride: 1 })).toBeGreaterThan(60);
  rmSync(folder, { recursive: true, force: true });
});
