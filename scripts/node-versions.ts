/** The other Node versions that the published packages promise to run on, from npm, kept outside the repository. @module */
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.ts';

export const otherNodes = ['22.23.3', '26.10.0'] as const;

/** The path of the binary, or undefined where this platform has none to fetch. */
export async function nodeOf(version: (typeof otherNodes)[number]): Promise<string | undefined> {
  const name = `node-${process.platform}-${process.arch}`;
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return undefined;
  const folder = join(tmpdir(), `talos-node-${version}`);
  const binary = join(folder, 'node_modules', name, 'bin', 'node');
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    await run('npm', ['install', '--prefix', folder, '--no-save', '--no-package-lock', '--no-audit', '--no-fund', `${name}@${version}`]);
  }
  return (await run(binary, ['--version'])).output.trim() === `v${version}` ? binary : undefined;
}
