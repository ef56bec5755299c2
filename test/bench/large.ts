/**
 * `pnpm bench:large [entries]`: a log on disk of a million entries or as many as asked, grown through the public API. Prints as JSON what a
 * bench in rounds cannot show: start time after a crash, proofs from disk, memory, each task in a process of its own. Not part of CI: it writes
 * half a gigabyte per million entries, and the log twice.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { must } from '../../scripts/run.ts';

/** What docs/benchmarks.md names for machines with little memory. */
const boundedYoungGeneration = '--max-semi-space-size=8';

const entries = process.argv[2] ?? '1000000';
const program = stripTypeScriptTypes(readFileSync(new URL('./large-process.ts', import.meta.url), 'utf8'));
// Where the program's imports are looked for.
const cwd = fileURLToPath(new URL('..', import.meta.url));

await must('pnpm', ['--silent', 'run', 'build']);
const nodeAlone = Number(node(['--eval', 'process.stdout.write(String(process.memoryUsage.rss()))']));
const bounded = withLog((path) => task('append', { path, options: [boundedYoungGeneration] }));
const tasks = withLog((path) => ({ append: task('append', { path }), own: task('own', { path }), check: task('check', { path }) }));
const figures = { entries: Number(entries), nodeAloneMegabytes: Math.round(nodeAlone / 1e6), [`append ${boundedYoungGeneration}`]: bounded, ...tasks };
process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
process.exitCode = tasks.check['sound'] === true ? 0 : 1;

function withLog<T>(use: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'talos-large-'));
  try {
    return use(join(folder, 'audit.db'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function task(name: string, { path, options = [] }: { readonly path: string; readonly options?: readonly string[] }): Record<string, unknown> {
  process.stderr.write(`${[name, ...options].join(' ')}\n`);
  return JSON.parse(node([...options, '--input-type=module', '--eval', program, name, path, entries])) as Record<string, unknown>;
}

/** Progress goes to standard error while it runs. */
function node(options: readonly string[]): string {
  return execFileSync(process.execPath, options, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
