/**
 * A home in one encrypted file, and back (docs/spec/01 §10): identities with their histories, what is known of peers, rights and their state,
 * the log. Never a session: ratchets and one-time prekeys that came back would be used twice.
 * @module
 */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { loadLogSigner, logOrigin } from '../client/home.ts';
import { concatBytes } from '../bytes/concat.ts';
import { encodeHex } from '../bytes/hex.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { ByteWriter } from '../bytes/writer.ts';
import { ByteReader } from '../bytes/reader.ts';
import { systemEnv } from '../env/env.ts';
import { IdentityError } from '../errors/identity-error.ts';
import { StoreError } from '../errors/store-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import { recordNamePattern, type KeyStore } from '../identity/key-store.ts';
import { randomBytes } from '#suite';
import { readBackupFile, writeBackupFile } from './backup-file.ts';
import { syncFolder } from './durable-file.ts';
import { homeParts, type NodeHomeOptions } from './node-home.ts';

export type BackupHomeOptions = NodeHomeOptions & {
  /** A new file. Keep it apart from this machine. */
  readonly file: string;
  /** Encrypts the file by scrypt (N = 2^17). Whoever has both is this home's agents. */
  readonly password: string;
};

export type RestoredHome = {
  /** Names for `TalosClient.create`. */
  readonly agents: readonly string[];
  /**
   * Entries that the log has now. `isBehind`: this machine signed more than the backup holds. The log then does not open
   * (`TALOS_AUDIT_ROLLED_BACK`) before `recoverLog`: what was signed is not contradicted.
   */
  readonly log: { readonly size: number; readonly isBehind: boolean };
};

const databases = ['audit.db', 'state.db'] as const;
/** What is kept of the key folder. The key of the sessions stays where they are. */
const isKept = (record: string): boolean => record === 'log' || record === 'peers' || record.startsWith('agent.');
const maxNameBytes = 80;
const readBytes = 1024 * 1024;

/**
 * Writes everything that has to be kept of a home into one encrypted file, also while its clients are open. Take a new one after each rotation:
 * an older key does not speak for its agent any more.
 * @throws {@link StoreError} `TALOS_STORE_CONFLICT` if the file exists; {@link IdentityError} `TALOS_IDENTITY_LOCKED` if the home does not open.
 */
export async function backupHome(options: BackupHomeOptions): Promise<void> {
  const { file, password } = checkOptions(options);
  const { dir, keys } = homeParts(options);
  const work = await fs.mkdtemp(path.join(dir, '.backup-'));
  try {
    for (const name of databases) await snapshot(path.join(dir, name), path.join(work, name));
    await writeBackupFile(file, password, contentOf({ dir, work, keys }));
  } finally {
    await fs.rm(work, { recursive: true, force: true });
  }
}

/**
 * Makes a home of a backup, in a folder that does not exist: whole, or not at all. Its agents have no sessions: open new ones, which their peers
 * take in place of the old ones and then send what was not acknowledged in them.
 * @param options - Protection and folders of the new home, as for `nodeHome`.
 * @throws {@link StoreError} `TALOS_STORE_CONFLICT` if the folder exists; {@link IdentityError} `TALOS_IDENTITY_LOCKED` if the backup does not open.
 */
export async function restoreHome(options: BackupHomeOptions): Promise<RestoredHome> {
  const { file, password } = checkOptions(options);
  const { dir, heads } = homeParts(options);
  if (await exists(dir)) throw conflict('the folder of the home exists: restore into a new one, or move it away');
  const work = `${dir}.restoring-${encodeHex(randomBytes(8))}`;
  try {
    await fs.mkdir(work, { recursive: true, mode: 0o700 });
    const { keys } = homeParts({ ...options, dir: work });
    const agents = await unpack(readBackupFile(file, password), { work, keys });
    const { origin, size } = logOf(path.join(work, 'audit.db'));
    // A log that never gave a checkpoint away has signed heads all the same.
    const signed = await heads.load(origin ?? logOrigin(await loadLogSigner(keys, systemEnv)));
    await syncTree(work);
    // All of it appears under its name at once.
    await fs.rename(work, dir);
    await syncFolder(path.dirname(dir));
    return { agents, log: { size, isBehind: (signed?.size ?? 0) > size } };
  } finally {
    await fs.rm(work, { recursive: true, force: true });
  }
}

type Source = { readonly dir: string; readonly work: string; readonly keys: KeyStore };

/** Each part: short(name) ‖ u64 length ‖ bytes. An empty name ends the list, so that a file without it is known to be cut. */
async function* contentOf({ dir, work, keys }: Source): AsyncGenerator<Uint8Array> {
  const records = (await fs.readdir(path.join(dir, 'keys'))).filter((name) => name.endsWith('.key')).map((name) => name.slice(0, -4));
  for (const record of records.filter((name) => recordNamePattern.test(name) && isKept(name)).toSorted()) {
    const secret = (await keys.load(record)) as Uint8Array;
    yield partHead(`key/${record}`, secret.length);
    yield Uint8Array.from(secret);
    secret.fill(0);
  }
  for (const name of databases) {
    const handle = await fs.open(path.join(work, name), 'r');
    try {
      const { size } = await handle.stat();
      yield partHead(name, size);
      for (let at = 0; at < size;) {
        const bytes = new Uint8Array(Math.min(readBytes, size - at));
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, at);
        if (bytesRead === 0) throw new StoreError({ code: 'TALOS_STORE_READ_FAILED', message: 'a snapshot of the home ended too early: try again' });
        yield bytes.subarray(0, bytesRead);
        at += bytesRead;
      }
    } finally {
      await handle.close();
    }
  }
  yield partHead('', 0);
}

function partHead(name: string, length: number): Uint8Array {
  return new ByteWriter().short(encodeUtf8(name)).u64(length).finish();
}

/** As it stands at one moment, whoever writes it. What a peer gave for one use is not kept. */
async function snapshot(from: string, to: string): Promise<void> {
  if (!(await exists(from))) throw new StoreError({ code: 'TALOS_STORE_READ_FAILED', message: 'this home has no log yet: create a client in it first' });
  const db = new DatabaseSync(from, { readOnly: true });
  try {
    db.prepare('VACUUM INTO ?').run(to);
  } finally {
    db.close();
  }
  if (path.basename(from) !== 'state.db') return;
  const copy = new DatabaseSync(to);
  try {
    copy.exec('UPDATE known_peer SET bundle = NULL; VACUUM');
  } finally {
    copy.close();
  }
}

/** @returns The names of the agents. */
async function unpack(content: AsyncIterable<Uint8Array>, { work, keys }: Pick<Source, 'work' | 'keys'>): Promise<readonly string[]> {
  const parts = new PartReader(content);
  const agents: string[] = [];
  for (;;) {
    const { name, length } = await parts.head();
    if (name === '') break;
    const record = name.startsWith('key/') ? name.slice(4) : undefined;
    if (record !== undefined && recordNamePattern.test(record) && isKept(record)) {
      const secret = await parts.take(length);
      await keys.save(record, secret, 'absent');
      secret.fill(0);
      if (record.startsWith('agent.')) agents.push(record.slice('agent.'.length));
    } else if ((databases as readonly string[]).includes(name)) await writePart(path.join(work, name), parts, length);
    else throw malformed();
  }
  await parts.end();
  return agents;
}

async function writePart(file: string, parts: PartReader, length: number): Promise<void> {
  const handle = await fs.open(file, 'wx', 0o600);
  try {
    for (let left = length; left > 0;) {
      const bytes = await parts.take(Math.min(readBytes, left));
      await handle.writeFile(bytes);
      left -= bytes.length;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Reads parts off a stream of chunks. */
class PartReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #waiting: Uint8Array = new Uint8Array(0);

  constructor(content: AsyncIterable<Uint8Array>) {
    this.#chunks = content[Symbol.asyncIterator]();
  }

  async head(): Promise<{ readonly name: string; readonly length: number }> {
    const nameLength = new ByteReader(await this.take(2)).u16();
    if (nameLength > maxNameBytes) throw malformed();
    const name = decodeUtf8(await this.take(nameLength));
    return { name, length: new ByteReader(await this.take(8)).u64() };
  }

  async take(length: number): Promise<Uint8Array> {
    while (this.#waiting.length < length) {
      const next = await this.#chunks.next();
      if (next.done === true) throw malformed();
      this.#waiting = concatBytes(this.#waiting, next.value);
    }
    const bytes = this.#waiting.slice(0, length);
    this.#waiting = this.#waiting.subarray(length);
    return bytes;
  }

  /** Reads the last chunk, too: only then is the whole file authentic. */
  async end(): Promise<void> {
    if (this.#waiting.length > 0 || (await this.#chunks.next()).done !== true) throw malformed();
  }
}

function logOf(file: string): { readonly origin: string | undefined; readonly size: number } {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const head = db.prepare('SELECT size FROM head').get() as { size: number } | undefined;
    const last = db.prepare('SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1').get() as { note: string } | undefined;
    return { origin: last?.note.split('\n', 1)[0], size: head?.size ?? 0 };
  } finally {
    db.close();
  }
}

async function syncTree(folder: string): Promise<void> {
  await syncFolder(path.join(folder, 'keys'));
  await syncFolder(folder);
}

async function exists(place: string): Promise<boolean> {
  return fs.access(place).then(
    () => true,
    () => false,
  );
}

function checkOptions(options: BackupHomeOptions): BackupHomeOptions {
  const { file, password } = options ?? {};
  if (typeof file !== 'string' || file === '') throw new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: 'file must name the backup file' });
  if (typeof password !== 'string' || password === '')
    throw new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: 'password must be a text that is not empty: the file holds private keys' });
  return options;
}

function malformed(): IdentityError {
  return new IdentityError({ code: 'TALOS_IDENTITY_LOCKED', message: 'the backup does not open: its content is not that of a home' });
}

function conflict(reason: string): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CONFLICT', message: reason });
}
