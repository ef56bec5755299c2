/** A process to be killed: appends payloads to a log with a private store. `child folder callers [hold]`; with `hold` it dies between the two writes. @module */
import { writeSync } from 'node:fs';
import * as path from 'node:path';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { openLogPrivacy } from '../../src/audit/log-privacy.ts';
import { withPrivateStore } from '../../src/audit/private-audit-store.ts';
import { systemEnv } from '../../src/env/env.ts';
import { openSqliteAuditStore } from '../../src/node/sqlite-audit-store.ts';
import { openSqlitePrivateStore } from '../../src/node/sqlite-private-store.ts';
import { hex, testSigner } from '../audit/support.ts';

const [folder = '', callers = '1', hold = ''] = process.argv.slice(2);
const entries = await openSqliteAuditStore({ path: path.join(folder, 'audit.db') });
const payloads = await openSqlitePrivateStore({ path: path.join(folder, 'payloads.db'), keysPath: path.join(folder, 'subjects.db') });
const store = await withPrivateStore(entries, payloads);
const log = await openAuditLog({ store, signer: testSigner(), origin: 'crash.example', env: systemEnv });
const privacy = await openLogPrivacy({ log, store, env: systemEnv });

const never = (): Promise<void> => new Promise(() => undefined);
const die = (): void => void process.kill(process.pid, 'SIGKILL');
if (hold === 'openings') {
  payloads.saveOpenings = never;
  const append = entries.append.bind(entries);
  entries.append = (batch) => append(batch).then(die);
}
if (hold === 'entries') {
  entries.append = never;
  const saveOpenings = payloads.saveOpenings.bind(payloads);
  payloads.saveOpenings = (openings) => saveOpenings(openings).then(die);
}

async function call(n: number): Promise<never> {
  for (let i = 0; ; i++) {
    const about = n % 2 === 0 ? log : privacy.about(`person ${n}`);
    const { index, leafHash } = await about.append({ type: 'tool.request', call: `${n}-${i}`, commit: { args: { n, i } } });
    writeSync(1, `${index} ${hex(leafHash)}\n`);
  }
}

await Promise.all(Array.from({ length: Number(callers) }, (_, n) => call(n)));
