/** Keys in files of their own, encrypted under a passphrase or a key that the caller provides (docs/spec/01 §6). @module */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { IdentityError } from '../errors/identity-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import { recordNamePattern, type KeyStore } from '../identity/key-store.ts';
import { readIfPresent, writeDurably } from './durable-file.ts';
import { encryptedKeyStore, maxSealedBytes, type KeyProtection } from './encrypted-key-store.ts';

/** @throws {@link IdentityError} `TALOS_IDENTITY_DEV_IN_PRODUCTION` if unprotected and NODE_ENV is production. */
export function fileKeyStore(options: { readonly dir: string; readonly protection: KeyProtection }): KeyStore {
  return encryptedKeyStore({ records: sealedFiles(options.dir), protection: options.protection });
}

/** One file for each sealed record, owner-readable only. */
function sealedFiles(dir: string): KeyStore {
  return {
    async load(record) {
      const file = fileOf(dir, record);
      const bytes = await readIfPresent(file, maxSealedBytes);
      if (bytes !== undefined) await checkMode(file);
      return bytes;
    },
    save: (record, sealed, expected) => writeDurably(fileOf(dir, record), sealed, expected),
  };
}

function fileOf(dir: string, record: string): string {
  if (!recordNamePattern.test(record))
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'a name has 1 to 64 letters, digits, dots, underscores or hyphens' });
  return path.join(dir, `${record}.key`);
}

/** A key that other users can read is no longer a key. */
async function checkMode(file: string): Promise<void> {
  if (process.platform === 'win32') return;
  const { mode } = await fs.stat(file);
  if ((mode & 0o077) !== 0) throw locked(`other users can access it: chmod 600 ${path.basename(file)}`);
}

function locked(reason: string): IdentityError {
  return new IdentityError({ code: 'TALOS_IDENTITY_LOCKED', message: `the key file does not open: ${reason}` });
}
