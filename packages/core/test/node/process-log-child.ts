/** A process of a home: appends, says what became durable, and dies where it is told to. `child dir stateDir name count [place] [n]` @module */
import { writeSync } from 'node:fs';
import { systemEnv } from '../../src/env/env.ts';
import { IntentTable } from '../../src/node/intent-table.ts';
import { nodeHome } from '../../src/node/node-home.ts';
import { hex } from '../audit/support.ts';

const [dir = '', stateDir = '', name = '', count = '0', place = '', at = '0'] = process.argv.slice(2);

const table = IntentTable.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
let calls = 0;
const die = (): void => {
  if (calls++ === Number(at)) process.kill(process.pid, 'SIGKILL');
};
const [when, method] = place.split('-') as ['before' | 'after', string];
if (method !== undefined) {
  const inner = table[method] as (...args: unknown[]) => unknown;
  table[method] = function (this: unknown, ...args: unknown[]) {
    // An empty look at the queue is no step.
    const isStep = method !== 'pending';
    if (when === 'before' && isStep) die();
    const result = inner.apply(this, args);
    if (when === 'after' && (isStep || (result as unknown[]).length > 0)) die();
    return result;
  };
}

const shared = nodeHome({ dir, stateDir }).log(systemEnv);
const log = await shared.acquire();
writeSync(1, `open ${log.verifierKey}\n`);
for await (const _ of process.stdin) {
  // Anything: begin.
  for (let n = 0; n < Number(count); n += 4) {
    const wave = Array.from({ length: Math.min(4, Number(count) - n) }, async (_each, i) => {
      const { index, leafHash } = await log.append({ type: 'config', process: name, n: n + i, commit: { args: { n } } });
      writeSync(1, `entry ${index} ${hex(leafHash)} ${n + i}\n`);
    });
    await Promise.all(wave);
  }
  writeSync(1, 'done\n');
}
await shared.release();
writeSync(1, 'closed\n');
