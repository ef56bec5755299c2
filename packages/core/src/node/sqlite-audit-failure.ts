/** SQLite's result codes in our own. @module */
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../errors/store-error.ts';
import type { StoreErrorCode } from '../errors/codes.ts';

/** Below it a WAL reset can lose a commit while a second connection is open: an acknowledged entry would be gone. */
const oldestVersion = [3, 51, 3] as const;

/** Primary result codes (sqlite.org/rescode.html): the low byte of the extended ones that node:sqlite reports. */
const busy = 5;
const locked = 6;
const readOnly = 8;
const ioError = 10;
const corruptFile = 11;
const full = 13;
const cannotOpen = 14;
const notADatabase = 26;

/** @throws {@link StoreError} `TALOS_STORE_UNSUPPORTED` below SQLite 3.51.3. */
export function checkSqliteVersion(version: string = runningVersion()): void {
  const parts = version.split('.').map(Number);
  const different = oldestVersion.findIndex((least, i) => parts[i] !== least);
  if (different === -1 || (parts[different] ?? 0) > (oldestVersion[different] as number)) return;
  throw new StoreError({
    code: 'TALOS_STORE_UNSUPPORTED',
    message: `SQLite ${version} can lose commits, the audit log needs 3.51.3: use Node 22.23, 24.21, 26.10 or newer within its line`,
  });
}

function runningVersion(): string {
  const db = new DatabaseSync(':memory:');
  try {
    return (db.prepare('SELECT sqlite_version() AS version').get() as { version: string }).version;
  } finally {
    db.close();
  }
}

/** @param otherwise - the code for what SQLite does not explain further.   @param database - what the message calls it. */
export function asStoreError(error: unknown, otherwise: 'TALOS_STORE_WRITE_FAILED' | 'TALOS_STORE_READ_FAILED', database = 'the audit database'): StoreError {
  if (error instanceof StoreError) return error;
  const primary = ((error as { readonly errcode?: number }).errcode ?? 0) & 0xff;
  const { code, message } = describe(primary, otherwise);
  return new StoreError({ code, message: `${database}: ${message}`, cause: error, retryable: code === 'TALOS_STORE_CONFLICT' });
}

function describe(primary: number, otherwise: StoreErrorCode): { readonly code: StoreErrorCode; readonly message: string } {
  switch (primary) {
    case busy:
    case locked:
      return { code: 'TALOS_STORE_CONFLICT', message: 'another connection is writing' };
    case corruptFile:
    case notADatabase:
      return { code: 'TALOS_STORE_CORRUPT', message: 'the file is damaged or is not SQLite' };
    case full:
      return { code: 'TALOS_STORE_WRITE_FAILED', message: 'the disk or the allowed size is full; nothing of the batch was kept' };
    case readOnly:
      return { code: 'TALOS_STORE_WRITE_FAILED', message: 'the file or its folder is read-only' };
    case ioError:
      return { code: otherwise, message: 'the disk reported an error' };
    case cannotOpen:
      return { code: otherwise, message: 'the file cannot be opened: does its folder exist, and may this user write there?' };
    default:
      return { code: otherwise, message: 'SQLite refused' };
  }
}

export function corrupt(reason: string): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CORRUPT', message: `the stored audit log was refused: ${reason}` });
}
