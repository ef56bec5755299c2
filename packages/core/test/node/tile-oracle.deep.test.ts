import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { fsck } from '../../src/audit/fsck.ts';
import { systemEnv } from '../../src/env/env.ts';
import { openSqliteAuditStore } from '../../src/node/sqlite-audit-store.ts';
import { exportTiles, openTileDirectory } from '../../src/node/tile-directory.ts';
import { testSigner } from '../audit/support.ts';

/** Where Debian puts Go packages: golang-golang-x-mod-dev. */
const debianGo = '/usr/share/gocode';
const noOracle = existsSync(`${debianGo}/src/golang.org/x/mod/sumdb/tlog`)
  ? undefined
  : 'no Go with golang.org/x/mod: apt-get install golang-go golang-golang-x-mod-dev';
const folder = mkdtempSync(join(tmpdir(), 'talos-oracle-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the oracle', () => {
  it.skipIf(noOracle)(
    `[AUDIT-ORACLE] Go's x/mod verifies an exported log of 70,000 entries${noOracle === undefined ? '' : ` (skipped: ${noOracle})`}`,
    async () => {
      const store = await openSqliteAuditStore({ path: join(folder, 'audit.db') });
      const log = await openAuditLog({ store, signer: testSigner(), origin: 'oracle.example/talos', env: systemEnv });
      for (let done = 1; done < 69_999;) {
        const batch = Math.min(8000, 69_999 - done);
        await Promise.all(Array.from({ length: batch }, (_, n) => log.append({ type: 'config', n: done + n, text: 'ä'.repeat(n % 50) })));
        done += batch;
      }
      await log.close();
      const dir = join(folder, 'export');
      expect(await exportTiles({ store, dir, verifierKey: log.verifierKey })).toMatchObject({ size: 70_000 });
      await store.close();
      writeFileSync(join(dir, 'vkey'), log.verifierKey);

      const run = (directory: string) =>
        spawnSync('go', ['run', fileURLToPath(new URL('./oracle/verify-tiles.go', import.meta.url)), directory], {
          encoding: 'utf8',
          env: {
            PATH: process.env['PATH'],
            HOME: folder,
            GOCACHE: join(folder, 'cache'),
            GOPATH: `${folder}/go:${debianGo}`,
            GO111MODULE: 'off',
            GOFLAGS: '',
            GOTOOLCHAIN: 'local',
          },
        });
      const verified = run(dir);
      expect(verified.stderr).toBe('');
      expect(verified.stdout).toBe('oracle.example/talos: 70000 entries\n');
      expect(await fsck(await openTileDirectory(dir), { verifierKey: log.verifierKey })).toMatchObject({ size: 70_000, sound: true, findings: [] });

      // It can say no: one byte of one entry, and one of one tile.
      for (const file of ['tile/entries/100', 'tile/1/000']) {
        const path = join(dir, file);
        const bytes = readFileSync(path);
        writeFileSync(path, bytes.with(500, (bytes[500] as number) ^ 1));
        expect(run(dir).status, file).not.toBe(0);
        expect((await fsck(await openTileDirectory(dir), { verifierKey: log.verifierKey })).sound, file).toBe(false);
        writeFileSync(path, bytes);
      }
    },
  );
});
