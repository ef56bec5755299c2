/**
 * The session after this one (docs/spec/04 §6.8). A peer that still hears us past half of a session's life gives us a bundle in it; when the
 * session sends no more, the next message opens a new one with that bundle, or with one of the directory, and goes by it.
 * @module
 */
import { IdentityError } from '../errors/identity-error.ts';
import { SessionError } from '../errors/session-error.ts';
import { TransportError } from '../errors/transport-error.ts';
import type { Env } from '../env/env.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { Peers } from '../identity/peers.ts';
import { maxSentMessages, sessionLifeMs } from '../session/limits.ts';
import { isSessionOver } from '../session/session.ts';
import type { SessionState } from '../session/session-state.ts';
import { encodeContents } from './contents.ts';
import type { SessionTable } from './session-table.ts';

/** How long after the end of a session the bundle that came in it is good. */
const graceMs = 2 * 24 * 3_600_000;

export type RenewalParts = {
  readonly table: SessionTable;
  readonly peers: Peers;
  readonly env: Env;
  /** A bundle of ours for one peer. */
  readonly issueBundle: (validUntil: number) => Promise<Uint8Array>;
  readonly sendAside: (sessionId: string, contents: Uint8Array) => void;
  readonly establish: (peer: AgentId, bundle: Uint8Array) => Promise<unknown>;
  /** Absent without a directory. */
  readonly fetchBundle?: ((peer: AgentId) => Promise<Uint8Array>) | undefined;
  readonly onError: (error: unknown) => void;
};

/** What a session says that sends no more. */
const endings: ReadonlySet<string> = /* @__PURE__ */ new Set(['TALOS_SESSION_LIMIT', 'TALOS_SESSION_ROLLED_BACK']);

export class Renewals {
  readonly #parts: RenewalParts;
  /** Sessions in which we gave a bundle, in this run. */
  readonly #offered = new Set<string>();
  readonly #renewing = new Map<AgentId, Promise<boolean>>();

  constructor(parts: RenewalParts) {
    this.#parts = parts;
  }

  /** Whenever we answer in a session: once, past half of its life. */
  async offer(sessionId: string): Promise<void> {
    const { table, env, issueBundle, sendAside } = this.#parts;
    if (this.#offered.has(sessionId)) return;
    const live = await table.load(sessionId);
    if (live === undefined || live.state.retired !== undefined || !isHalfOver(live.state, env.now())) return;
    this.#offered.add(sessionId);
    sendAside(sessionId, encodeContents({ kind: 'bundle', bundle: await issueBundle(live.state.createdAt + sessionLifeMs + graceMs) }));
  }

  /** Whether what failed in this session can be tried again in a new one. Calls for one peer at one time share one handshake. */
  async mend(peer: AgentId, sessionId: string, error: unknown): Promise<boolean> {
    if (!SessionError.isInstance(error) || !endings.has(error.code)) return false;
    const present = this.#renewing.get(peer);
    if (present !== undefined) return present;
    if ((await this.#parts.table.preferred(peer)) !== sessionId) return true;
    if (error.code === 'TALOS_SESSION_LIMIT' && !(await this.#isOver(sessionId))) return false;
    const renewing = this.#renewing.get(peer) ?? this.#renew(peer).finally(() => this.#renewing.delete(peer));
    this.#renewing.set(peer, renewing);
    return renewing;
  }

  /** Other bounds end nothing: a message that is too long stays too long. */
  async #isOver(sessionId: string): Promise<boolean> {
    const live = await this.#parts.table.load(sessionId);
    return live !== undefined && isSessionOver(live.state, this.#parts.env.now());
  }

  async #renew(peer: AgentId): Promise<boolean> {
    const { peers, fetchBundle, establish, onError } = this.#parts;
    for (const source of [() => peers.takeBundle(peer), async () => fetchBundle?.(peer)]) {
      try {
        const bundle = await source();
        if (bundle === undefined) continue;
        await establish(peer, bundle);
        return true;
      } catch (error) {
        // A bundle that is too old by now, a relay that is away: who sends is told why the session sends no more.
        if (!IdentityError.isInstance(error) && !TransportError.isInstance(error)) throw error;
        onError(error);
      }
    }
    return false;
  }
}

function isHalfOver({ createdAt, sentCount, ratchet }: SessionState, now: number): boolean {
  const received = ratchet.receiving?.nextNumber ?? 0;
  return now - createdAt >= sessionLifeMs / 2 || Math.max(sentCount, received) >= maxSentMessages / 2;
}
