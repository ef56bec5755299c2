/** Where an agent keeps what it must not lose. @module */
import { importEd25519SecretKey } from '#suite';
import type { AuditLog, TreeLog } from '../audit/audit-log.ts';
import type { CosignatureStore } from '../audit/cosignature-store.ts';
import type { Witness } from '../audit/witness.ts';
import type { AuditStore } from '../audit/audit-store.ts';
import { memoryAuditStore } from '../audit/memory-audit-store.ts';
import type { SignedHeads } from '../audit/signed-heads.ts';
import type { Env } from '../env/env.ts';
import { UsageError } from '../errors/usage-error.ts';
import { keyThumbprint, type AgentId } from '../identity/agent-id.ts';
import type { KeyStore } from '../identity/key-store.ts';
import { memoryKeyStore } from '../identity/memory-key-store.ts';
import { localSigner, type Signer } from '../identity/signer.ts';
import type { CallStore } from '../remote/call-store.ts';
import type { RollbackFence } from '../session/fence.ts';
import type { SessionStore } from '../session/session-store.ts';
import type { HomeState, HomeStores, SharedState } from './home-state.ts';
import { share, shareLog, type OpenedLog, type SharedLog } from './shared-log.ts';

/** Where one agent's sessions are, open. */
export type OpenedSessions = { readonly store: SessionStore; readonly fence: RollbackFence; readonly close: () => Promise<void> };

/** Where one agent's served calls are, open. */
export type OpenedCalls = { readonly store: CallStore; readonly close: () => Promise<void> };
/** Where the rights of a home's agents are counted and taken back, open. */
export type OpenedState = { readonly stores: HomeStores; readonly close: () => Promise<void> };

/** What a home is assembled from. Sessions and rights are in memory unless it is said where. */
export type HomeParts = Omit<HomeLogOptions, 'env' | 'lost'> & {
  /** Opens the sessions of one agent; whoever asked closes them. */
  readonly openSessions?: (agent: AgentId) => Promise<OpenedSessions>;
  /** Called when the first client needs it; what it gave is closed after the last one. */
  readonly openState?: (env: Env) => Promise<OpenedState>;
  /** Opens the log by `open`, or joins the process that has it open. Default: the log of a home is opened by one process. */
  readonly openLog?: (parts: { readonly env: Env; readonly open: () => Promise<OpenedLog & { readonly log: TreeLog }> }) => Promise<OpenedLog>;
};

/** Keys, one log and the sessions, shared by every client that is created with it. */
export interface Home {
  readonly keys: KeyStore;
  /** The sessions of one agent of this home, opened on first use and closed by whoever opened them. */
  sessions(agent: AgentId): Promise<OpenedSessions>;
  /** The log of this home, opened on first use. */
  log(env: Env): SharedLog;
  /** The calls that one agent of this home was asked to run. Without it they are kept in memory, for one client: what came before it is refused. */
  calls?(agent: AgentId, env: Env): Promise<OpenedCalls>;
  /** What limits, proofs, approvals and revocations have come to. Without it they are kept in memory, for one client. */
  state?(env: Env): SharedState;
  /** The open log for entries about one person, whose payloads can be erased together (docs/spec/10). Absent where nothing can be erased. */
  about?(parts: { readonly log: AuditLog; readonly env: Env }, name: string): Pick<AuditLog, 'append'>;
}

/** A home that is gone with the process: the default of `TalosClient.create`. */
export function memoryHome(): Home {
  const keys = memoryKeyStore();
  // Kept open between clients: closing a memory store would forget the log.
  const opened = { store: memoryAuditStore(), close: async () => undefined };
  return assembleHome({ keys, openStore: async () => opened });
}

/**
 * A home of parts that Talos does not bring: any key store, any audit store.
 * @param parts - `openStore` is called when the first client needs the log; what it gave is closed after the last one. `heads` remembers what was
 * signed, apart from the store.
 */
export function assembleHome(parts: HomeParts): Home {
  const { openState } = parts;
  let shared: SharedLog | undefined;
  let state: SharedState | undefined;
  const sessions = new Map<AgentId, Promise<OpenedSessions>>();
  const calls = new Map<AgentId, Promise<OpenedCalls>>();
  const sessionsOf = (agent: AgentId): Promise<OpenedSessions> => {
    const present = sessions.get(agent) ?? openInMemory();
    sessions.set(agent, present);
    return present;
  };
  return {
    keys: parts.keys,
    sessions: parts.openSessions ?? sessionsOf,
    calls: (agent, env) => {
      const present = calls.get(agent) ?? openCallsInMemory(env);
      calls.set(agent, present);
      return present;
    },
    log: (env) =>
      (shared ??= shareLog((lost) => {
        const open = () => openHomeLog({ ...parts, env, lost });
        return parts.openLog === undefined ? open() : parts.openLog({ env, open });
      })),
    state: (env) => (state ??= openState === undefined ? memoryState(env) : storedState(() => openState(env), env)),
  };
}

/** Imported when a session is first used: the package root loads no session code. */
async function openInMemory(): Promise<OpenedSessions> {
  const [{ memorySessionStore }, { memoryFence }] = await Promise.all([import('../session/memory-session-store.ts'), import('../session/fence.ts')]);
  return { store: memorySessionStore(), fence: memoryFence(), close: async () => undefined };
}

async function openCallsInMemory(env: Env): Promise<OpenedCalls> {
  const { memoryCallStore } = await import('../remote/memory-call-store.ts');
  return { store: memoryCallStore(env), close: async () => undefined };
}

/** Kept between clients as well: what was spent stays spent. */
export function memoryState(env: Env): SharedState {
  let opened: Promise<HomeState> | undefined;
  return share(async () => {
    opened ??= openStateInMemory(env);
    return { value: await opened, close: async () => undefined };
  });
}

/** Asks all the while what other processes took back, for the calls in flight. */
function storedState(open: () => Promise<OpenedState>, env: Env): SharedState {
  return share(async () => {
    const [{ openHomeState }, { keepUp }] = await Promise.all([import('./home-state.ts'), import('./keep-up.ts')]);
    const { stores, close } = await open();
    try {
      const value = await openHomeState(stores, env);
      const end = keepUp(value, env);
      const closeAll = async (): Promise<void> => {
        end();
        await close();
      };
      return { value, close: closeAll };
    } catch (error) {
      await close();
      throw error;
    }
  });
}

/** Imported with the first client, not with the package. */
async function openStateInMemory(env: Env): Promise<HomeState> {
  const { memoryStores, openHomeState } = await import('./home-state.ts');
  return openHomeState(memoryStores(env), env);
}

/** `cosignatures`: where it keeps what witnesses answer; needed if there are any. */
export type OpenedStore = { readonly store: AuditStore; readonly cosignatures?: CosignatureStore; readonly close: () => Promise<void> };

export type HomeLogOptions = {
  readonly keys: KeyStore;
  readonly env: Env;
  readonly openStore: () => Promise<OpenedStore>;
  readonly heads?: SignedHeads;
  readonly lost?: number;
  /** Asked for cosignatures at each checkpoint of the log. */
  readonly witnesses?: readonly Witness[];
  /** What fails in the log where nobody waits: a witness, a checkpoint of the interval. */
  readonly onLogError?: (error: unknown) => void;
};

/** Opens the log of a home under the home's own log key, which is drawn on first use. */
export async function openHomeLog(options: HomeLogOptions): Promise<OpenedLog & { readonly log: TreeLog }> {
  const { env, heads, lost, witnesses, onLogError } = options;
  const signer = await loadLogSigner(options.keys, env);
  const { store, cosignatures, close } = await options.openStore();
  try {
    if (witnesses !== undefined && cosignatures === undefined)
      throw new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: 'this store keeps no cosignatures: openStore must give them for witnesses to be asked' });
    const { openTreeLog } = await import('../audit/audit-log.ts');
    const log = await openTreeLog({
      store,
      signer,
      origin: logOrigin(signer),
      env,
      ...(heads && { heads }),
      ...(lost !== undefined && { lost }),
      ...(witnesses && cosignatures && { witnesses: { list: witnesses, cosignatures } }),
      ...(onLogError && { onError: onLogError }),
    });
    const closeBoth = async (): Promise<void> => {
      try {
        await log.close();
      } finally {
        await close();
      }
    };
    return { log, close: closeBoth };
  } catch (error) {
    await close();
    throw error;
  }
}

const logRecord = 'log';

export async function loadLogSigner(keys: KeyStore, env: Env): Promise<Signer> {
  const kept = await keys.load(logRecord);
  const seed = kept ?? env.randomBytes(32);
  if (kept === undefined) await keys.save(logRecord, seed, 'absent');
  const signer = localSigner(importEd25519SecretKey(seed));
  seed.fill(0);
  return signer;
}

const keyOrigins = 'talos.local/log/';

/** A log without a name of its own is named by its key, so that no two are alike. */
export function logOrigin({ publicKey }: Pick<Signer, 'publicKey'>): string {
  return `${keyOrigins}${keyThumbprint(publicKey)}`;
}

/** Whether an origin says which key it is of. */
export function isNamedByKey(origin: string): boolean {
  return origin.startsWith(keyOrigins);
}
