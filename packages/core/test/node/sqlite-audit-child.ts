/** A process to be killed: appends as fast as it can and prints each index and leaf hash only after it was acknowledged. @module */
import { writeSync } from 'node:fs';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { systemEnv } from '../../src/env/env.ts';
import { openSqliteAuditStore } from '../../src/node/sqlite-audit-store.ts';
import { hex, testSigner } from '../audit/support.ts';

const [path = '', callers = '16'] = process.argv.slice(2);
const store = await openSqliteAuditStore({ path });
const log = await openAuditLog({ store, signer: testSigner(), origin: 'crash.example', env: systemEnv });

async function call(n: number): Promise<never> {
  for (let i = 0; ; i++) {
    const { index, leafHash } = await log.append({ type: 'tool.request', call: `${n}-${i}`, commit: { args: { n, i } } });
    print(`${index} ${hex(leafHash)}\n`);
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
