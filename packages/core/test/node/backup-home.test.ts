import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { TalosClient } from '../../src/client/talos-client.ts';
import { memoryTransport } from '../../src/message/memory-transport.ts';
import type { Transport } from '../../src/message/transport.ts';
import { backupHome, restoreHome } from '../../src/node/backup-home.ts';
import { nodeHome } from '../../src/node/node-home.ts';
import { verifyKeyHistory } from '../../src/identity/key-history.ts';

const folders: string[] = [];
const newFolder = async (): Promise<string> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'talos-backup-'));
  folders.push(folder);
  return folder;
};
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

const password = 'correct horse';

type Place = { readonly dir: string; readonly stateDir: string };
type Agent = { readonly client: TalosClient; readonly heard: string[] };

async function start(name: string, place: Place, transport: Transport): Promise<Agent> {
  const client = await TalosClient.create(name, { stores: nodeHome(place), transport });
  const heard: string[] = [];
  client.on('message', ({ content }) => void heard.push(String(content)));
  return { client, heard };
}

async function say(from: Agent, to: Agent, text: string): Promise<void> {
  await from.client.send(to.client.did, text);
  await expect.poll(() => to.heard, { timeout: 30_000 }).toContain(text);
}

/** A wire that keeps a copy of what went over it. */
function tapped(): { readonly transport: Transport; readonly frames: (readonly [string, Uint8Array])[] } {
  const inner = memoryTransport();
  const frames: (readonly [string, Uint8Array])[] = [];
  return { frames, transport: { ...inner, send: async (to, frame) => (frames.push([to, frame]), inner.send(to, frame)) } };
}

async function newPlace(): Promise<Place> {
  return { dir: path.join(await newFolder(), 'home'), stateDir: await newFolder() };
}

describe('backup of a home', () => {
  it(
    '[CLIENT-BACKUP] restored on another machine: same agents, same log, new sessions in place of the old, nothing replayed',
    { timeout: 120_000 },
    async () => {
      const { transport, frames } = tapped();
      const [a, b] = [await newPlace(), await newPlace()];
      const [alice, bob] = [await start('alice', a, transport), await start('bob', b, transport)];
      await alice.client.rotate();
      await alice.client.establishSession(bob.client.did, await bob.client.bundle());
      await say(alice, bob, 'hello');
      await say(bob, alice, 'welcome');
      const token = await alice.client.grant({ to: alice.client.did, tools: { act: {} } });
      await alice.client.revoke(token);
      const file = path.join(await newFolder(), 'alice.backup');
      await backupHome({ ...a, file, password });
      const [size, fingerprint] = [alice.client.log.size, await alice.client.fingerprint(bob.client.did)];
      const proof = await alice.client.log.proveInclusion(0);
      await alice.client.close();
      await bob.client.send(alice.client.did, 'to the old session');

      const c = await newPlace();
      expect(await restoreHome({ ...c, file, password })).toEqual({ agents: ['alice'], log: { size, isBehind: false } });
      expect((await readdir(c.dir)).toSorted()).toEqual(['audit.db', 'keys', 'state.db']);
      expect((await readdir(path.join(c.dir, 'keys'))).toSorted()).toEqual(['agent.alice.key', 'log.key', 'peers.key']);
      const back = await start('alice', c, transport);
      expect(back.client.did).toBe(alice.client.did);
      expect(verifyKeyHistory(back.client.history).sequence).toBe(1);
      expect(await back.client.fingerprint(bob.client.did)).toBe(fingerprint);
      expect(back.client.verifyProof(proof).entry).toEqual((await back.client.log.entry(0)).entry);
      expect(await back.client.guard({ capability: token }).run({ tool: 'act', input: {} }, async () => 'done')).toMatchObject({
        refusal: { code: 'REVOKED' },
      });
      await expect(back.client.send(bob.client.did, 'with old keys')).rejects.toMatchObject({ code: 'TALOS_SESSION_UNKNOWN' });
      await back.client.establishSession(bob.client.did, await bob.client.bundle());
      await say(back, bob, 'I am back');
      // What was not acknowledged in the old session comes by the new one.
      await expect.poll(() => back.heard, { timeout: 30_000 }).toContain('to the old session');
      const heard = back.heard.length;
      for (const [to, frame] of frames.slice()) if (to === back.client.did) await transport.send(to, frame);
      await say(bob, back, 'after the replay');
      expect(back.heard.slice(heard)).toEqual(['after the replay']);
      expect(back.client.log.size).toBeGreaterThan(size);
      await Promise.all([back.client.close(), bob.client.close()]);
    },
  );

  it('[CLIENT-BACKUP] shows nothing of what it holds, and no session', { timeout: 60_000 }, async () => {
    const transport = memoryTransport();
    const a = await newPlace();
    const alice = await start('alice', a, transport);
    await alice.client.bundle();
    const file = path.join(await newFolder(), 'b');
    await backupHome({ ...a, file, password });
    const bytes = await readFile(file);
    for (const text of [alice.client.did, 'SQLite format', 'agent.alice', alice.client.log.origin]) expect(bytes.includes(text)).toBe(false);
    await expect(backupHome({ ...a, file, password })).rejects.toMatchObject({ code: 'TALOS_STORE_CONFLICT' });
    await expect(backupHome({ ...a, file: `${file}2`, password: '' })).rejects.toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
    expect((await readdir(a.dir)).filter((name) => name.startsWith('.'))).toEqual([]);
    await alice.client.close();
  });

  it('[CLIENT-BACKUP-TAMPER] another password, a changed byte, a cut, an addition: refused, and nothing is left', { timeout: 120_000 }, async () => {
    const a = await newPlace();
    const alice = await start('alice', a, memoryTransport());
    const folder = await newFolder();
    const file = path.join(folder, 'b');
    await backupHome({ ...a, file, password });
    await alice.client.close();
    const bytes = new Uint8Array(await readFile(file));
    const changes = [
      ...[0, 8, 9, 30, bytes.length - 1].map((at) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))),
      bytes.subarray(0, 20),
      bytes.subarray(0, -1),
      Uint8Array.from([...bytes, 0]),
      new Uint8Array(0),
    ];
    const c = await newPlace();
    for (const [i, changed] of changes.entries()) {
      await writeFile(path.join(folder, `x${i}`), changed);
      await expect(restoreHome({ ...c, file: path.join(folder, `x${i}`), password })).rejects.toMatchObject({ code: 'TALOS_IDENTITY_LOCKED' });
    }
    await expect(restoreHome({ ...c, file, password: 'wrong' })).rejects.toMatchObject({ code: 'TALOS_IDENTITY_LOCKED' });
    expect(await readdir(path.dirname(c.dir))).toEqual([]);
    await expect(restoreHome({ ...a, file, password })).rejects.toMatchObject({ code: 'TALOS_STORE_CONFLICT' });
  });

  it(
    '[CLIENT-BACKUP] on the same machine an older copy is said: the log is behind, and a key of before a rotation does not open',
    { timeout: 120_000 },
    async () => {
      const transport = memoryTransport();
      const a = await newPlace();
      const alice = await start('alice', a, transport);
      const file = path.join(await newFolder(), 'b');
      await backupHome({ ...a, file, password });
      await alice.client.grant({ to: alice.client.did, tools: { act: {} } });
      await alice.client.log.checkpoint();
      await alice.client.close();
      const c = { dir: path.join(await newFolder(), 'home'), stateDir: a.stateDir };
      expect(await restoreHome({ ...c, file, password })).toMatchObject({ log: { isBehind: true } });
      await expect(start('alice', c, transport)).rejects.toMatchObject({ code: 'TALOS_AUDIT_ROLLED_BACK' });
      const again = await start('alice', a, transport);
      await again.client.rotate();
      await again.client.close();
      await expect(start('alice', c, transport)).rejects.toMatchObject({ code: 'TALOS_IDENTITY_ROLLED_BACK' });
      await cp(a.dir, `${c.dir}2`, { recursive: true });
      const copy = await start('alice', { dir: `${c.dir}2`, stateDir: a.stateDir }, transport);
      await copy.client.close();
    },
  );

  // A quota: what is written across it is cut there, without an error, and only the next write fails.
  it.skipIf(process.platform === 'win32')('[CLIENT-BACKUP] a disk that ends inside of the last chunk: refused with a code, and no file is left', async () => {
    const file = path.join(await newFolder(), 'b');
    const script = fileURLToPath(new URL('./backup-child.ts', import.meta.url));
    const command = `ulimit -f 1300; exec "$0" --conditions=@talosprotocol/source "$1" "$2" 1500000`;
    const child = spawn('bash', ['-c', command, process.execPath, script, file], { stdio: ['ignore', 'pipe', 'ignore'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await new Promise((resolve) => child.on('close', resolve));
    expect(said).toBe('TALOS_STORE_WRITE_FAILED');
    expect(await readdir(path.dirname(file))).toEqual([]);
  });

  it('[KEY-CRASH] a rotation that was not noted before the crash is noted at the next start, and a note that cannot be read refuses', async () => {
    const a = await newPlace();
    await (await start('alice', a, memoryTransport())).client.close();
    const old = path.join(await newFolder(), 'home');
    await cp(a.dir, old, { recursive: true });
    const rotating = await start('alice', a, memoryTransport());
    await rotating.client.rotate();
    await rotating.client.close();
    const notes = path.join(a.stateDir, 'identities');
    await rm(notes, { recursive: true });
    await (await start('alice', a, memoryTransport())).client.close();
    await expect(start('alice', { ...a, dir: old }, memoryTransport())).rejects.toMatchObject({ code: 'TALOS_IDENTITY_ROLLED_BACK' });
    await rm(notes, { recursive: true });
    await writeFile(notes, '');
    await expect(start('alice', { ...a, dir: old }, memoryTransport())).rejects.toMatchObject({ code: 'TALOS_STORE_READ_FAILED' });
  });

  it('[CLIENT-BACKUP-CRASH] killed at any moment of a restore, there is no home or a whole one', { timeout: 240_000 }, async () => {
    const a = await newPlace();
    const alice = await start('alice', a, memoryTransport());
    const { did } = alice.client;
    const file = path.join(await newFolder(), 'b');
    await backupHome({ ...a, file, password });
    await alice.client.close();
    const script = fileURLToPath(new URL('./restore-child.ts', import.meta.url));
    let [none, whole] = [0, 0];
    for (let step = 1, isKilled = true; isKilled; step += 3) {
      const c = await newPlace();
      const child = spawn(process.execPath, ['--conditions=@talosprotocol/source', script, JSON.stringify({ ...c, file, password }), String(step)], {
        stdio: 'ignore',
      });
      isKilled = (await new Promise((resolve) => child.on('exit', (_, signal) => resolve(signal)))) === 'SIGKILL';
      if (!(await readdir(path.dirname(c.dir))).includes('home')) {
        none++;
        continue;
      }
      whole++;
      const back = await start('alice', c, memoryTransport());
      expect(back.client.did).toBe(did);
      await back.client.close();
    }
    // Both were seen, or the steps show nothing.
    expect(none).toBeGreaterThan(0);
    expect(whole).toBeGreaterThan(0);
  });
});
