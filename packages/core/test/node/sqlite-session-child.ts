/** A process over a session store that another one writes too: commits until it has won `count` times, and says how often it lost. @module */
import type { AgentId } from '../../src/identity/agent-id.ts';
import { existsSync, writeFileSync } from 'node:fs';
import { openSqliteSessions } from '../../src/node/sqlite-session-store.ts';
import { isConflict } from '../../src/message/session-table.ts';

const [folder = '', name = '', count = '0'] = process.argv.slice(2);
const agent = 'did:key:z6Mkagent' as AgentId;
const peer = 'did:key:z6Mkpeer' as AgentId;
const sessions = await openSqliteSessions({ path: `${folder}/sessions.db`, fencePath: `${folder}/fence.db`, key: new Uint8Array(32).fill(5) });
const { store, fence } = sessions.of(agent);

// Both begin together: one that is done before the other starts meets nobody.
writeFileSync(`${folder}/ready-${name}`, '');
while (!['a', 'b'].every((each) => existsSync(`${folder}/ready-${each}`))) await new Promise((resolve) => setTimeout(resolve, 1));

let lost = 0;
for (let won = 0; won < Number(count);) {
  const version = (await store.load('s'))?.version ?? 0;
  const row = { id: `${name}${won}`, sessionId: 's', sessionVersion: version + 1, to: peer, frame: new Uint8Array(100) };
  try {
    await store.commit('s', version, { state: new Uint8Array(400).fill(won), peer, outbox: [row] });
    await fence.raise('s', version + 1);
    won++;
  } catch (error) {
    if (!isConflict(error)) throw error;
    lost++;
  }
}
await sessions.close();
process.stdout.write(String(lost));
