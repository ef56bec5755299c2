import { fileURLToPath } from 'node:url';
import { must } from '../../../scripts/run.ts';
import type { Bench } from '../measure.ts';

const here = fileURLToPath(new URL('../..', import.meta.url));
const child = `const started = performance.now(); await import('@talosprotocol/core'); process.stdout.write(String(performance.now() - started));`;

/** The built root in a fresh process, from before the import to after it. The process's own start is not counted. */
export const importCore: Bench = {
  name: 'import-core',
  maxRounds: 15,
  async open() {
    await must('pnpm', ['--silent', 'run', 'build']);
    return {
      round: async () => {
        const micros = Number(await must(process.execPath, ['--input-type=module', '--eval', child], { cwd: here })) * 1000;
        return { micros: [micros], totalMicros: micros };
      },
    };
  },
};
