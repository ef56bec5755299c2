/**
 * Signed heads in files, shared by every process of this user. Each head is a file of its own, numbered; the name of the next number is
 * taken by link, which one of two processes wins: compare-and-set without a lock that a crash could leave behind. @module
 */
import { sha256 } from '#suite';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { formatCheckpoint, parseCheckpointText } from '../audit/checkpoint.ts';
import { headConflict, isSameHead, type HeadChange, type SignedHeads } from '../audit/signed-heads.ts';
import type { TreeHead } from '../audit/tree-hash.ts';
import { encodeHex } from '../bytes/hex.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { StoreError } from '../errors/store-error.ts';
import { TalosError } from '../errors/talos-error.ts';
import { readIfPresent, writeDurably } from './durable-file.ts';

/** Origin, size and root. */
const maxHeadBytes = 1024;
/** Another process may remove the file that was just listed, because it wrote a newer one: list again. */
const maxReads = 16;

export function fileSignedHeads(dir: string): SignedHeads {
  return {
    load: async (origin) => (await newest(dir, origin))?.head,
    replace: (change) => replaceHead(dir, change),
  };
}

type Numbered = { readonly number: number; readonly head: TreeHead };

async function replaceHead(dir: string, { origin, expected, head }: HeadChange): Promise<void> {
  const present = await newest(dir, origin);
  if (!isSameHead(present?.head, expected)) throw headConflict();
  const number = (present?.number ?? 0) + 1;
  await writeDurably(fileOf(dir, { origin, number }), encodeUtf8(formatCheckpoint({ origin, ...head })), 'absent').catch((error: unknown) => {
    throw StoreError.isInstance(error) && error.code === 'TALOS_STORE_CONFLICT' ? headConflict() : unusable(error);
  });
  const numbers = await numbersOf(dir, origin);
  // Whoever slept between reading and writing finds its number free again, and newer ones beside it.
  if (numbers.some((other) => other > number)) throw headConflict();
  for (const old of numbers) if (old < number) await fs.rm(fileOf(dir, { origin, number: old }), { force: true }).catch(() => undefined);
}

async function newest(dir: string, origin: string): Promise<Numbered | undefined> {
  for (let read = 0; read < maxReads; read++) {
    const number = Math.max(0, ...(await numbersOf(dir, origin)));
    if (number === 0) return undefined;
    const bytes = await readIfPresent(fileOf(dir, { origin, number }), maxHeadBytes);
    if (bytes !== undefined) return { number, head: decodeHead(bytes, origin) };
  }
  throw new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'the signed head changes faster than it can be read', retryable: true });
}

async function numbersOf(dir: string, origin: string): Promise<number[]> {
  const prefix = `${nameOf(origin)}.`;
  try {
    await fs.mkdir(dir, { recursive: true, mode: 0o700 });
    const names = await fs.readdir(dir);
    return names
      .filter((name) => name.startsWith(prefix))
      .flatMap((name) => (/^\d{1,15}$/.test(name.slice(prefix.length)) ? [Number(name.slice(prefix.length))] : []));
  } catch (cause) {
    throw unusable(cause);
  }
}

function decodeHead(bytes: Uint8Array, origin: string): TreeHead {
  try {
    const head = parseCheckpointText(decodeUtf8(bytes));
    if (head.origin === origin) return { size: head.size, root: head.root };
  } catch (error) {
    if (!TalosError.isInstance(error)) throw error;
  }
  throw new StoreError({
    code: 'TALOS_STORE_CORRUPT',
    message: 'the file of the last signed head is damaged: nothing is signed until it is mended or removed',
  });
}

function fileOf(dir: string, { origin, number }: { readonly origin: string; readonly number: number }): string {
  return path.join(dir, `${nameOf(origin)}.${number}`);
}

/** Origins hold slashes; 128 bits of their hash do not meet. */
function nameOf(origin: string): string {
  return encodeHex(sha256(encodeUtf8(origin)).subarray(0, 16));
}

function unusable(cause: unknown): StoreError {
  return new StoreError({
    code: 'TALOS_STORE_WRITE_FAILED',
    message: 'the store of signed heads cannot be used: pass stateDir, a folder outside the home that this user can write',
    cause,
  });
}
