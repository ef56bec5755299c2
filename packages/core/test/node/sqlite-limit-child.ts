/** A process that draws on a shared limit: reserves as often as it is told and prints how often it could. With `hang`, it reserves once and waits to be killed. @module */
import { sqliteLimitStore } from '../../src/node/sqlite-limit-store.ts';
import { SqliteState } from '../../src/node/sqlite-state.ts';
import { systemEnv } from '../../src/env/env.ts';

const [path = '', times = '1', max = '1', mode = ''] = process.argv.slice(2);
const store = sqliteLimitStore(new SqliteState({ path, env: systemEnv }));
const rule = { kind: 'total', max: Number(max) } as const;
let taken = 0;
for (let i = 0; i < Number(times); i++) {
  const refusal = await store.reserve([{ key: 'shared', rule, amount: 1, from: Date.now() + 1000, until: Date.now() + 60_000 }], Date.now());
  if (refusal !== undefined) continue;
  taken++;
  if (mode !== 'hang') await store.settle([{ key: 'shared', rule, held: 1, used: 1 }]);
}
process.stdout.write(`${taken}\n`);
if (mode === 'hang') setInterval(() => {}, 1000);
