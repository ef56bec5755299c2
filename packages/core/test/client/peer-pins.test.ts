import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { anyArgs } from '../../src/capability/constraints/any.ts';
import { memoryHome } from '../../src/client/home.ts';
import { TalosClient } from '../../src/client/talos-client.ts';
import { memoryTransport } from '../../src/message/memory-transport.ts';
import { nodeHome } from '../../src/node/node-home.ts';

const root = mkdtempSync(join(tmpdir(), 'talos-pins-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Place = { readonly dir: string; readonly stateDir: string };
function newPlace(): Place {
  const folder = mkdtempSync(join(root, 'home-'));
  return { dir: join(folder, 'home'), stateDir: join(folder, 'state') };
}

function change({ dir }: Place, edit: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(join(dir, 'state.db'));
  edit(db);
  db.close();
}

/** An issuer that rotated its key after it granted, an agent that knows it, and what the old key signed. */
async function rotated() {
  const place = newPlace();
  const owner = await TalosClient.create('owner', { stores: memoryHome() });
  const open = () => TalosClient.create('agent', { stores: nodeHome(place), trust: { issuers: [owner.did] } });
  const agent = await open();
  const before = await owner.card();
  const stolen = await owner.grant({ to: agent.did, tools: { pay: anyArgs() } });
  await agent.pin(before);
  const old = join(place.dir, '..', 'old');
  await agent.close();
  cpSync(join(place.dir, 'state.db'), old);
  await owner.rotate();
  const knowing = await open();
  await knowing.pin(await owner.card());
  const pay = async (client: TalosClient, capability = stolen) => {
    const result = await client.guard({ capability }).run({ tool: 'pay', input: {} }, () => 'paid');
    return result.status === 'denied' ? result.denial.code : result.status;
  };
  expect(await pay(knowing)).toBe('KEY_UNRESOLVED');
  await knowing.close();
  return { place, owner, open, stolen, before, old, pay };
}

const removed = (db: DatabaseSync): void => void db.exec('DELETE FROM known_peer');

describe('what an agent learned of its peers’ keys', () => {
  it.each([
    ['the row is removed', (place: Place) => change(place, removed)],
    ['the row is changed', (place: Place) => change(place, (db) => db.exec("UPDATE known_peer SET body = substr(body, 1, 80) || 'AAAA' || substr(body, 85)"))],
    ['the row is cleared of its history', (place: Place) => change(place, (db) => db.exec(`UPDATE known_peer SET body = '{"history":[]}', events = 1`))],
    [
      'the whole state file is an older one',
      (place: Place, old: string) => {
        for (const suffix of ['-wal', '-shm']) rmSync(join(place.dir, `state.db${suffix}`), { force: true });
        cpSync(old, join(place.dir, 'state.db'));
      },
    ],
    [
      'the row of one revision stands under another',
      (place: Place, old: string) =>
        change(place, (db) => {
          db.exec(`ATTACH '${old}' AS old; UPDATE known_peer SET body = (SELECT body FROM old.known_peer o WHERE o.did = known_peer.did); DETACH old`);
        }),
    ],
  ])('[KEY-PINS-SEALED] is not forgotten if %s: the old key grants nothing until the card is taken again', async (_, attack) => {
    const { place, owner, open, old, pay } = await rotated();
    attack(place, old);
    const agent = await open();
    expect(await pay(agent)).toBe('KEY_UNRESOLVED');
    await expect(agent.fingerprint(owner.did)).rejects.toMatchObject({
      code: 'TALOS_IDENTITY_ROLLED_BACK',
      message: expect.stringContaining('client.pin(card)') as string,
    });
    await expect(agent.grant({ to: owner.did, tools: { pay: anyArgs() } })).rejects.toMatchObject({ code: 'TALOS_IDENTITY_ROLLED_BACK' });
    await agent.pin(await owner.card());
    expect(await pay(agent)).toBe('KEY_UNRESOLVED');
    expect(await pay(agent, await owner.grant({ to: agent.did, tools: { pay: anyArgs() } }))).toBe('ok');
    await agent.close();
    const again = await open();
    expect(await again.fingerprint(owner.did)).toHaveLength(71);
    await Promise.all([again.close(), owner.close()]);
  });

  it('[KEY-PINS-SEALED] a card from before the rotation does not bring the old key back', async () => {
    const { place, owner, open, pay, before } = await rotated();
    change(place, removed);
    const agent = await open();
    await expect(agent.pin(before)).rejects.toMatchObject({ code: 'TALOS_IDENTITY_ROLLED_BACK' });
    expect(await pay(agent)).toBe('KEY_UNRESOLVED');
    await Promise.all([agent.close(), owner.close()]);
  });

  it('[KEY-PINS-SEALED] a revoked peer stays refused without its row', async () => {
    const place = newPlace();
    const transport = memoryTransport();
    const peer = await TalosClient.create('peer', { transport });
    const open = () => TalosClient.create('agent', { stores: nodeHome(place), transport });
    const agent = await open();
    const [bundle, later] = [await peer.bundle(), await peer.bundle()];
    const arrived = new Promise((resolve) => peer.on('message', resolve));
    await agent.establishSession(peer.did, bundle);
    await agent.send(peer.did, 'hello');
    await arrived;
    const heard = new Promise((resolve) => agent.on('peerChanged', resolve));
    await peer.revokeIdentity();
    expect(await heard).toEqual({ did: peer.did, change: 'revoked' });
    await agent.close();
    change(place, removed);
    const again = await open();
    await expect(again.establishSession(peer.did, later)).rejects.toMatchObject({ code: 'TALOS_IDENTITY_REVOKED' });
    await again.close();
  });

  it('[KEY-PINS-HEARD] is heard by the other processes of its home at their next call', async () => {
    const { dir, stateDir } = newPlace();
    const owner = await TalosClient.create('owner', { stores: memoryHome() });
    const agent = await TalosClient.create('agent', { stores: nodeHome({ dir, stateDir }), trust: { issuers: [owner.did] } });
    const capability = await owner.grant({ to: agent.did, tools: { pay: anyArgs() } });
    const guard = agent.guard({ capability });
    const run = () => guard.run({ tool: 'pay', input: {} }, () => 'paid');
    expect((await run()).status).toBe('ok');
    await owner.rotate();
    await learn([dir, stateDir, 'sibling', await owner.card()]);
    expect(await run()).toMatchObject({ status: 'denied' });
    const anew = await owner.grant({ to: agent.did, tools: { pay: anyArgs() } });
    expect((await agent.guard({ capability: anew }).run({ tool: 'pay', input: {} }, () => 'paid')).status).toBe('ok');
    await Promise.all([agent.close(), owner.close()]);
  }, 60_000);
});

function learn(args: readonly string[]): Promise<void> {
  const file = fileURLToPath(new URL('learning-child.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--conditions=@talosprotocol/source', '--disable-warning=ExperimentalWarning', file, ...args], { stdio: 'inherit' });
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`the child ended with ${code}`))));
  });
}
