/**
 * The newest key event of each identity of this machine, outside of what a backup brings back (docs/spec/01 §9): an identity that was restored
 * from before its last rotation would sign a second event of one sequence, and with it end itself everywhere.
 * @module
 */
import { sha256 } from '#suite';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { encodeHex } from '../bytes/hex.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { IdentityError } from '../errors/identity-error.ts';
import { decodeIdentitySecrets } from '../identity/identity-secrets.ts';
import type { KeyHistory } from '../identity/key-history.ts';
import type { KeyStore } from '../identity/key-store.ts';
import { writeDurably } from './durable-file.ts';
import { StoreError } from '../errors/store-error.ts';

/** A key store whose identities are looked up in `folder` when they are loaded, and noted there when they are saved. */
export function fencedKeyStore(keys: KeyStore, folder: string): KeyStore {
  return {
    load: async (record) => {
      const secret = await keys.load(record);
      const history = secret && historyOf(record, secret);
      if (history !== undefined && history.length < (await newest(folder, history))) throw rolledBack();
      return secret;
    },
    save: async (record, secret, expected) => {
      await keys.save(record, secret, expected);
      const history = historyOf(record, secret);
      // Only a rotation has something to forget.
      if (history !== undefined && history.length > 1) await note(folder, history);
    },
  };
}

function historyOf(record: string, secret: Uint8Array): KeyHistory | undefined {
  return record.startsWith('agent.') ? decodeIdentitySecrets(secret).history : undefined;
}

async function newest(folder: string, history: KeyHistory): Promise<number> {
  const names = await fs.readdir(folder).catch((): string[] => []);
  const prefix = nameOf(history);
  return Math.max(0, ...names.filter((name) => name.startsWith(prefix)).map((name) => Number(name.slice(prefix.length)) || 0));
}

/** The name says it all: a file of its own for each event, so that two processes need no lock. */
async function note(folder: string, history: KeyHistory): Promise<void> {
  await writeDurably(path.join(folder, `${nameOf(history)}${history.length}`), new Uint8Array(0), 'absent').catch((error: unknown) => {
    if (!StoreError.isInstance(error) || error.code !== 'TALOS_STORE_CONFLICT') throw error;
  });
}

/** The first event names the agent. */
function nameOf([first]: KeyHistory): string {
  return `${encodeHex(sha256(encodeUtf8(first?.event ?? '')).subarray(0, 16))}.`;
}

function rolledBack(): IdentityError {
  return new IdentityError({
    code: 'TALOS_IDENTITY_ROLLED_BACK',
    message: 'this identity was rotated after the copy that its home was restored from: bring back the newer copy, its old key speaks for nobody',
  });
}
