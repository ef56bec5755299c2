/** A process of a home whose log others use too: appends, and says what became durable. `child {url, log, key, stateDir, name, count}` @module */
import { writeSync } from 'node:fs';
import { systemEnv } from '@talosprotocol/core';
import { postgresHome } from '../src/postgres-home.ts';

type Options = { readonly url: string; readonly log: string; readonly key: string; readonly stateDir: string; readonly name: string; readonly count: number };
const { url, log: schema, key, stateDir, name, count } = JSON.parse(process.argv[2] ?? '{}') as Options;

const say = (line: string): void => void writeSync(1, `${line}\n`);
const shared = postgresHome(url, { log: schema, stateDir, waitMs: 50, keyProvider: async () => new Uint8Array(Buffer.from(key, 'hex')) }).log(systemEnv);
const log = await shared.acquire();
say(`open ${log.verifierKey}`);
for await (const _ of process.stdin) {
  // Anything: begin.
  for (let n = 0; n < count; n += 4) {
    const wave = Array.from({ length: Math.min(4, count - n) }, async (_each, i) => {
      const { index, leafHash } = await log.append({ type: 'config', process: name, n: n + i, commit: { args: { n } } });
      say(`entry ${index} ${Buffer.from(leafHash).toString('hex')} ${n + i}`);
    });
    await Promise.all(wave);
  }
  say('done');
  break;
}
await shared.release();
say('closed');
process.exit(0);
