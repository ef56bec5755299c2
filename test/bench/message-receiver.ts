/** The receiving process of `messages-websocket-durable`: an agent of its own home. Says hello, then how many messages it has handled. @module */
import { TalosClient } from '@talosprotocol/core';
import type { AgentId } from '@talosprotocol/core/identity';
import { nodeHome } from '@talosprotocol/core/node';
import { webSocketTransport } from '@talosprotocol/core/web';

const [relays = '', dir = '', stateDir = '', peer = ''] = process.argv.slice(2);
const client = await TalosClient.create('receiver', { stores: nodeHome({ dir, stateDir }), transport: webSocketTransport({ relays }) });
client.on('error', (error) => process.stderr.write(`receiver: ${String(error)}\n`));

let handled = 0;
let isTold = true;
client.on('message', () => {
  handled += 1;
  if (!isTold) return;
  isTold = false;
  // Once a turn: a word for each message would be measured with it.
  setImmediate(() => {
    isTold = true;
    process.send?.(handled);
  });
});
await client.connect(peer as AgentId);
await client.send(peer as AgentId, 'ready');
process.on('message', () => void client.close().then(() => process.disconnect()));
