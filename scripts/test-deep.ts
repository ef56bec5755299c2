/**
 * The second tier: every test that has a deep size, at that size, with those that only run here (Chromium, the packed packages), then
 * core's tests on the other Node versions. Ends with one closing line over all of them.
 * @module
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeOf, otherNodes } from './node-versions.ts';
import { repositoryRoot } from './repository-root.ts';
import { run, type RunOptions } from './run.ts';

const vitest = join(repositoryRoot, 'node_modules/vitest/vitest.mjs');
/** What takes a tenth of core's tests and differs in no version of Node: files of SQLite that are grepped, processes that are killed. */
const slow = ['**/home-privacy.test.ts', '**/message/crash.test.ts'];
const total = { passed: 0, failed: 0, skipped: 0 };

const nodes = new Map<string, string>();
for (const version of otherNodes) {
  const binary = await nodeOf(version);
  if (binary !== undefined) nodes.set(version, binary);
  else if (process.env.CI === 'true') fail(`Node ${version} could not be fetched`);
  else process.stdout.write(`skipped: Node ${version} could not be fetched here\n`);
}

// A test that compares Node versions finds them by their major: TALOS_TEST_NODE_22.
const paths = Object.fromEntries([...nodes].map(([version, binary]) => [`TALOS_TEST_NODE_${version.split('.')[0]}`, binary]));
// The others are the same in both tiers, and were run in the first.
const deep = globSync('{packages/*/test,test}/**/*.test.ts', { cwd: repositoryRoot, exclude: (path) => path.includes('node_modules') }).filter(
  (file) => file.endsWith('.deep.test.ts') || readFileSync(join(repositoryRoot, file), 'utf8').includes('TALOS_DEEP'),
);
await count('every test that has a deep size', process.execPath, [vitest, 'run', ...deep], { env: { TALOS_DEEP: '1', ...paths } });
for (const [version, binary] of nodes)
  await count(`core under Node ${version}`, binary, [vitest, 'run', '--project', 'core', ...slow.flatMap((file) => ['--exclude', file])], {});

process.stdout.write(`\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}\n`);
process.exitCode = total.failed > 0 ? 1 : 0;

async function count(what: string, command: string, args: readonly string[], options: RunOptions): Promise<void> {
  process.stdout.write(`\n# ${what}\n`);
  const { ok, output } = await run(command, args, { ...options, echo: true });
  const [, passed = '0', failed = '0', skipped = '0'] = [...output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)].at(-1) ?? [];
  total.passed += Number(passed);
  total.failed += Number(failed);
  total.skipped += Number(skipped);
  if (!ok && failed === '0') fail(`${what}: ended without saying why`);
}

function fail(reason: string): void {
  process.stderr.write(`${reason}\n`);
  total.failed += 1;
}
