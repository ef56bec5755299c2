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
      if (history !== undefined) await check(folder, history);
      return secret;
    },
    save: async (record, secret, expected) => {
      await keys.save(record, secret, expected);
      const history = historyOf(record, secret);
      if (history !== undefined) await note(folder, history);
    },
  };
}

/** A process may have ended between the record and its note, and a home that came from elsewhere has none here: from now on it has. */
async function check(folder: string, history: KeyHistory): Promise<void> {
  const noted = await newest(folder, history);
  if (history.length < noted) throw rolledBack();
  if (history.length > noted) await note(folder, history);
}

function historyOf(record: string, secret: Uint8Array): KeyHistory | undefined {
  return record.startsWith('agent.') ? decodeIdentitySecrets(secret).history : undefined;
}

async function newest(folder: string, history: KeyHistory): Promise<number> {
  const names = await namesIn(folder);
  const prefix = nameOf(history);
  return Math.max(0, ...names.filter((name) => name.startsWith(prefix)).map((name) => Number(name.slice(prefix.length)) || 0));
}

/** What cannot be read might say that the identity is an old copy. */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await fs.readdir(folder);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    const message = 'what is remembered of identities cannot be read: pass a stateDir that this user may read';
    throw new StoreError({ code: 'TALOS_STORE_READ_FAILED', message, cause });
  }
}

/** Only a rotation has something to forget. The name says it all: a file of its own for each event, so that two processes need no lock. */
async function note(folder: string, history: KeyHistory): Promise<void> {
  if (history.length < 2) return;
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
