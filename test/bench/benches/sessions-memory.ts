import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const child = fileURLToPath(new URL('../sessions-memory-child.ts', import.meta.url));

/** Ten thousand open sessions of one agent, store on disk: by how much the process grew, resident. A minute; at most 200 MB. */
export const sessionsMemory = {
  name: 'sessions-10k-memory',
  bytes: async (): Promise<number> => {
    const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, child, '10000'], { env: process.env });
    return Number(stdout);
  },
};
