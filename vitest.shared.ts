import { availableParallelism, tmpdir } from 'node:os';
import * as path from 'node:path';
import { defineProject } from 'vitest/config';

const sourceCondition = '@talosprotocol/source';
const conditions = [sourceCondition, 'module', 'node', 'development|production'];
const deep = process.env.TALOS_DEEP === '1';

/**
 * One project's tests. They run on the sources: no build comes first, and child processes and workers see the same.
 * @param without - Conditions that this project's packages answer with what Node cannot load.
 */
export const talosProject = (name: string, without: readonly string[] = []) =>
  defineProject({
    resolve: { conditions: conditions.filter((condition) => !without.includes(condition)) },
    ssr: { resolve: { conditions: conditions.filter((condition) => !without.includes(condition)) } },
    test: {
      name,
      // Many tests wait for disks and processes: one core less than there are would stand idle.
      maxWorkers: Math.max(2, availableParallelism()),
      include: ['**/*.test.ts'],
      exclude: ['**/node_modules/**', '**/dist/**', ...(deep ? [] : ['**/*.deep.test.ts'])],
      // What a home remembers outside itself stays out of the developer's own folders.
      env: { MASTRA_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', XDG_STATE_HOME: path.join(tmpdir(), 'talos-test-state') },
      testTimeout: deep ? 600_000 : 60_000,
      hookTimeout: deep ? 600_000 : 60_000,
      // One second run on a shared machine; the closing lines name every test that needed it.
      retry: process.env.CI === 'true' ? 1 : 0,
    },
  });
