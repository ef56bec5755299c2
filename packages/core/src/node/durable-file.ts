/** Small files that are either wholly there or not: temporary file, fsync, rename or link, fsync of the folder. @module */
import { randomBytes } from '#suite';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { encodeHex } from '../bytes/hex.ts';
import { StoreError } from '../errors/store-error.ts';

/** Only the owner: these files hold keys. */
const fileMode = 0o600;
const folderMode = 0o700;

/**
 * @param expected - `absent` fails if the file exists, and of two writers one wins; `present` replaces it and fails if it is gone.
 * @throws {@link StoreError} `TALOS_STORE_CONFLICT`, or `TALOS_STORE_WRITE_FAILED` with the old content untouched.
 */
export async function writeDurably(file: string, bytes: Uint8Array, expected: 'absent' | 'present'): Promise<void> {
  const folder = path.dirname(file);
  const temporary = path.join(folder, `.${path.basename(file)}.${encodeHex(randomBytes(8))}`);
  try {
    await fs.mkdir(folder, { recursive: true, mode: folderMode });
    await writeAndSync(temporary, bytes);
    if (expected === 'absent') await linkNew(temporary, file);
    else await replace(temporary, file);
    await syncFolder(folder);
  } catch (cause) {
    if (StoreError.isInstance(cause)) throw cause;
    throw new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: 'the file could not be written: see the cause', cause, retryable: true });
  } finally {
    await fs.rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** Fails if the name is taken, where a rename would replace what another writer put there. */
async function linkNew(temporary: string, file: string): Promise<void> {
  try {
    await fs.link(temporary, file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw conflict();
    throw cause;
  }
}

/** Refuses to bring back a file that its owner removed while the caller held an old copy. */
async function replace(temporary: string, file: string): Promise<void> {
  try {
    await fs.access(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw conflict();
    throw cause;
  }
  await fs.rename(temporary, file);
}

function conflict(): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'another writer was first: load again', retryable: true });
}

/** Undefined if there is no such file. @throws {@link StoreError} `TALOS_STORE_READ_FAILED`. */
export async function readIfPresent(file: string, maxBytes: number): Promise<Uint8Array | undefined> {
  try {
    const { size } = await fs.stat(file);
    if (size > maxBytes) throw new StoreError({ code: 'TALOS_STORE_CORRUPT', message: `the file is longer than ${maxBytes} bytes` });
    return new Uint8Array(await fs.readFile(file));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (StoreError.isInstance(cause)) throw cause;
    throw new StoreError({ code: 'TALOS_STORE_READ_FAILED', message: 'the file could not be read: see the cause', cause });
  }
}

async function writeAndSync(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await fs.open(file, 'wx', fileMode);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Without this a power cut may forget the name of a file whose content is safe. Windows cannot open a folder, and need not. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await fs.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
