import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { checkAcknowledged, killAfter } from './sqlite-audit-crash.ts';

it('[AUDIT-CRASH] fifty kills in a row on one log lose no acknowledged entry', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'talos-audit-deep-'));
  const path = join(folder, 'audit.db');
  const acknowledged = new Map<number, string>();
  for (let round = 0; round < 50; round++) {
    for (const [index, leafHash] of await killAfter({ path, lines: 1 + ((round * 37) % 400), callers: 1 + ((round * 13) % 64) })) {
      // An index that was acknowledged once is never given out again.
      expect(acknowledged.has(index)).toBe(false);
      acknowledged.set(index, leafHash);
    }
    await checkAcknowledged(path, acknowledged);
  }
  rmSync(folder, { recursive: true, force: true });
});
