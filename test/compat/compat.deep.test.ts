/**
 * The adapter suite on packed packages, at the lowest and the newest version that an adapter declares. Each folder here is one private project:
 * its package.json names the framework's versions and, under `talos.adapter`, whose harness runs.
 * @module
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packAll, type Tarball } from '../../scripts/pack.ts';
import { repositoryRoot } from '../../scripts/repository-root.ts';
import { must } from '../../scripts/run.ts';
import type { SuiteResult } from '../support/run-suite.ts';

type Manifest = { readonly talos: { readonly adapter: string }; readonly dependencies: Record<string, string> };

const here = join(repositoryRoot, 'test/compat');
const folders = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
/** A framework's first import and 34 cases take seconds; a loaded machine takes its time to install. */
const timeout = 300_000;

let root: string;
let tarballs: readonly Tarball[];

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'talos-compat-'));
  await must('pnpm', ['--silent', 'run', 'build']);
  tarballs = await packAll(join(root, 'tarballs'));
}, timeout);

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('the adapter suite on packed packages', () => {
  it.each(folders)(
    '[PKG-COMPAT] passes in %s',
    async (folder) => {
      const { project, adapter } = await install(folder);
      const env = { MASTRA_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', NODE_OPTIONS: '--disable-warning=ExperimentalWarning' };
      const output = await must(process.execPath, ['test/support/run-suite.ts', `packages/${adapter}/test/harness.ts`], { cwd: project, env });
      const results = JSON.parse(output.trim().split('\n').at(-1) ?? '') as readonly SuiteResult[];
      expect(results.length).toBeGreaterThan(20);
      expect(results.filter(({ result }) => result === 'failed')).toEqual([]);
      expect(results.filter(({ result, reason }) => result === 'cannot' && !reason)).toEqual([]);
    },
    timeout,
  );

  it('[PKG-COMPAT] every adapter has a floor and a newest', () => {
    const adapters = [...new Set(folders.map((folder) => folder.slice(0, folder.lastIndexOf('-'))))];
    for (const adapter of adapters) {
      const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'packages', adapter, 'package.json'), 'utf8')) as {
        readonly devDependencies: Record<string, string>;
      };
      expect(folders).toEqual(expect.arrayContaining([`${adapter}-floor`, `${adapter}-newest`]));
      // What the adapter is written against is what "newest" means.
      for (const [name, version] of Object.entries(manifestOf(`${adapter}-newest`).dependencies))
        expect([name, manifest.devDependencies[name]]).toEqual([name, version]);
    }
  });
});

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(here, folder, 'package.json'), 'utf8')) as Manifest;
}

/** A project of a user, outside this repository, with the harness in it where it stands here. */
async function install(folder: string): Promise<{ readonly project: string; readonly adapter: string }> {
  const manifest = manifestOf(folder);
  const { adapter } = manifest.talos;
  const project = join(root, folder);
  const own = Object.fromEntries(
    tarballs.filter(({ name }) => name === '@talosprotocol/core' || name === `@talosprotocol/${adapter}`).map(({ name, path }) => [name, `file:${path}`]),
  );
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ ...manifest, dependencies: { ...manifest.dependencies, ...own } }));
  writeFileSync(
    join(project, 'pnpm-workspace.yaml'),
    `minimumReleaseAge: 0\noverrides:\n  '@talosprotocol/core': ${JSON.stringify(own['@talosprotocol/core'])}\n`,
  );
  cpSync(join(repositoryRoot, 'test/support'), join(project, 'test/support'), { recursive: true });
  cpSync(join(repositoryRoot, 'packages', adapter, 'test/harness.ts'), join(project, 'packages', adapter, 'test/harness.ts'));
  await must('pnpm', ['install', '--prefer-offline', '--ignore-scripts'], { cwd: project });
  return { project, adapter };
}
