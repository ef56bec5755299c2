import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { TalosClient } from '@talosprotocol/core';
import type { AgentId } from '@talosprotocol/core/identity';
import { nodeHome } from '@talosprotocol/core/node';
import { webSocketTransport } from '@talosprotocol/core/web';
import type { Bench } from '../measure.ts';

/** Messages of a round, and how many wait for their `send` at a time. */
const messages = 5120;
const callers = 512;
const content = new Uint8Array(256).fill(65);
const execArgv = ['--conditions=@talosprotocol/source', '--disable-warning=ExperimentalWarning'];

/**
 * Messages of 256 bytes in one session, from one process to another through a relay of its own. An operation is one message, from `send` to the
 * peer's handler: encrypted, committed and synced, recorded in the sender's log, kept by the relay, opened, committed and synced, recorded
 * in the receiver's log, handed over. The median is what a caller waits for `send`.
 */
export const messagesWebsocketDurable: Bench = {
  name: 'messages-websocket-durable',
  maxRounds: 6,
  async open() {
    const folder = mkdtempSync(join(tmpdir(), 'talos-bench-'));
    const relay = await startRelay(join(folder, 'relay.db'));
    const home = nodeHome({ dir: join(folder, 'sender'), stateDir: join(folder, 'state') });
    const client = await TalosClient.create('sender', { stores: home, transport: webSocketTransport({ relays: relay.url }) });
    client.on('error', (error) => process.stderr.write(`sender: ${String(error)}\n`));
    const met = new Promise<AgentId>((resolve) => client.on('message', ({ from }) => resolve(from)));
    // Publishes its bundles, which is what the receiver meets it by.
    await client.bundle();
    const receiver = fork(
      fileURLToPath(new URL('../message-receiver.ts', import.meta.url)),
      [relay.url, join(folder, 'receiver'), join(folder, 'state'), client.did],
      {
        execArgv,
      },
    );
    const peer = await met;
    return {
      round: messageRound({ client, receiver, peer }),
      close: async () => {
        receiver.send('close');
        await once(receiver, 'exit');
        await client.close();
        relay.process.kill();
        await once(relay.process, 'exit');
        rmSync(folder, { recursive: true });
      },
    };
  },
};

type Ends = { readonly client: TalosClient; readonly receiver: ChildProcess; readonly peer: AgentId };

function messageRound({ client, receiver, peer }: Ends) {
  let handled = 0;
  let expected = 0;
  let isDone = (): void => undefined;
  receiver.on('message', (count: number) => {
    handled = count;
    if (handled >= expected) isDone();
  });
  return async () => {
    const micros: number[] = [];
    expected = handled + messages;
    const done = new Promise<void>((resolve) => (isDone = resolve));
    const started = performance.now();
    let left = messages;
    const caller = async (): Promise<void> => {
      while (left-- > 0) {
        const asked = performance.now();
        await client.send(peer, content);
        micros.push((performance.now() - asked) * 1000);
      }
    };
    await Promise.all([...Array.from({ length: callers }, caller), done]);
    return { micros, totalMicros: (performance.now() - started) * 1000 };
  };
}

async function startRelay(path: string): Promise<{ readonly url: string; readonly process: ChildProcess }> {
  const bin = fileURLToPath(new URL('../../../packages/relay/src/bin.ts', import.meta.url));
  const child = spawn(process.execPath, [...execArgv, bin, '--port', '0', '--db', path, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { url: (JSON.parse(line) as { url: string }).url, process: child };
}
