/** A process to be killed: takes the writer's place when it is free, appends as fast as it can, prints what was acknowledged. @module */
import { writeSync } from 'node:fs';
import { systemEnv } from '@talosprotocol/core';
import { openAuditLog } from '@talosprotocol/core/audit';
import { openPostgresAuditStore } from '../src/postgres-audit-store.ts';
import { fixedSigner } from './fixed-signer.ts';

const [url = '', name = '', callers = '16', appends = '1000000000'] = process.argv.slice(2);
const store = await openPostgresAuditStore({ url, log: name, waitMs: 60_000 });
const log = await openAuditLog({ store, signer: fixedSigner, origin: 'crash.example', env: systemEnv });
writeSync(1, 'writing\n');

async function call(n: number): Promise<void> {
  for (let i = 0; i < Number(appends); i++) {
    const { index, leafHash } = await log.append({ type: 'tool.request', call: `${process.pid}-${n}-${i}`, commit: { args: { n, i } } });
    print(`${index} ${Buffer.from(leafHash).toString('hex')}\n`);
    if (index % 97 === 0) await log.checkpoint();
  }
}

/** Synchronous: what was printed was printed, even if the next instruction is never reached. A full pipe is tried again. */
function print(line: string): void {
  for (;;) {
    try {
      writeSync(1, line);
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== 'EAGAIN') throw error;
    }
  }
}

await Promise.all(Array.from({ length: Number(callers) }, (_, n) => call(n)));
await log.close();
await store.close();
