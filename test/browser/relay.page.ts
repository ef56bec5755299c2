/** The page of relay.deep.test.ts: an agent in a browser that meets another by its DID and talks to it, over a relay. @module */
import { TalosClient } from '@talosprotocol/core';
import { webSocketTransport } from '@talosprotocol/core/web';

type Page = { talk(relay: string): Promise<readonly unknown[]> };

async function talk(relay: string): Promise<readonly unknown[]> {
  const transport = webSocketTransport({ relays: relay });
  const [here, there] = [await TalosClient.create('here', { transport }), await TalosClient.create('there', { transport })];
  const received: unknown[] = [];
  const done = new Promise<void>((resolve) => {
    there.on('message', ({ content }) => {
      received.push(content);
      if (received.length === 3) resolve();
    });
  });
  await there.bundle();
  for (let attempt = 0; ; attempt++) {
    try {
      await here.connect(there.did);
      break;
    } catch (error) {
      // The other one is still publishing.
      if (attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  for (const text of ['one', 'two', 'three']) await here.send(there.did, text);
  await done;
  await Promise.all([here.close(), there.close()]);
  return received;
}

(globalThis as unknown as Page).talk = talk;
