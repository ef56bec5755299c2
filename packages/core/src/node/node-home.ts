/** The embedded default: keys in files, log and state in SQLite, all in one folder (docs/spec/01 §6, 03, 05). @module */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { resumeErasures } from '../audit/log-privacy.ts';
import { subjectLog } from '../audit/subject-log.ts';
import { withPrivateStore, type PrivateAuditStore } from '../audit/private-audit-store.ts';
import type { TreeLog } from '../audit/audit-log.ts';
import type { Witness } from '../audit/witness.ts';
import { openHomeLog, type Home, type HomeLogOptions, type OpenedCalls, type OpenedSessions, type OpenedStore } from '../client/home.ts';
import { openHomeState, type HomeState, type SharedState } from '../client/home-state.ts';
import { share, shareLog, type OpenedLog, type SharedLog } from '../client/shared-log.ts';
import type { Env } from '../env/env.ts';
import { StoreError } from '../errors/store-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { KeyStore } from '../identity/key-store.ts';
import type { KeyProtection } from './encrypted-key-store.ts';
import { fileKeyStore } from './file-key-store.ts';
import { fencedKeyStore } from './identity-fence.ts';
import { fileSignedHeads } from './file-signed-heads.ts';
import { openPeerFence } from './peer-fence.ts';
import { IntentTable } from './intent-table.ts';
import { isLockFree } from './open-database.ts';
import { openProcessLog } from './process-log.ts';
import { loadHomeKey } from './home-key.ts';
import { loadSessionKey } from './session-row-seal.ts';
import { keepUp } from '../client/keep-up.ts';
import { sqliteApprovalStore } from './sqlite-approval-store.ts';
import { sqliteClockStore } from './sqlite-clock-store.ts';
import { openSqliteCalls } from './sqlite-call-store.ts';
import { openSqliteSessions } from './sqlite-session-store.ts';
import { openSqliteAuditStore } from './sqlite-audit-store.ts';
import { openSqlitePrivateStore } from './sqlite-private-store.ts';
import { sqliteLimitStore } from './sqlite-limit-store.ts';
import { sqliteReplayStore } from './sqlite-replay-store.ts';
import { sqliteRevocationStore } from './sqlite-revocation-store.ts';
import { SqliteState } from './sqlite-state.ts';
import { sqliteTrustStore } from './sqlite-trust-store.ts';
import { stateDirOf } from './state-dir.ts';

export type NodeHomeOptions = {
  /** Default `./.talos`. Created with access for its owner only. */
  readonly dir?: string;
  /**
   * Where what was signed and sent last is remembered (signed heads, rollback fence), so that a home restored from a copy is noticed. Outside `dir`,
   * never part of the same copy. Default `$XDG_STATE_HOME/talos` or `~/.local/state/talos`; on macOS and Windows the folder of application data.
   */
  readonly stateDir?: string;
  /** Encrypts the key files by scrypt (N = 2^17: about half a second at each start). */
  readonly passphrase?: string;
  /** Gives the 32-byte key that encrypts the key files: from a KMS or a keychain. */
  readonly keyProvider?: () => Promise<Uint8Array>;
  /** Asked for cosignatures at each checkpoint: `httpWitness`. No append waits for them. */
  readonly witnesses?: readonly Witness[];
  /** What fails in the log where nobody waits: a witness, a checkpoint of the interval. */
  readonly onLogError?: (error: unknown) => void;
};

/** One log per folder and process: a second writer would find it locked. Clients of one folder share it, however they came by their home. */
const openLogs = new Map<string, SharedLog>();

/** The stores under them. */
const openStores = new Map<string, PrivateAuditStore>();

/** Likewise: a revocation by one client has to end the chains of all others at once. */
const openStates = new Map<string, SharedState>();

/**
 * Keys, log, sessions and the state of rights of this machine's agents in one folder.
 *
 * With neither `passphrase` nor `keyProvider` the keys are in clear files that only their owner can read: for development, and refused
 * with `TALOS_IDENTITY_DEV_IN_PRODUCTION` when NODE_ENV is production.
 */
export function nodeHome(options: NodeHomeOptions = {}): Home {
  const { dir, stateDir, ...parts } = homeParts(options);
  const key = readOnce(() => loadSessionKey(parts.keys));
  return {
    keys: parts.keys,
    sessions: (agent) => openSessions({ dir, stateDir, key, agent }),
    calls: (agent, env) => openCalls({ dir, key, agent, env }),
    about: ({ log, env }, name) => subjectLog({ log, env, privateStore: homeStoreOf(dir).privateStore }, name),
    log: (env) => {
      const shared =
        openLogs.get(dir) ??
        shareLog((lost) =>
          openProcessLog({
            env,
            openQueue: () => new IntentTable(path.join(dir, 'intents.db')),
            isFree: () => isLockFree(path.join(dir, 'audit.db-lock')),
            open: () => openWhole(dir, { ...parts, env, lost }),
            ...(parts.onLogError && { onError: parts.onLogError }),
          }),
        );
      openLogs.set(dir, shared);
      return shared;
    },
    state: (env) => {
      const shared = openStates.get(dir) ?? share(() => openState({ dir, stateDir, key: () => loadHomeKey(parts.keys, 'peers'), env }));
      openStates.set(dir, shared);
      return shared;
    },
  };
}

type StateInput = Omit<SessionsInput, 'agent'> & { readonly env: Env };

async function openState({ dir, stateDir, key, env }: StateInput): Promise<{ readonly value: HomeState; readonly close: () => Promise<void> }> {
  await fs.mkdir(dir, { recursive: true, mode: 0o700 });
  const state = new SqliteState({ path: path.join(dir, 'state.db'), env });
  try {
    const stores = {
      limits: sqliteLimitStore(state),
      replay: sqliteReplayStore(state),
      approvals: sqliteApprovalStore(state),
      revocations: sqliteRevocationStore(state),
      clock: sqliteClockStore(state),
      trust: sqliteTrustStore({ state, key, fence: await openPeerFence(path.join(stateDir, 'peers')) }),
    };
    const value = await openHomeState(stores, env);
    const end = keepUp(value, env);
    const close = async (): Promise<void> => {
      end();
      state.close();
    };
    return { value, close };
  } catch (error) {
    state.close();
    throw error;
  }
}

/** What a home is made of, for whoever opens its log in another way. */
export function homeParts(options: NodeHomeOptions) {
  const dir = path.resolve(options.dir ?? '.talos');
  const stateDir = stateDirOf(options, dir);
  const keys = fencedKeyStore(fileKeyStore({ dir: path.join(dir, 'keys'), protection: protectionOf(options) }), path.join(stateDir, 'identities'));
  return {
    dir,
    stateDir,
    keys,
    heads: fileSignedHeads(path.join(stateDir, 'heads')),
    openStore: () => openStore(dir, keys),
    ...(options.witnesses && { witnesses: options.witnesses }),
    ...(options.onLogError && { onLogError: options.onLogError }),
  };
}

async function openStore(dir: string, keys: KeyStore): Promise<OpenedStore> {
  await fs.mkdir(dir, { recursive: true, mode: 0o700 });
  const entries = await openSqliteAuditStore({ path: path.join(dir, 'audit.db') });
  try {
    const store = await withPrivateStore(entries, await openSqlitePrivateStore({ ...privateFiles(dir), subjectKey: () => loadHomeKey(keys, 'subjects') }));
    openStores.set(dir, store);
    const close = async (): Promise<void> => {
      openStores.delete(dir);
      await store.close();
    };
    return { store, cosignatures: entries, close };
  } catch (error) {
    await entries.close();
    throw error;
  }
}

/**
 * What a crash interrupted is completed before anybody uses the log. A reader that is in the way of emptying a file does not hold up the start:
 * keys and rows are gone, and the next erasure or start does the rest.
 */
async function openWhole(dir: string, options: HomeLogOptions): Promise<OpenedLog & { readonly log: TreeLog }> {
  const opened = await openHomeLog(options);
  try {
    await resumeErasures({ log: opened.log, store: homeStoreOf(dir), env: options.env }).catch((error: unknown) => {
      if (!StoreError.isInstance(error) || error.code !== 'TALOS_STORE_CONFLICT') throw error;
    });
    return opened;
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** The store under the open log of this folder. */
export function homeStoreOf(dir: string): PrivateAuditStore {
  const store = openStores.get(dir);
  if (store === undefined) throw new UsageError({ code: 'TALOS_USAGE_CLOSED', message: 'the log of this home is not open' });
  return store;
}

/** Payloads and the keys of persons, each in a file of its own beside the log. */
export function privateFiles(dir: string): { readonly path: string; readonly keysPath: string } {
  return { path: path.join(dir, 'payloads.db'), keysPath: path.join(dir, 'subjects.db') };
}

type SessionsInput = { readonly dir: string; readonly stateDir: string; readonly key: () => Promise<Uint8Array>; readonly agent: AgentId };

/** A connection for each client: SQLite serialises them as it does those of other processes. */
async function openSessions({ dir, stateDir, key: keyOf, agent }: SessionsInput): Promise<OpenedSessions> {
  for (const folder of [dir, stateDir]) await makeFolder(folder);
  const key = await keyOf();
  const sessions = await openSqliteSessions({ path: path.join(dir, 'sessions.db'), fencePath: path.join(stateDir, 'fence.db'), key });
  key.fill(0);
  return { ...sessions.of(agent), close: () => sessions.close() };
}

/** A connection for each client, as for its sessions. */
async function openCalls({ dir, key: keyOf, agent, env }: Omit<SessionsInput, 'stateDir'> & { readonly env: Env }): Promise<OpenedCalls> {
  await makeFolder(dir);
  const key = await keyOf();
  const calls = await openSqliteCalls({ path: path.join(dir, 'calls.db'), sinceMs: env.now(), key });
  key.fill(0);
  return { store: calls.of(agent), close: () => calls.close() };
}

/** Each caller gets a copy, to be wiped. A passphrase costs half a second each time. */
function readOnce(load: () => Promise<Uint8Array>): () => Promise<Uint8Array> {
  let loading: Promise<Uint8Array> | undefined;
  return async () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return Uint8Array.from(await loading);
  };
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await fs.mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new StoreError({
      code: 'TALOS_STORE_WRITE_FAILED',
      message: 'a folder of the home cannot be made: pass dir and stateDir that this user may write',
      cause,
    });
  }
}

function protectionOf({ passphrase, keyProvider }: NodeHomeOptions): KeyProtection {
  if (passphrase !== undefined && keyProvider !== undefined)
    throw new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: 'pass passphrase or keyProvider, not both' });
  if (passphrase !== undefined) {
    if (typeof passphrase !== 'string' || passphrase === '')
      throw new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: 'passphrase must be a text that is not empty' });
    return { passphrase };
  }
  return keyProvider === undefined ? { unsafeUnprotected: true } : { keyProvider };
}
