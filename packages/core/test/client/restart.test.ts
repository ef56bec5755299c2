import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { TalosClient } from '../../src/client/talos-client.ts';
import { memoryHome } from '../../src/client/home.ts';
import { memoryTransport } from '../../src/message/memory-transport.ts';
import type { Transport } from '../../src/message/transport.ts';
import { nodeHome } from '../../src/node/node-home.ts';
import { recoverLog } from '../../src/node/recover-log.ts';

const folders: string[] = [];
const newFolder = async (): Promise<string> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'talos-restart-'));
  folders.push(folder);
  return folder;
};
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

type Heard = { readonly client: TalosClient; next(): Promise<string> };

async function start(name: string, options: { readonly dir: string; readonly stateDir: string; readonly transport: Transport }): Promise<Heard> {
  const { dir, stateDir, transport } = options;
  const client = await TalosClient.create(name, { stores: nodeHome({ dir, stateDir }), transport });
  const queue: string[] = [];
  let wake = (): void => undefined;
  client.on('message', ({ content }) => {
    queue.push(String(content));
    wake();
  });
  const next = async (): Promise<string> => {
    while (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return queue.shift() as string;
  };
  return { client, next };
}

describe('sessions in a home', () => {
  it('[CLIENT-RESTART] both agents end and come back from their folders, and go on talking without a new handshake', async () => {
    const transport = memoryTransport();
    const [a, b, state] = [await newFolder(), await newFolder(), await newFolder()];
    const place = (dir: string) => ({ dir, stateDir: state, transport });
    let [alice, bob] = [await start('alice', place(a)), await start('bob', place(b))];
    await alice.client.establishSession(bob.client.did, await bob.client.bundle());
    await alice.client.send(bob.client.did, 'one');
    expect(await bob.next()).toBe('one');
    await bob.client.send(alice.client.did, 'two');
    expect(await alice.next()).toBe('two');
    const size = alice.client.log.size;
    for (let round = 0; round < 3; round++) {
      await Promise.all([alice.client.close(), bob.client.close()]);
      [alice, bob] = [await start('alice', place(a)), await start('bob', place(b))];
      await alice.client.send(bob.client.did, `three ${round}`);
      // Opening the home is what starts the delivery.
      await bob.client.bundle();
      expect(await bob.next()).toBe(`three ${round}`);
      await bob.client.send(alice.client.did, `four ${round}`);
      expect(await alice.next()).toBe(`four ${round}`);
    }
    const types = await Promise.all(Array.from({ length: alice.client.log.size - size }, async (_, i) => (await alice.client.log.entry(size + i)).entry.type));
    expect(types).not.toContain('session.open');
    await Promise.all([alice.client.close(), bob.client.close()]);
  });

  it('[CLIENT-RESTORED] a home restored from a copy does not send in its old sessions; a new handshake goes on', async () => {
    const transport = memoryTransport();
    const [a, b, state, copy] = [await newFolder(), await newFolder(), await newFolder(), await newFolder()];
    const place = (dir: string) => ({ dir, stateDir: state, transport });
    let alice = await start('alice', place(a));
    const bob = await start('bob', place(b));
    await alice.client.establishSession(bob.client.did, await bob.client.bundle());
    await alice.client.send(bob.client.did, 'one');
    expect(await bob.next()).toBe('one');
    await alice.client.close();
    await cp(a, copy, { recursive: true });
    alice = await start('alice', place(a));
    await alice.client.send(bob.client.did, 'after the copy');
    expect(await bob.next()).toBe('after the copy');
    await alice.client.close();
    // The copy's log is behind what was signed, and is not continued under its name before somebody says so.
    await expect(start('alice', place(copy))).rejects.toMatchObject({ code: 'TALOS_AUDIT_ROLLED_BACK' });
    await recoverLog({ dir: copy, stateDir: state, acceptFork: true });
    alice = await start('alice', place(copy));
    await expect(alice.client.send(bob.client.did, 'with old keys')).rejects.toMatchObject({ code: 'TALOS_SESSION_ROLLED_BACK' });
    // What still comes in is opened, and does not lift the session over the fence.
    await bob.client.send(alice.client.did, 'still here?');
    expect(await alice.next()).toBe('still here?');
    await alice.client.close();
    alice = await start('alice', place(copy));
    await expect(alice.client.send(bob.client.did, 'again')).rejects.toMatchObject({ code: 'TALOS_SESSION_ROLLED_BACK' });
    await alice.client.establishSession(bob.client.did, await bob.client.bundle());
    await alice.client.send(bob.client.did, 'fresh');
    // The copy does not know that this one was acknowledged since: it comes again, marked, under the name it had.
    expect([await bob.next(), await bob.next()]).toEqual(['one', 'fresh']);
    await Promise.all([alice.client.close(), bob.client.close()]);
  });

  it('[CLIENT-RESTART] a memory home keeps the sessions from one client to the next', async () => {
    const transport = memoryTransport();
    const stores = memoryHome();
    const bob = await start('bob', { dir: await newFolder(), stateDir: await newFolder(), transport });
    const first = await TalosClient.create('alice', { stores, transport });
    await first.establishSession(bob.client.did, await bob.client.bundle());
    await first.close();
    const second = await TalosClient.create('alice', { stores, transport });
    await second.send(bob.client.did, 'from the same home');
    expect(await bob.next()).toBe('from the same home');
    await Promise.all([second.close(), bob.client.close()]);
  });

  it('[CLIENT-RESTORED] a fence inside the home is refused: it would come back with it', async () => {
    const dir = await newFolder();
    for (const stateDir of [dir, path.join(dir, 'state')])
      expect(() => nodeHome({ dir, stateDir })).toThrow(expect.objectContaining({ code: 'TALOS_USAGE_OPTIONS' }));
    expect(() => nodeHome({ dir, stateDir: path.join(dir, '..', 'elsewhere') })).not.toThrow();
  });
});
