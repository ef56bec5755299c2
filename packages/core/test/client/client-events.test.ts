import { describe, expect, it } from 'vitest';
import { memoryHome } from '../../src/client/home.ts';
import { TalosClient } from '../../src/client/talos-client.ts';
import { systemEnv } from '../../src/env/env.ts';
import { memoryTransport } from '../../src/message/memory-transport.ts';
import { decodeSessionState } from '../../src/session/session-state-codec.ts';
import { encryptMessage } from '../../src/session/session.ts';
import { encodeContents } from '../../src/message/contents.ts';

describe('events of a client', () => {
  it('[CLIENT-EVENTS] acknowledged, by the ids that send gave; a handler that is taken off hears no more', async () => {
    const transport = memoryTransport();
    const [alice, bob] = [await TalosClient.create('alice', { transport }), await TalosClient.create('bob', { transport })];
    const acknowledged: string[] = [];
    const off: unknown[] = [];
    alice.on('acknowledged', ({ from, ids }) => void acknowledged.push(...ids.map((id) => `${from} ${id}`)));
    alice.on('acknowledged', (event) => void off.push(event))();
    await alice.establishSession(bob.did, await bob.bundle());
    const arrived = new Promise((resolve) => bob.on('message', resolve));
    const { id } = await alice.send(bob.did, 'x');
    await arrived;
    // What is due is acknowledged at the end of a run.
    await bob.close();
    await expect.poll(() => acknowledged, { timeout: 20_000 }).toEqual([`${bob.did} ${id}`]);
    expect(off).toEqual([]);
    await alice.close();
  });

  it('[CLIENT-EVENTS] a peer that sends from an older state than it had', async () => {
    const transport = memoryTransport();
    const home = memoryHome();
    const [alice, bob] = [await TalosClient.create('alice', { transport, stores: home }), await TalosClient.create('bob', { transport })];
    const rollbacks: unknown[] = [];
    const heard: unknown[] = [];
    bob.on('peerRollback', (event) => rollbacks.push(event));
    bob.on('message', ({ content }) => void heard.push(content));
    await alice.establishSession(bob.did, await bob.bundle());
    const { store } = await home.sessions(alice.did);
    const [session] = await store.sessionsWith(bob.did);
    await alice.send(bob.did, 'first');
    await expect.poll(() => heard, { timeout: 20_000 }).toEqual(['first']);
    const copy = (await store.load(session!))!;
    await alice.send(bob.did, 'one');
    await expect.poll(() => heard, { timeout: 20_000 }).toEqual(['first', 'one']);
    const other = encryptMessage(decodeSessionState(copy.state, copy.skipped), encodeContents({ kind: 'text', text: 'two' }), systemEnv);
    await transport.send(bob.did, other.frame);
    await expect.poll(() => rollbacks, { timeout: 20_000 }).toEqual([{ from: alice.did, session }]);
    expect(heard).toEqual(['first', 'one']);
    await Promise.all([alice.close(), bob.close()]);
  });

  it('[CLIENT-EVENTS] an event that does not exist is refused; a handler that throws is told as an error', async () => {
    const client = await TalosClient.create('agent', { transport: memoryTransport() });
    expect(() => client.on('acknowleged' as 'acknowledged', () => undefined)).toThrow(expect.objectContaining({ code: 'TALOS_USAGE_ARGUMENT' }));
    expect(() => client.on('lost', 'x' as never)).toThrow(expect.objectContaining({ code: 'TALOS_USAGE_ARGUMENT' }));
    const peer = await TalosClient.create('peer', { transport: memoryTransport() });
    const errors: unknown[] = [];
    const fault = new Error('of the handler');
    client.on('error', (error) => errors.push(error));
    client.on('peerChanged', () => {
      throw fault;
    });
    await client.pin(await peer.card());
    await peer.rotate();
    await client.pin(await peer.card());
    expect(errors).toEqual([fault]);
    await Promise.all([client.close(), peer.close()]);
  });
});
