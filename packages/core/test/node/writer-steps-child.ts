/** A process that kills itself at one step of its work: before or after the n-th call that reaches store, signer, heads or file system. @module */
import { writeSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import * as path from 'node:path';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { systemEnv } from '../../src/env/env.ts';
import { fileSignedHeads } from '../../src/node/file-signed-heads.ts';
import { openSqliteAuditStore } from '../../src/node/sqlite-audit-store.ts';
import { hex, testSigner } from '../audit/support.ts';

const [folder = '', dieAt = ''] = process.argv.slice(2);
let step = 0;

function mayDie(): void {
  if (step++ === Number(dieAt)) process.kill(process.pid, 'SIGKILL');
}

function deadly(target: object, names: readonly string[]): void {
  const methods = target as Record<string, (...args: unknown[]) => unknown>;
  for (const name of names) {
    const inner = (methods[name] as (...args: unknown[]) => unknown).bind(target);
    methods[name] = async (...args: unknown[]) => {
      mayDie();
      const result = await inner(...args);
      mayDie();
      return result;
    };
  }
}

deadly(fs, ['link', 'rm', 'open', 'mkdir']);
syncBuiltinESMExports();
const store = await openSqliteAuditStore({ path: path.join(folder, 'audit.db') });
deadly(store, ['append', 'saveCheckpoint']);
const signer = testSigner();
const signing = { publicKey: signer.publicKey, sign: async (text: Uint8Array) => (mayDie(), signer.sign(text)) };
const heads = fileSignedHeads(path.join(folder, 'state'));
const log = await openAuditLog({ store, signer: signing, heads, origin: 'steps.example', env: systemEnv });
for (let round = 0; round < 2; round++) {
  await Promise.all(
    [1, 2, 3].map(async (n) => {
      const { index, leafHash } = await log.append({ type: 'config', n });
      writeSync(1, `entry ${index} ${hex(leafHash)}\n`);
    }),
  );
  writeSync(1, `note ${JSON.stringify(await log.checkpoint())}\n`);
}
await log.close();
await store.close();
