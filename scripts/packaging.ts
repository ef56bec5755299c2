/** Packs every public package and has two independent tools read the tarball as a consumer's tools would. @module */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packAll } from './pack.ts';
import { must, run } from './run.ts';

const required = ['package/LICENSE', 'package/README.md', 'package/package.json', 'package/dist/index.js', 'package/dist/index.d.ts', 'package/src/index.ts'];
const scratch = mkdtempSync(join(tmpdir(), 'talos-pack-'));
const faults: string[] = [];
try {
  for (const { name, path } of await packAll(scratch)) {
    const files = new Set((await must('tar', ['-tzf', path])).split('\n'));
    faults.push(...required.filter((file) => !files.has(file)).map((file) => `${name}: the tarball holds no ${file}`));
    faults.push(...[...files].filter((file) => /\.tsbuildinfo$|\.test\.|(^|\/)test\//.test(file)).map((file) => `${name}: the tarball holds ${file}`));
    const reads = await Promise.all([run('publint', ['run', path, '--strict']), run('attw', [path, '--profile', 'esm-only', '--no-emoji', '--no-color'])]);
    faults.push(...reads.filter(({ ok }) => !ok).map(({ output }) => `${name}:\n${output}`));
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
for (const fault of faults) process.stderr.write(`${fault}\n`);
process.exitCode = faults.length > 0 ? 1 : 0;
