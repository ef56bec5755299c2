import { randomBytes } from 'node:crypto';
import * as net from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { systemEnv, type Env } from '@talosprotocol/core';
import { generateSigner } from '@talosprotocol/core/identity';
import { relaySubprotocol, webSocketTransport } from '@talosprotocol/core/web';
import { closeAll, codeOf, newIdentity, onClose, relayHere, witnessHere } from './support.ts';

afterEach(closeAll);

async function connected(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1');
  onClose(() => socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Requests that never become whole, and one that never begins. */
async function holdOpen(port: number): Promise<void> {
  const sockets = await Promise.all([1, 2, 3].map(() => connected(port)));
  sockets[0]!.write('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ');
  sockets[1]!.write('POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nold');
  await new Promise((resolve) => setTimeout(resolve, 100));
}

async function endsWithin(ms: number, ending: Promise<void>): Promise<boolean> {
  return Promise.race([ending.then(() => true), new Promise<boolean>((resolve) => setTimeout(resolve, ms, false).unref())]);
}

/** Timers as if seconds were tens of milliseconds. */
const hurried: Env = { ...systemEnv, after: (delayMs, run) => systemEnv.after(delayMs / 100, run) };

describe('strangers that hold a connection', () => {
  it('[RLY-HOSTILE] who never ends a request does not keep a relay from closing', async () => {
    const relay = await relayHere();
    await holdOpen(relay.port);
    expect(await endsWithin(5000, relay.close())).toBe(true);
  });

  it('[WIT-BOUNDED] nor a witness', async () => {
    const witness = await witnessHere({ name: 'witness.example', signer: generateSigner(systemEnv), logs: [], env: hurried });
    await holdOpen(witness.port);
    expect(await endsWithin(5000, witness.close())).toBe(true);
  });

  it('[RLY-BACKPRESSURE] who pings and never reads the pongs does not grow the relay', async () => {
    const relay = await relayHere();
    const socket = await connected(relay.port);
    socket.write(
      `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Protocol: ${relaySubprotocol}\r\n\r\n`,
    );
    await once(socket, 'data');
    socket.pause();
    // Final, opcode 9, masked, no payload, mask of zeros: six bytes, and each asks for an answer.
    const pings = Buffer.alloc(6 * 200_000, Buffer.of(0x89, 0x80, 0, 0, 0, 0));
    for (let i = 0; i < 20 && !socket.destroyed; i++) {
      socket.write(pings);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(socket.destroyed).toBe(true);
  });
});

describe('a transport that is closed', () => {
  it('[TRN-RECONNECT] opens no connection to a relay of a peer any more', async () => {
    let connections = 0;
    const foreign = net.createServer((socket) => (connections++, socket.destroy()));
    foreign.listen(0, '127.0.0.1');
    await once(foreign, 'listening');
    onClose(() => foreign.close());
    const url = `ws://127.0.0.1:${(foreign.address() as net.AddressInfo).port}`;
    const relay = await relayHere();
    let release: (endpoints: readonly string[]) => void = () => undefined;
    const endpointsOf = () => new Promise<readonly string[]>((resolve) => (release = resolve));
    const [identity, peer] = [await newIdentity(), await newIdentity()];
    const transport = webSocketTransport({ relays: relay.url })({ identity, env: systemEnv, onError: () => undefined, endpointsOf });
    const sending = codeOf(transport.send(peer.did, Uint8Array.of(1)));
    await transport.close!();
    release([url]);
    expect(await sending).toBe('TALOS_TRANSPORT_SEND_FAILED');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(connections).toBe(0);
  });
});
