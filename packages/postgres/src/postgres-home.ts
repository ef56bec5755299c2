/** A home in a database: the log of every agent that uses it, and its keys, sealed before they leave the process. @module */
import { assembleHome, type Home } from '@talosprotocol/core';
import type { SignedHeads } from '@talosprotocol/core/audit';
import { UsageError } from '@talosprotocol/core/errors';
import type { KeyStore } from '@talosprotocol/core/identity';
import { encryptedKeyStore } from '@talosprotocol/core/node';
import { openPostgresAuditStore } from './postgres-audit-store.ts';
import { postgresKeyRecords } from './postgres-key-store.ts';

/** One of `passphrase`, `keyProvider` and `keys` is given: keys in clear are never written to a database. */
export type PostgresHomeOptions = {
  /** Encrypts the keys by scrypt (N = 2^17: about half a second at each start) before they are stored in the database. */
  readonly passphrase?: string;
  /** Gives the 32-byte key that encrypts the keys: from a KMS or a keychain. */
  readonly keyProvider?: () => Promise<Uint8Array>;
  /** Keeps the keys elsewhere: `fileKeyStore`, or a store of your own. */
  readonly keys?: KeyStore;
  /**
   * Remembers what was signed, apart from the database, so that a restored backup of it is noticed: `fileSignedHeads` of `@talosprotocol/core/node`
   * for one machine. Default: none.
   */
  readonly heads?: SignedHeads;
  /** The schema that holds log and keys. Default `talos`. */
  readonly log?: string;
  /** As for `openPostgresAuditStore`. */
  readonly timeoutMs?: number;
  readonly waitMs?: number;
};

const defaultLog = 'talos';

/** One log per database, schema and process: a second writer would find it locked. Clients share it, however they came by their home. */
const openHomes = new Map<string, Home>();

/**
 * Keys and log in PostgreSQL. Sessions are kept in memory. One process at a time writes a log: another one that opens it waits `waitMs`, then gets
 * `TALOS_STORE_CONFLICT`. Nothing is connected before the first client is created.
 * @param url - `postgres://user@host:5432/database`.
 * @throws {@link UsageError} `TALOS_USAGE_OPTIONS` unless exactly one of `passphrase`, `keyProvider` and `keys` is given.
 */
export function postgresHome(url: string, options: PostgresHomeOptions): Home {
  if (typeof url !== 'string' || url === '') throw badOptions('url must be a PostgreSQL URL: postgres://user@host:5432/database');
  const { log = defaultLog, timeoutMs, waitMs, heads } = options ?? {};
  const keys = keysOf(url, options ?? {});
  const store = { url, log, ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(waitMs === undefined ? {} : { waitMs }) };
  const openStore = async () => {
    const opened = await openPostgresAuditStore(store);
    return { store: opened, close: () => opened.close() };
  };
  const place = `${log} ${url}`;
  const shared = openHomes.get(place) ?? assembleHome({ keys, openStore, ...(heads === undefined ? {} : { heads }) });
  openHomes.set(place, shared);
  return { ...shared, keys };
}

function keysOf(url: string, { passphrase, keyProvider, keys, log = defaultLog }: PostgresHomeOptions): KeyStore {
  if ([passphrase, keyProvider, keys].filter((given) => given !== undefined).length !== 1) {
    throw badOptions('pass one of passphrase, keyProvider and keys: keys are not kept in a database in clear');
  }
  if (keys !== undefined) {
    if (typeof keys?.load !== 'function') throw badOptions('keys must be a key store');
    return keys;
  }
  const records = postgresKeyRecords({ url, log });
  if (keyProvider !== undefined) return encryptedKeyStore({ records, protection: { keyProvider } });
  if (typeof passphrase !== 'string' || passphrase === '') throw badOptions('passphrase must be a text that is not empty');
  return encryptedKeyStore({ records, protection: { passphrase } });
}

function badOptions(message: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_OPTIONS', message });
}
