/**
 * One encrypted file of any length (docs/spec/01 §10): chunks under a password, each bound to its place and the last one marked, so that
 * nothing can be cut off, moved or added. Read in one go from start to end; nothing of it counts before the last chunk has opened.
 * @module
 */
import { decryptAead, encryptAead, randomBytes } from '#suite';
import * as fs from 'node:fs/promises';
import { concatBytes } from '../bytes/concat.ts';
import { equalBytes } from '../bytes/equal.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { ByteWriter } from '../bytes/writer.ts';
import { IdentityError } from '../errors/identity-error.ts';
import { StoreError } from '../errors/store-error.ts';
import { TalosError } from '../errors/talos-error.ts';
import { derivePasswordKey } from '../primitives/node-password.ts';

const magic = /* @__PURE__ */ encodeUtf8('TALOSBAK');
const version = 1;
const saltLength = 16;
const headLength = magic.length + 1 + saltLength;
/** Memory for one chunk at a time, whatever the log has grown to. */
const chunkBytes = 1024 * 1024;
const tagBytes = 16;

/**
 * New, its owner's alone, whole, and on the disk when this resolves.
 * @throws {@link StoreError} `TALOS_STORE_CONFLICT` if the file exists, `TALOS_STORE_WRITE_FAILED` if it could not be written whole: it is gone then.
 */
export async function writeBackupFile(file: string, password: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const salt = randomBytes(saltLength);
  const head = concatBytes(magic, Uint8Array.of(version), salt);
  const key = await derivePasswordKey({ passphrase: password, salt });
  const handle = await fs.open(file, 'wx', 0o600).catch((cause: unknown) => {
    throw new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'the backup file is there already, or its folder is not: choose another name', cause });
  });
  try {
    // `write` may take a part only, and says nothing: the last chunk on a disk that fills up would be cut, and the backup useless.
    await handle.writeFile(head);
    let number = 0;
    for await (const { chunk, isLast } of chunked(content))
      await handle.writeFile(encryptAead({ key, nonce: nonceOf(number++, isLast), associatedData: head, plaintext: chunk }));
    await handle.sync();
  } catch (error) {
    await fs.rm(file, { force: true }).catch(() => undefined);
    throw TalosError.isInstance(error) ? error : notWritten(error);
  } finally {
    key.fill(0);
    await handle.close();
  }
}

/** The content, chunk by chunk. @throws {@link IdentityError} `TALOS_IDENTITY_LOCKED` at the first chunk that does not open. */
export async function* readBackupFile(file: string, password: string): AsyncGenerator<Uint8Array> {
  const handle = await fs.open(file, 'r');
  try {
    const { size } = await handle.stat();
    const head = await readExactly(handle, headLength);
    if (!equalBytes(head.subarray(0, magic.length), magic) || head[magic.length] !== version) throw locked('it is not a backup of this version');
    const key = await derivePasswordKey({ passphrase: password, salt: head.subarray(magic.length + 1) });
    let left = size - headLength;
    for (let number = 0, isLast = false; !isLast; number++) {
      const length = Math.min(chunkBytes + tagBytes, left);
      left -= length;
      isLast = left === 0;
      yield open(await readExactly(handle, length), { key, nonce: nonceOf(number, isLast), head });
    }
    key.fill(0);
  } finally {
    await handle.close();
  }
}

type Opening = { readonly key: Uint8Array; readonly nonce: Uint8Array; readonly head: Uint8Array };

function open(ciphertext: Uint8Array, { key, nonce, head }: Opening): Uint8Array {
  try {
    return decryptAead({ key, nonce, associatedData: head, ciphertext });
  } catch {
    throw locked('the password is wrong, or the file is damaged');
  }
}

/** The key is of this file alone (its salt), so a counter never repeats under it. The last byte says whether anything follows. */
function nonceOf(number: number, isLast: boolean): Uint8Array {
  return new ByteWriter()
    .raw(new Uint8Array(7))
    .u32(number)
    .u8(isLast ? 1 : 0)
    .finish();
}

/** Full chunks, and a last one that may be shorter. */
async function* chunked(content: AsyncIterable<Uint8Array>): AsyncGenerator<{ readonly chunk: Uint8Array; readonly isLast: boolean }> {
  let waiting: Uint8Array = new Uint8Array(0);
  for await (const part of content) {
    waiting = concatBytes(waiting, part);
    while (waiting.length > chunkBytes) {
      yield { chunk: waiting.subarray(0, chunkBytes), isLast: false };
      waiting = waiting.slice(chunkBytes);
    }
  }
  yield { chunk: waiting, isLast: true };
}

async function readExactly(handle: fs.FileHandle, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(0, length));
  const { bytesRead } = await handle.read(bytes, 0, bytes.length);
  if (length <= 0 || bytesRead !== length) throw locked('it is cut off');
  return bytes;
}

function notWritten(cause: unknown): StoreError {
  return new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: 'the backup could not be written: is the disk full?', cause, retryable: true });
}

function locked(reason: string): IdentityError {
  return new IdentityError({ code: 'TALOS_IDENTITY_LOCKED', message: `the backup does not open: ${reason}` });
}
