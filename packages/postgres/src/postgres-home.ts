/** A home in a database: log, sessions and rights of every agent that uses it, and its keys, sealed before they leave the process. @module */
import { assembleHome, type Env, type Home, type HomeParts, type OpenedLog, type OpenedSessions, type OpenedState } from '@talosprotocol/core';
import type { SignedHeads } from '@talosprotocol/core/audit';
import { UsageError } from '@talosprotocol/core/errors';
import type { AgentId, KeyStore, KnownPeer } from '@talosprotocol/core/identity';
import { encryptedKeyStore, loadSessionKey, openProcessLog, openSqliteFence, stateDirOf } from '@talosprotocol/core/node';
import { auditSql, requireLogName } from './audit-sql.ts';
import { postgresApprovalStore } from './postgres-approval-store.ts';
import { defaultLog, defaultTimeoutMs, minTimeoutMs, openPostgresAuditStore, requireMs } from './postgres-audit-store.ts';
import { postgresClockStore } from './postgres-clock-store.ts';
import { isWriterFree, postgresIntentQueue } from './postgres-intent-queue.ts';
import { postgresKeyRecords } from './postgres-key-store.ts';
import { postgresLimitStore } from './postgres-limit-store.ts';
import { postgresReplayStore } from './postgres-replay-store.ts';
import { postgresRevocationStore } from './postgres-revocation-store.ts';
import { postgresSessionStore } from './postgres-session-store.ts';
import { PostgresState, type PostgresStateOptions } from './postgres-state.ts';
import { postgresTrustStore } from './postgres-trust-store.ts';

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
  /** The schema that holds the log, which one process at a time writes. Default `talos`. */
  readonly log?: string;
  /**
   * The schema that holds keys, sessions and rights, which any number of processes use at once. Default: that of the log. Processes that run at the
   * same time share it. With a `log` each they do not wait for each other, and each log has a key of its own, under the record `log.<name>`, at most 60 characters of name.
   */
  readonly home?: string;
  /**
   * A folder of this machine, apart from the database, where the rollback fence of its sessions is kept (`fence.db`): a database that was
   * restored from a backup does not bring it back. Default `$XDG_STATE_HOME/talos` or `~/.local/state/talos`, as for `nodeHome`.
   */
  readonly stateDir?: string;
  /** As for `openPostgresAuditStore`. */
  readonly timeoutMs?: number;
  readonly waitMs?: number;
};

/** One log per database, schema and process: a second writer would find it locked. Clients share it, however they came by their home. */
const openHomes = new Map<string, Home>();

/**
 * Keys, log, sessions and rights in PostgreSQL. One process at a time writes a log: another one that opens it waits `waitMs`, then gets
 * `TALOS_STORE_CONFLICT`. Nothing is connected before the first client is created.
 * @param url - `postgres://user@host:5432/database`.
 * @throws {@link UsageError} `TALOS_USAGE_OPTIONS` unless exactly one of `passphrase`, `keyProvider` and `keys` is given.
 */
export function postgresHome(url: string, options: PostgresHomeOptions): Home {
  if (typeof url !== 'string' || url === '') throw badOptions('url must be a PostgreSQL URL: postgres://user@host:5432/database');
  const { log = defaultLog, timeoutMs, waitMs, heads, home = log } = options ?? {};
  const keys = keysOf(url, { ...options, log: requireLogName(home) });
  const store = { url, log, ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(waitMs === undefined ? {} : { waitMs }) };
  const openStore = async () => {
    const opened = await openPostgresAuditStore(store);
    return { store: opened, cosignatures: opened, close: () => opened.close() };
  };
  const place = { url, home, timeoutMs: requireMs('timeoutMs', timeoutMs ?? defaultTimeoutMs, minTimeoutMs) };
  const stateDir = stateDirOf(options);
  const name = `${log} ${home} ${url}`;
  const shared =
    openHomes.get(name) ??
    assembleHome({
      keys: logKeysOf(keys, { log, home }),
      openStore,
      openState: (env) => openState(place, env),
      openLog: (parts) => openQueuedLog({ ...place, home: log }, parts),
      ...(heads === undefined ? {} : { heads }),
    });
  openHomes.set(name, shared);
  return { ...shared, keys, sessions: (agent) => openSessions({ place, stateDir, keys, agent }) };
}

/** Counted from now on where nothing was counted before, by this process's own clock: claims are in whole seconds. */
async function openState(place: PostgresStateOptions, env: Env): Promise<OpenedState> {
  const state = new PostgresState(place);
  try {
    await state.open('rights', Math.floor(env.now() / 1000) * 1000);
  } catch (error) {
    await state.close();
    throw error;
  }
  const revocations = postgresRevocationStore(state);
  const stores = {
    limits: postgresLimitStore(state),
    replay: postgresReplayStore(state),
    approvals: postgresApprovalStore(state),
    revocations,
    clock: postgresClockStore(state),
    trust: postgresTrustStore<KnownPeer>(state),
    hear: revocations.hear,
  };
  return { stores, close: () => state.close() };
}

/** The process that comes first writes; the others queue, and one of them takes its place when its connection has ended. */
async function openQueuedLog(place: PostgresStateOptions, parts: Parameters<NonNullable<HomeParts['openLog']>>[0]): Promise<OpenedLog> {
  const state = new PostgresState(place);
  const openQueue = async () => {
    await state.open('queue');
    return postgresIntentQueue(state);
  };
  try {
    return await openProcessLog({ ...parts, openQueue, isFree: () => isWriterFree(state, auditSql(place.home).probeLock) });
  } catch (error) {
    await state.close();
    throw error;
  }
}

type SessionsInput = { readonly place: PostgresStateOptions; readonly stateDir: string; readonly keys: KeyStore; readonly agent: AgentId };

async function openSessions({ place, stateDir, keys, agent }: SessionsInput): Promise<OpenedSessions> {
  const fence = openSqliteFence({ stateDir });
  const state = new PostgresState(place);
  const close = async (): Promise<void> => {
    await state.close();
    fence.close();
  };
  try {
    await state.open('sessions');
    const key = await loadSessionKey(keys);
    const store = postgresSessionStore(state, { agent, key });
    key.fill(0);
    return { store, fence: fence.of(agent), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Two logs under one key would have one name, and look like one that was forked. */
function logKeysOf(keys: KeyStore, { log, home }: { readonly log: string; readonly home: string }): KeyStore {
  if (log === home) return keys;
  if (log.length > maxLogName) throw badOptions(`a log beside a home of another name has at most ${maxLogName} characters`);
  const recordOf = (record: string): string => (record === 'log' ? `log.${log}` : record);
  return { load: (record) => keys.load(recordOf(record)), save: (record, secret, expected) => keys.save(recordOf(record), secret, expected) };
}

/** A record's name has at most 64. */
const maxLogName = 60;

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
