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
import { must, run } from '../../scripts/run.ts';
import type { SuiteResult } from '../support/run-suite.ts';

type Manifest = { readonly talos: { readonly adapter: string; readonly scenarios?: readonly string[] }; readonly dependencies: Record<string, string> };

type ScenarioResults = {
  readonly numPassedTests: number;
  readonly testResults: readonly { readonly message: string; readonly assertionResults: readonly { readonly failureMessages: readonly string[] }[] }[];
};

const here = join(repositoryRoot, 'test/compat');
const folders = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const adapters = [...new Set(folders.map((folder) => folder.slice(0, folder.lastIndexOf('-'))))];
const env = { MASTRA_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', NODE_OPTIONS: '--disable-warning=ExperimentalWarning' };
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
      const { dependencies, talos } = manifestOf(folder);
      const { adapter } = talos;
      const { project } = await install({ folder, packages: ['core', adapter], dependencies });
      cpSync(join(repositoryRoot, 'test/support'), join(project, 'test/support'), { recursive: true });
      cpSync(join(repositoryRoot, 'packages', adapter, 'test/harness.ts'), join(project, 'packages', adapter, 'test/harness.ts'));
      const output = await must(process.execPath, ['test/support/run-suite.ts', `packages/${adapter}/test/harness.ts`], { cwd: project, env });
      const results = JSON.parse(output.trim().split('\n').at(-1) ?? '') as readonly SuiteResult[];
      expect(results.length).toBeGreaterThan(20);
      expect(results.filter(({ result }) => result === 'failed')).toEqual([]);
      expect(results.filter(({ result, reason }) => result === 'cannot' && !reason)).toEqual([]);
    },
    timeout,
  );

  it.each(folders.filter((folder) => manifestOf(folder).talos.scenarios !== undefined))(
    '[PKG-COMPAT] passes its scenarios in %s',
    async (folder) => {
      const { dependencies, talos } = manifestOf(folder);
      const { adapter, scenarios = [] } = talos;
      const { vitest } = (JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as { readonly devDependencies: { readonly vitest: string } })
        .devDependencies;
      const { project } = await install({ folder: `${folder}-scenarios`, packages: ['core', adapter], dependencies: { ...dependencies, vitest } });
      const tests = join('packages', adapter, 'test');
      cpSync(join(repositoryRoot, tests, 'support.ts'), join(project, tests, 'support.ts'));
      for (const name of scenarios) cpSync(join(repositoryRoot, tests, `scenarios/${name}.test.ts`), join(project, tests, `scenarios/${name}.test.ts`));
      const conditions = ['node', 'development|production'];
      writeFileSync(
        join(project, 'vitest.config.mjs'),
        `export default ${JSON.stringify({ resolve: { conditions }, ssr: { resolve: { conditions } }, test: { testTimeout: 60_000 } })};`,
      );
      await run('pnpm', ['exec', 'vitest', 'run', '--reporter=json', '--outputFile=results.json'], { cwd: project, env });
      const { numPassedTests, testResults } = JSON.parse(readFileSync(join(project, 'results.json'), 'utf8')) as ScenarioResults;
      expect(
        testResults
          .flatMap(({ message, assertionResults }) => [message, ...assertionResults.flatMap(({ failureMessages }) => failureMessages)])
          .filter(Boolean),
      ).toEqual([]);
      expect([testResults.length, numPassedTests > scenarios.length]).toEqual([scenarios.length, true]);
    },
    timeout,
  );

  it.each(adapters)(
    '[PKG-PEERLESS] core and the others load without the framework of %s',
    async (missing) => {
      const others = adapters.filter((adapter) => adapter !== missing);
      const dependencies = Object.assign({}, ...others.map((adapter) => manifestOf(`${adapter}-newest`).dependencies)) as Record<string, string>;
      const { project } = await install({ folder: `without-${missing}`, packages: ['core', ...adapters], dependencies });
      const load = (name: string) => run(process.execPath, ['--input-type=module', '--eval', `await import('@talosprotocol/${name}')`], { cwd: project, env });
      for (const name of ['core', ...others]) expect([name, (await load(name)).output]).toEqual([name, '']);
      // The framework is really not there.
      expect((await load(missing)).ok).toBe(false);
    },
    timeout,
  );

  it('[PKG-COMPAT] every adapter has a floor and a newest', () => {
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

type Project = { readonly folder: string; readonly packages: readonly string[]; readonly dependencies: Record<string, string> };

/** A project of a user, outside this repository, with these packed packages and no peer that it does not name. */
async function install({ folder, packages, dependencies }: Project): Promise<{ readonly project: string }> {
  const project = join(root, folder);
  const wanted = new Set(packages.map((name) => `@talosprotocol/${name}`));
  const own = Object.fromEntries(tarballs.filter(({ name }) => wanted.has(name)).map(({ name, path }) => [name, `file:${path}`]));
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: folder, private: true, type: 'module', dependencies: { ...dependencies, ...own } }));
  writeFileSync(
    join(project, 'pnpm-workspace.yaml'),
    `minimumReleaseAge: 0\nautoInstallPeers: ${folder.startsWith('without-') ? 'false' : 'true'}\nstrictPeerDependencies: false\noverrides:\n  '@talosprotocol/core': ${JSON.stringify(own['@talosprotocol/core'])}\n`,
  );
  await must('pnpm', ['install', '--prefer-offline', '--ignore-scripts'], { cwd: project });
  return { project };
}
