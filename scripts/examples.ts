/** Runs every example as a reader would. Each asserts its own result; one that fails or hangs fails this. @module */
import { globSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.ts';
import { repositoryRoot } from './repository-root.ts';

const examples = globSync('examples/[0-9][0-9]-*/index.ts', { cwd: repositoryRoot }).toSorted();
const total = { passed: 0, failed: 0 };
// What a home remembers outside itself: not in the folders of whoever runs this.
const env = { XDG_STATE_HOME: join(tmpdir(), 'talos-examples-state'), MASTRA_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };
for (const example of examples) {
  const { ok, output, seconds } = await run(process.execPath, ['--conditions=@talosprotocol/source', '--disable-warning=ExperimentalWarning', example], {
    env,
  });
  total[ok ? 'passed' : 'failed'] += 1;
  process.stdout.write(`${ok ? 'ok  ' : 'FAIL'} ${example} (${seconds.toFixed(1)} s)\n`);
  if (!ok) process.stdout.write(output);
}
if (examples.length === 0) total.failed += 1;
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed > 0 ? 1 : 0;
