/** The sessions in memory, each with the version of the store it stands on; every change goes through one commit. @module */
import { encodeBase64url } from '../bytes/base64url.ts';
import { equalBytes } from '../bytes/equal.ts';
import type { Env } from '../env/env.ts';
import { SessionError } from '../errors/session-error.ts';
import { StoreError } from '../errors/store-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { Secret } from '../primitives/secret.ts';
import type { RollbackFence } from '../session/fence.ts';
import { clockSkewMs, retiredLifeMs } from '../session/limits.ts';
import type { RetiredReason, SessionState } from '../session/session-state.ts';
import { decodeSessionState, encodeSessionState } from '../session/session-state-codec.ts';
import type { SessionStore, SessionWrites } from '../session/session-store.ts';
import { RecentMap } from './recent-map.ts';

export type LiveSession = {
  /** The session id, base64url. */
  readonly id: string;
  readonly version: number;
  readonly state: SessionState;
  /** The fence is ahead of the store: sending would walk a chain a second time. */
  readonly isRolledBack: boolean;
};

export type SessionPlace = {
  /** Why it opens what comes in and does not send; `undefined` if it does. */
  readonly retired: RetiredReason | undefined;
  /** Given up by the peer: what it has not acknowledged goes by the new one. */
  readonly replaced: readonly LiveSession[];
  /** Opened by us at the same time: the peer opens what is on its way in them. */
  readonly yielded: readonly LiveSession[];
};

export type TableCommit = {
  /** What it stands on; absent for a new session. */
  readonly live?: LiveSession | undefined;
  readonly state: SessionState;
  readonly writes: Omit<SessionWrites, 'state' | 'peer'>;
  /** Wiped when the commit is durable. */
  readonly consumed: readonly Secret[];
};

/**
 * Another process may win a commit; each time we reload and do the work again on what it left. A busy one wins several in a row, since it need
 * not reload: four tries would lose one send in twenty to it.
 */
const maxAttempts = 32;

/** Sessions held open in memory, at about 15 kB each: the ones used last. The rest is in the store, and comes back from it with its version. */
const maxLive = 2048;

/** No session reaches this version. */
const quarantined = Number.MAX_SAFE_INTEGER;

/** The cache is only ever behind the store, never ahead of it: a commit that fails leaves both as they were. */
export class SessionTable {
  readonly #store: SessionStore;
  readonly #fence: RollbackFence | undefined;
  readonly #env: Env;
  readonly #live = new RecentMap<string, LiveSession>(maxLive);
  /** By peer. What was forgotten is asked of the store. */
  readonly #preferred = new RecentMap<AgentId, string>();

  constructor({ store, fence, env }: { readonly store: SessionStore; readonly fence: RollbackFence | undefined; readonly env: Env }) {
    this.#store = store;
    this.#fence = fence;
    this.#env = env;
  }

  /** `undefined` if there is no such session, or its day as a retired one is over. @throws {@link SessionError} `TALOS_SESSION_BAD_STATE`. */
  async load(id: string): Promise<LiveSession | undefined> {
    const live = this.#live.get(id) ?? (await this.#read(id));
    const retired = live?.state.retired;
    if (retired === undefined || this.#env.now() - retired.at <= retiredLifeMs) return live;
    this.#live.delete(id);
    await this.#store.removeSession(id);
    return undefined;
  }

  async #read(id: string): Promise<LiveSession | undefined> {
    // Read first: a commit of another process between the two would make an honest store look old.
    const fenced = (await this.#fence?.read(id)) ?? 0;
    const stored = await this.#store.load(id);
    if (stored === undefined) return undefined;
    const isRolledBack = fenced > stored.version;
    // For good: what still comes in is committed under higher versions, and would lift the store over the fence some day.
    if (isRolledBack) await this.#fence?.raise(id, quarantined);
    const live = { id, version: stored.version, state: decodeSessionState(stored.state, stored.skipped), isRolledBack };
    stored.state.fill(0);
    this.#live.set(id, live);
    return live;
  }

  /** The session that sends to this peer. @throws {@link SessionError} `TALOS_SESSION_UNKNOWN`. */
  async preferred(peer: AgentId): Promise<string> {
    const id = this.#preferred.get(peer) ?? (await this.sending(peer)).at(-1)?.id;
    if (id === undefined)
      throw new SessionError({ code: 'TALOS_SESSION_UNKNOWN', message: 'no session with this peer: call establishSession with its bundle first' });
    this.#preferred.set(peer, id);
    return id;
  }

  /** The sessions with this peer that no other has replaced, oldest first. */
  async sending(peer: AgentId): Promise<readonly LiveSession[]> {
    const all: LiveSession[] = [];
    for (const id of await this.#store.sessionsWith(peer)) {
      const live = await this.load(id);
      // A store names the peer in a row, the sealed state says who it is: what is for one must not be encrypted for another.
      if (live !== undefined && live.state.peerDid !== peer) throw misplaced();
      if (live !== undefined && live.state.retired === undefined) all.push(live);
    }
    return all;
  }

  /** A session of our own making sends from now on. */
  prefer(state: SessionState): void {
    this.#preferred.set(state.peerDid, encodeBase64url(state.sessionId));
  }

  /**
   * Where a session that the peer just opened stands. It sends from now on, unless it was held back on its way and a later one is here, or we
   * opened one at the same time, to which the peer has not answered, and whose id is smaller: both sides then choose the same one, and either
   * still opens what comes in the other.
   */
  async place(opened: SessionState): Promise<SessionPlace> {
    const { peerDid, sessionId, supersedes } = opened;
    const present = await this.sending(peerDid);
    if (present.some(({ state }) => isSame(state.supersedes, sessionId) || isOpenedLater(state, opened)))
      return { retired: 'replaced', replaced: [], yielded: [] };
    // The peer knew those that it had answered: if it opens another, it has given them up or lost them.
    const replaced = present.filter(({ state }) => state.unanswered === undefined || isSame(supersedes, state.sessionId));
    const crossing = present.filter((live) => !replaced.includes(live));
    const isRetired = crossing.some(({ state }) => isSmaller(state.sessionId, sessionId));
    return { retired: isRetired ? 'yielded' : undefined, replaced, yielded: isRetired ? [] : crossing };
  }

  /** Store, then fence, then memory. Nothing here changes if the store refuses. */
  async commit({ live, state, writes, consumed }: TableCommit): Promise<LiveSession> {
    const id = encodeBase64url(state.sessionId);
    const version = await this.#store.commit(id, live?.version ?? 0, { ...writes, state: encodeSessionState(state), peer: state.peerDid });
    const next = { id, version, state, isRolledBack: live?.isRolledBack ?? false };
    this.#live.set(id, next);
    await this.#fence?.raise(id, version);
    for (const secret of consumed) secret.wipe();
    return next;
  }

  /** It sends no more, and opens stragglers for a day. Call it from the session's queue. */
  async retire(id: string, reason: RetiredReason): Promise<void> {
    await this.retrying(id, async (live) => {
      if (live === undefined || live.state.retired !== undefined) return;
      if (this.#preferred.get(live.state.peerDid) === id) this.#preferred.delete(live.state.peerDid);
      await this.commit({ live, state: { ...live.state, retired: { reason, at: this.#env.now() } }, writes: {}, consumed: [] });
    });
  }

  /** Runs `work` on the present state, again after each lost race. Call it from the session's queue. */
  async retrying<T>(id: string, work: (live: LiveSession | undefined) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work(await this.load(id));
      } catch (error) {
        // What is in memory is behind the store; keys of the lost attempt were never used on the wire.
        if (!isConflict(error)) throw error;
        this.#live.delete(id);
        if (attempt === maxAttempts) throw error;
      }
    }
  }
}

/** Somebody else was first; nothing of ours was kept. */
export function isConflict(error: unknown): boolean {
  return StoreError.isInstance(error) && error.code === 'TALOS_STORE_CONFLICT';
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && equalBytes(a, b);
}

/**
 * Whether the peer opened this one after the other. However many were lost between the two: their names are not all known, their times are.
 * Of one that we opened ourselves, the peer's clock says nothing unless it answered it.
 */
function isOpenedLater(present: SessionState, opened: SessionState): boolean {
  if (isSame(opened.supersedes, present.sessionId)) return false;
  if (present.role === 'responder') return present.openedAt > opened.openedAt;
  return present.unanswered === undefined && present.openedAt > opened.openedAt + clockSkewMs;
}

function misplaced(): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CORRUPT', message: 'a stored session was put under another peer' });
}

/** By bytes, as both sides see them; session ids are public. */
function isSmaller(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] as number) < (b[i] as number);
  return false;
}
