import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { TalosClient } from '../../src/client/talos-client.ts';
import { nodeHome } from '../../src/node/node-home.ts';
import { recoverLog } from '../../src/node/recover-log.ts';
import { caught } from '../audit/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'talos-recover-'));
const stateDir = join(folder, 'state');
let homes = 0;
const fresh = (): string => join(folder, `home-${homes++}`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const open = (dir: string, name = 'agent') => TalosClient.create(name, { stores: nodeHome({ dir, stateDir }) });

describe('a home', () => {
  it('[AUDIT-ROLLED-BACK] that was restored from an old copy does not open; recoverLog lets it go on under a new origin', async () => {
    const dir = fresh();
    const first = await open(dir);
    const { origin } = first.log;
    await first.close();
    const copy = fresh();
    cpSync(dir, copy, { recursive: true });
    await (await open(dir, 'second')).close();
    expect(await caught(() => open(copy))).toMatchObject({ code: 'TALOS_AUDIT_ROLLED_BACK' });
    expect(await caught(() => recoverLog({ dir: copy, stateDir } as never))).toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
    const fork = await recoverLog({ dir: copy, stateDir, acceptFork: true });
    expect(fork.origin).toBe(`${origin}/epoch/2`);
    const again = await open(copy);
    expect(again.log.origin).toBe(fork.origin);
    expect(again.did).toBe(first.did);
    await again.close();
    // The one that had gone on under the old name is now the one that is left behind.
    expect(await caught(() => open(dir))).toMatchObject({ code: 'TALOS_AUDIT_ROLLED_BACK' });
  });

  it('[AUDIT-ONE-WRITER] of two copies of one home that are both open, the second to sign stops', async () => {
    const dir = fresh();
    await (await open(dir)).close();
    const copy = fresh();
    cpSync(dir, copy, { recursive: true });
    const [mine, theirs] = [await open(dir), await open(copy)];
    await mine.log.checkpoint();
    expect(await caught(() => theirs.log.checkpoint())).toMatchObject({ code: 'TALOS_STORE_CONFLICT' });
    expect(await caught(() => theirs.grant({ to: theirs.did, tools: {} }))).toMatchObject({ code: 'TALOS_AUDIT_STOPPED' });
    await mine.close();
    await theirs.close().catch(() => undefined);
    await (await open(dir)).close();
    expect(await caught(() => open(copy))).toMatchObject({ code: 'TALOS_AUDIT_ROLLED_BACK' });
  });

  it('[AUDIT-STATE-DIR] does not keep its state within itself', async () => {
    const dir = fresh();
    expect(await caught(() => nodeHome({ dir, stateDir: join(dir, 'state') }))).toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
  });

  /** The superuser writes where nobody may: the process gives that up first. */
  const isRoot = process.getuid?.() === 0;
  it.skipIf(process.platform === 'win32')(
    '[AUDIT-READ-ONLY] on a read-only disk refuses with a code, and is whole when the disk is writable again',
    async () => {
      const dir = fresh();
      const client = await open(dir);
      const { size } = client.log;
      await client.close();
      const script = `import { openSqliteAuditStore } from '@talosprotocol/core/node'; ${isRoot ? 'process.setgid(65534); process.setuid(65534);' : ''}
      openSqliteAuditStore({ path: process.argv[1] }).then(() => console.log('opened'), (error) => console.log(error.code));`;
      spawnSync('chmod', ['-R', 'a-w,a+rX', dir]);
      chmodSync(folder, 0o755);
      const run = spawnSync(process.execPath, ['--conditions=@talosprotocol/source', '--input-type=module', '-e', script, join(dir, 'audit.db')], {
        encoding: 'utf8',
        cwd: fileURLToPath(new URL('../..', import.meta.url)),
      });
      spawnSync('chmod', ['-R', 'u+w,go-rwx', dir]);
      expect(run.stdout.trim(), run.stderr).toMatch(/^TALOS_STORE_(WRITE|READ)_FAILED$/);
      const again = await open(dir);
      expect(again.log.size).toBe(size + 2);
      await again.close();
    },
  );
});
