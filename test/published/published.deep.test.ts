import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packAll } from '../../scripts/pack.ts';
import { publicPackages, repositoryRoot } from '../../scripts/repository-root.ts';
import { must } from '../../scripts/run.ts';
import { bundleForBrowser } from '../browser/bundle.ts';

type Manifest = { readonly exports: Record<string, unknown>; readonly devDependencies: Record<string, string> };

const manifestOf = (name: string): Manifest => JSON.parse(readFileSync(join(repositoryRoot, 'packages', name, 'package.json'), 'utf8')) as Manifest;
const subpaths = publicPackages.flatMap((name) => Object.keys(manifestOf(name).exports).map((subpath) => `@talosprotocol/${name}${subpath.slice(1)}`));
const modules = subpaths.filter((specifier) => !specifier.endsWith('.json'));
/** What the guard path weighs at most in a browser, minified. */
const maxGuardBytes = 60_000;

let project: string;

/** A project of a user: the tarballs and the frameworks, installed outside this repository. */
beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'talos-published-'));
  await must('pnpm', ['--silent', 'run', 'build']);
  const tarballs = await packAll(join(project, 'tarballs'));
  const own = Object.fromEntries(tarballs.map(({ name, path }) => [name, `file:${path}`]));
  const frameworks = Object.assign({}, ...publicPackages.slice(1).map((name) => manifestOf(name).devDependencies)) as Record<string, string>;
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module', dependencies: { ...frameworks, ...own } }));
  // The age of a release was weighed when this repository took it; a second look would ask the network for each.
  writeFileSync(
    join(project, 'pnpm-workspace.yaml'),
    `minimumReleaseAge: 0\noverrides:\n  '@talosprotocol/core': ${JSON.stringify(own['@talosprotocol/core'])}\n`,
  );
  await must('pnpm', ['install', '--prefer-offline', '--ignore-scripts'], { cwd: project });
});

afterAll(() => rmSync(project, { recursive: true, force: true }));

/** Imports `specifier` in a fresh process, as a user would. */
async function load(specifier: string): Promise<{ readonly names: readonly string[]; readonly loaded: readonly string[] }> {
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
    const names = Object.keys(await import(${JSON.stringify(specifier)}));
    process.stdout.write(JSON.stringify({ names, loaded }));`;
  const env = { MASTRA_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', NODE_OPTIONS: '--disable-warning=ExperimentalWarning' };
  return JSON.parse(await must(process.execPath, ['--input-type=module', '--eval', script], { cwd: project, env })) as Awaited<ReturnType<typeof load>>;
}

describe('the packed packages', () => {
  it.each(modules)('[PKG-SUBPATHS] %s can be imported', async (specifier) => {
    const { names } = await load(specifier);
    expect(names).not.toEqual([]);
  });

  it('[PKG-LAZY-ROOT] the root loads the node suite and no room that it does not need', async () => {
    const { loaded } = await load('@talosprotocol/core');
    expect(loaded.filter((url) => url.endsWith('/dist/primitives/node.js'))).toHaveLength(1);
    expect(loaded.filter((url) => /\/dist\/(session|message|node|testing)\/|-kem\.js$|@noble\/|node:(sqlite|worker_threads)/.test(url))).toEqual([]);
  });

  it('[PKG-BROWSER] the guard path bundles for a browser', async () => {
    mkdirSync(join(project, 'src'));
    copyFileSync(join(repositoryRoot, 'test/browser/guard-path.ts'), join(project, 'src/guard-path.ts'));
    const whole = await bundleForBrowser(join(project, 'src/guard-path.ts'), { conditions: [] });
    expect(new TextDecoder().decode(whole)).not.toMatch(/["'`]node:/);
    const bundle = await bundleForBrowser(join(project, 'src/guard-path.ts'), { conditions: [], startOnly: true });
    expect(bundle.length).toBeLessThanOrEqual(maxGuardBytes);
  });
});
