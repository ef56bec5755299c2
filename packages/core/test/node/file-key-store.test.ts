import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import type { KeyStore } from '../../src/identity/key-store.ts';
import type { KeyProtection } from '../../src/node/encrypted-key-store.ts';
import { fileKeyStore } from '../../src/node/file-key-store.ts';
import { codeOf, codeOfAsync } from '../errors/code-of.ts';
import { keyStoreSuite } from '../identity/key-store-suite.ts';

const headLength = 38;
const secret = Uint8Array.from({ length: 32 }, (_, i) => i);
const root = await fs.mkdtemp(path.join(tmpdir(), 'talos-keys-'));
let folders = 0;

const newFolder = (): string => path.join(root, `${folders++}`, 'keys');
const providerOf = (value: number): KeyProtection => ({ keyProvider: async () => new Uint8Array(32).fill(value) });
const unprotected: KeyProtection = { unsafeUnprotected: true };
const loadWith = (dir: string, protection: KeyProtection, record = 'agent.alice'): Promise<string> =>
  codeOfAsync(() => fileKeyStore({ dir, protection }).load(record));

/** A folder with one saved record, and its file. */
async function saved(protection: KeyProtection = providerOf(4)): Promise<{ dir: string; file: string; store: KeyStore }> {
  const dir = newFolder();
  const store = fileKeyStore({ dir, protection });
  await store.save('agent.alice', secret, 'absent');
  return { dir, file: path.join(dir, 'agent.alice.key'), store };
}

afterEach(() => vi.unstubAllEnvs());
afterAll(() => fs.rm(root, { recursive: true, force: true }));

describe('file key store under a key provider', () => {
  it.each(keyStoreSuite(async () => fileKeyStore({ dir: newFolder(), protection: providerOf(4) })))('[KEYSTORE-CONTRACT] $name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe('file key store without protection', () => {
  it.each(keyStoreSuite(async () => fileKeyStore({ dir: newFolder(), protection: unprotected })))('[KEYSTORE-CONTRACT] $name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });

  it('[KEYFILE-NOT-IN-PRODUCTION] is refused when NODE_ENV is production', () => {
    vi.stubEnv('NODE_ENV', 'production');
    expect(codeOf(() => fileKeyStore({ dir: newFolder(), protection: unprotected }))).toBe('TALOS_IDENTITY_DEV_IN_PRODUCTION');
    expect(codeOf(() => fileKeyStore({ dir: newFolder(), protection: providerOf(4) }))).toBe('nothing thrown');
  });
});

describe('a key file', () => {
  it('[KEYFILE-FORMAT] is magic, version, protection, salt, nonce and ciphertext, and shows nothing of the secret', async () => {
    const { file } = await saved();
    const bytes = await fs.readFile(file);
    expect(bytes.subarray(0, 8).toString()).toBe('TALOSKEY');
    expect([...bytes.subarray(8, 10)]).toEqual([1, 2]);
    expect(bytes).toHaveLength(headLength + secret.length + 16);
    expect(bytes.includes(Buffer.from(secret.subarray(0, 8)))).toBe(false);
  });

  it('[KEYFILE-FORMAT] has a new salt and nonce each time it is written', async () => {
    const { file, store } = await saved();
    const before = await fs.readFile(file);
    await store.save('agent.alice', secret, 'present');
    const after = await fs.readFile(file);
    expect(after.subarray(10, 26)).not.toEqual(before.subarray(10, 26));
    expect(after.subarray(26, 38)).not.toEqual(before.subarray(26, 38));
  });

  it('[KEYFILE-TAMPER] does not open when any byte is changed', async () => {
    const { dir, file } = await saved();
    const whole = new Uint8Array(await fs.readFile(file));
    for (let i = 0; i < whole.length; i++) {
      await fs.writeFile(file, whole.with(i, (whole[i] as number) ^ 1));
      expect(await loadWith(dir, providerOf(4)), `byte ${i}`).toBe('TALOS_IDENTITY_LOCKED');
    }
    await fs.writeFile(file, whole);
    expect(await loadWith(dir, providerOf(4))).toBe('nothing thrown');
  });

  it('[KEYFILE-TAMPER] does not open when it is cut anywhere, or longer', async () => {
    const { dir, file } = await saved();
    const whole = new Uint8Array(await fs.readFile(file));
    for (let length = 0; length < whole.length; length++) {
      await fs.writeFile(file, whole.subarray(0, length));
      expect(await loadWith(dir, providerOf(4)), `${length} bytes`).toBe('TALOS_IDENTITY_LOCKED');
    }
    await fs.writeFile(file, Uint8Array.from([...whole, 0]));
    expect(await loadWith(dir, providerOf(4))).toBe('TALOS_IDENTITY_LOCKED');
    await fs.truncate(file, 4 * 1024 * 1024 + 1);
    expect(await loadWith(dir, providerOf(4))).toBe('TALOS_STORE_CORRUPT');
  });

  it('[KEYFILE-TAMPER] of another record does not open under this name', async () => {
    const { dir, file, store } = await saved();
    await store.save('agent.mallory', secret, 'absent');
    await fs.rename(path.join(dir, 'agent.mallory.key'), file);
    expect(await loadWith(dir, providerOf(4))).toBe('TALOS_IDENTITY_LOCKED');
  });

  it('[KEYFILE-TAMPER] does not open under another key or another kind of protection', async () => {
    const { dir } = await saved();
    expect(await loadWith(dir, providerOf(5))).toBe('TALOS_IDENTITY_LOCKED');
    expect(await loadWith(dir, unprotected)).toBe('TALOS_IDENTITY_LOCKED');
    const bare = await saved(unprotected);
    expect(await loadWith(bare.dir, providerOf(4))).toBe('TALOS_IDENTITY_LOCKED');
  });

  it('[KEYFILE-PASSPHRASE] opens under its passphrase, composed or not, and under no other', async () => {
    // Each of these five steps costs one scrypt of 128 MiB.
    const { dir, file } = await saved({ passphrase: 'caf\u00e9' });
    expect(await fileKeyStore({ dir, protection: { passphrase: 'cafe\u0301' } }).load('agent.alice')).toEqual(secret);
    expect(await loadWith(dir, { passphrase: 'cafe' })).toBe('TALOS_IDENTITY_LOCKED');
    const whole = new Uint8Array(await fs.readFile(file));
    expect([...whole.subarray(8, 10)]).toEqual([1, 1]);
    await fs.writeFile(file, whole.with(10, (whole[10] as number) ^ 1));
    expect(await loadWith(dir, { passphrase: 'caf\u00e9' })).toBe('TALOS_IDENTITY_LOCKED');
    await fs.writeFile(path.join(dir, 'agent.bob.key'), whole, { mode: 0o600 });
    expect(await loadWith(dir, { passphrase: 'caf\u00e9' }, 'agent.bob')).toBe('TALOS_IDENTITY_LOCKED');
  });

  it.runIf(process.platform !== 'win32')('[KEYFILE-OWNER-ONLY] and its folder are for the owner alone, and refused when they were opened up', async () => {
    const { dir, file } = await saved();
    expect(((await fs.stat(file)).mode & 0o777).toString(8)).toBe('600');
    expect(((await fs.stat(dir)).mode & 0o777).toString(8)).toBe('700');
    for (const mode of [0o644, 0o640, 0o604, 0o620, 0o601]) {
      await fs.chmod(file, mode);
      expect(await loadWith(dir, providerOf(4)), mode.toString(8)).toBe('TALOS_IDENTITY_LOCKED');
    }
    await fs.chmod(file, 0o400);
    expect(await loadWith(dir, providerOf(4))).toBe('nothing thrown');
  });

  it.each(['', '.', '..', '.hidden', '../alice', 'a/b', 'a\\b', 'a\0', 'a b', 'é', 'a'.repeat(65), 'a\n'])(
    '[KEYFILE-NAMES] has no name like %j',
    async (record) => {
      const store = fileKeyStore({ dir: newFolder(), protection: providerOf(4) });
      expect(await codeOfAsync(() => store.load(record))).toBe('TALOS_USAGE_ARGUMENT');
      expect(await codeOfAsync(() => store.save(record, secret, 'absent'))).toBe('TALOS_USAGE_ARGUMENT');
    },
  );

  it('[KEYFILE-NAMES] takes a key of 32 bytes from its provider, and a record that it could load again', async () => {
    for (const length of [0, 16, 31, 33]) {
      const store = fileKeyStore({ dir: newFolder(), protection: { keyProvider: async () => new Uint8Array(length) } });
      expect(await codeOfAsync(() => store.save('log', secret, 'absent'))).toBe('TALOS_USAGE_ARGUMENT');
    }
    const { store, file } = await saved();
    expect(await codeOfAsync(() => store.save('agent.alice', new Uint8Array(4 * 1024 * 1024), 'present'))).toBe('TALOS_USAGE_ARGUMENT');
    expect(await store.load('agent.alice')).toEqual(secret);
    expect(path.basename(file)).toBe('agent.alice.key');
  });
});

describe('a crash', () => {
  it('[KEYFILE-CRASH] leaves a temporary file at most, which is nobody’s record', async () => {
    const { dir, store } = await saved();
    await fs.writeFile(path.join(dir, '.agent.bob.key.0123456789abcdef'), 'half a fi', { mode: 0o600 });
    expect(await store.load('agent.bob')).toBeUndefined();
    await store.save('agent.bob', secret, 'absent');
    expect(await store.load('agent.bob')).toEqual(secret);
  });

  it('[KEYFILE-CRASH] a process killed while it saves leaves the old content or the new one', async () => {
    const { dir, store } = await saved();
    for (let round = 0; round < 4; round++) {
      const child = spawn(
        process.execPath,
        ['--conditions=@talosprotocol/source', '--disable-warning=ExperimentalWarning', fileURLToPath(new URL('save-forever.ts', import.meta.url)), dir],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, 10 + round * 7));
      child.kill('SIGKILL');
      await once(child, 'exit');
      const loaded = (await store.load('agent.alice')) as Uint8Array;
      expect([loaded.length, new Set(loaded).size]).toEqual([3000, 1]);
    }
    const names = await fs.readdir(dir);
    expect(names.filter((name) => !name.startsWith('.agent.alice.key.'))).toEqual(['agent.alice.key']);
  });
});
