/** Another process of a home: one of its agents takes cards of others, beside the process that has the home open. */
import { TalosClient } from '../../src/client/talos-client.ts';
import { nodeHome } from '../../src/node/node-home.ts';

const [dir = '', stateDir = '', name = '', ...cards] = process.argv.slice(2);
const client = await TalosClient.create(name, { stores: nodeHome({ dir, stateDir }) });
for (const card of cards) await client.pin(card);
await client.close();
