import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const preflight = fileURLToPath(new URL('../../scripts/preflight.cjs', import.meta.url));

type Machine = { readonly node: string; readonly platform: string; readonly arch: string; readonly sqlite?: string };

/** Runs the preflight as it would run elsewhere: what it reads of the process is set before it is loaded. */
function preflightOn({ node, platform, arch, sqlite }: Machine): { readonly status: number | null; readonly line: string } {
  const set = Object.entries({ platform, arch, versions: { node, sqlite } })
    .map(([name, value]) => `Object.defineProperty(process, ${JSON.stringify(name)}, { value: ${JSON.stringify(value)} });`)
    .join('');
  const { status, stderr } = spawnSync(process.execPath, ['-e', `${set} require(${JSON.stringify(preflight)})`], { encoding: 'utf8' });
  return { status, line: stderr.trimEnd() };
}

it.each([
  { node: '20.20.2', platform: 'linux', arch: 'x64' },
  { node: '20.0.0', platform: 'linux', arch: 'arm64' },
  { node: '22.23.0', platform: 'darwin', arch: 'arm64', sqlite: '3.51.3' },
  { node: '26.10.0', platform: 'win32', arch: 'x64', sqlite: '3.53.0' },
])('[REPO-PREFLIGHT] $platform $arch takes Node $node', (machine) => {
  expect(preflightOn(machine)).toEqual({ status: 0, line: '' });
});

it.each([
  { node: '18.20.0', platform: 'linux', arch: 'x64', needs: '20' },
  { node: '20.20.2', platform: 'darwin', arch: 'arm64', needs: '22.13' },
  { node: '22.12.0', platform: 'win32', arch: 'x64', sqlite: '3.53.0', needs: '22.13' },
  { node: '20.20.2', platform: 'linux', arch: 's390x', needs: '22.13' },
])('[REPO-PREFLIGHT] $platform $arch refuses Node $node', ({ needs, ...machine }) => {
  expect(preflightOn(machine)).toEqual({ status: 1, line: `Talos needs Node >= ${needs} here; this is Node ${machine.node}.` });
});

it.each([{ sqlite: '3.47.2' }, { sqlite: '3.51.2' }, {}])('[REPO-PREFLIGHT] elsewhere a Node with SQLite $sqlite is refused', (built) => {
  const { status, line } = preflightOn({ node: '22.13.0', platform: 'darwin', arch: 'arm64', ...built });
  expect([status, line]).toEqual([1, 'The demo and the tests need a Node with SQLite >= 3.51.3, as 22.23, 24.21 and 26.10 have; this is Node 22.13.0.']);
});
