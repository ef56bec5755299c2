import { afterEach, describe, expect, it } from 'vitest';
import { formatAgentId, generateSigner } from '@talosprotocol/core/identity';
import { systemEnv } from '@talosprotocol/core';
import { transportSuite } from '@talosprotocol/core/testing';
import { webSocketTransport } from '@talosprotocol/core/web';
import { agentAt, closeAll, codeOf, freePort, relayHere, tappedRelay, temporaryFolder, until } from './support.ts';
import { join } from 'node:path';

afterEach(closeAll);

const stranger = () => formatAgentId(generateSigner(systemEnv).publicKey);

describe('WebSocket transport', () => {
  const create = async () => {
    const { url, cut } = await tappedRelay();
    const [sender, receiver] = [await agentAt(url), await agentAt(url)];
    return { sender: sender.transport, receiver: receiver.transport, from: sender.did, to: receiver.did, interrupt: cut };
  };
  for (const { name, run } of transportSuite({ create })) {
    it(`[TRN-SUITE] ${name}`, async () => {
      await expect(run()).resolves.toBeUndefined();
    });
  }

  it('[TRN-RECONNECT] a relay that is away is told at once as retryable, and is found again when it is back', async () => {
    const [port, path] = [await freePort(), join(temporaryFolder(), 'relay.db')];
    const [a, b] = [await agentAt(`ws://127.0.0.1:${port}`), await agentAt(`ws://127.0.0.1:${port}`)];
    const inbox: number[] = [];
    await b.transport.receive(b.did, async ([name]) => void inbox.push(name!));
    await expect(a.transport.send(b.did, Uint8Array.of(1))).rejects.toMatchObject({ code: 'TALOS_TRANSPORT_SEND_FAILED', retryable: true });
    await relayHere({ port, path });
    await until(async () => (await codeOf(a.transport.send(b.did, Uint8Array.of(2)))) === 'no error');
    await until(() => inbox.includes(2));
  });

  it('[TRN-RECONNECT] of several relays the next is taken when one is away, and mail comes from all', async () => {
    const [first, second] = [await relayHere(), await relayHere()];
    const [a, b] = [await agentAt([first.url, second.url]), await agentAt([first.url, second.url])];
    const inbox: number[] = [];
    await b.transport.receive(b.did, async ([name]) => void inbox.push(name!));
    await a.transport.send(b.did, Uint8Array.of(1));
    await until(() => inbox.length === 1);
    await first.close();
    await a.transport.send(b.did, Uint8Array.of(2));
    await until(() => inbox.length === 2);
    expect(inbox).toEqual([1, 2]);
  });

  it('[TRN-ORIGIN] a proof is for the relay that the client connected to: a relay that calls itself otherwise gets none', async () => {
    const relay = await relayHere({ origin: 'wss://honest.example' });
    const agent = await agentAt(relay.url);
    await expect(agent.transport.send(stranger(), Uint8Array.of(1))).rejects.toMatchObject({
      code: 'TALOS_TRANSPORT_SEND_FAILED',
      message: expect.stringContaining('--origin'),
    });
  });

  it('[TRN-ENCRYPTED] an address that is not encrypted is refused unless it is this host’s', () => {
    const make = (relays: string, unsafeCleartext?: boolean) => webSocketTransport({ relays, ...(unsafeCleartext === undefined ? {} : { unsafeCleartext }) });
    const [refused, notAnAddress] = [{ code: 'TALOS_USAGE_OPTIONS' }, { code: 'TALOS_USAGE_ARGUMENT' }];
    for (const relays of ['ws://relay.example', 'ws://127.0.0.1.relay.example', 'ws://10.0.0.1:80'])
      expect(() => make(relays)).toThrow(expect.objectContaining(refused));
    for (const relays of ['https://relay.example', 'relay.example', 'wss://user@relay.example'])
      expect(() => make(relays)).toThrow(expect.objectContaining(notAnAddress));
    for (const relays of ['wss://relay.example', 'ws://localhost:1', 'ws://127.0.0.1:1', 'ws://[::1]:1']) expect(() => make(relays)).not.toThrow();
    expect(() => make('ws://relay.example', true)).not.toThrow();
  });

  it('[TRN-SUITE] a transport speaks for its own agent only', async () => {
    const agent = await agentAt((await relayHere()).url);
    expect(await codeOf(agent.transport.receive(stranger(), async () => undefined))).toBe('TALOS_USAGE_OPTIONS');
  });

  it('[TRN-SUITE] another process of the same agent takes over, and the first does not take back', async () => {
    const { url } = await relayHere();
    const first = await agentAt(url);
    const [second, sender] = [await agentAt(url, { identity: first.identity }), await agentAt(url)];
    const [one, two]: [number[], number[]] = [[], []];
    await first.transport.receive(first.did, async ([name]) => void one.push(name!));
    await sender.transport.send(first.did, Uint8Array.of(1));
    await until(() => one.length === 1);
    await second.transport.receive(first.did, async ([name]) => void two.push(name!));
    await until(() => first.errors.length === 1);
    await sender.transport.send(first.did, Uint8Array.of(2));
    await until(() => two.length === 1);
    expect([one, two]).toEqual([[1], [2]]);
  });
});
