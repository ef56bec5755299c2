/**
 * Receiving: decrypt, commit, record, hand over; a frame that does not open changes nothing (docs/spec/04 §6.3). What waits of one session
 * shares one commit: a sync of the disk for each message would hold an agent at a few hundred a second.
 *
 * Frames come from strangers. What they cost until they are refused: a session id that is known, at most seven header trials; one that
 * is not, a look into the prekeys, and with good ids one handshake.
 * @module
 */
import { equalBytes } from '../bytes/equal.ts';
import { IdentityError } from '../errors/identity-error.ts';
import { SessionError } from '../errors/session-error.ts';
import { TalosError } from '../errors/talos-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { isRefusedForGood } from '../identity/peers.ts';
import { hashHeader, type Frame } from '../session/frame.ts';
import { maxHeaderTrials, minHeaderTrials } from '../session/limits.ts';
import { identifyMessage } from '../session/session.ts';
import type { SessionState } from '../session/session-state.ts';
import type { InboxRow } from '../session/session-store.ts';
import type { Answers } from './answers.ts';
import { Budget } from './budget.ts';
import { isRemote, nameOf } from './delivery.ts';
import type { MessageLog } from './message-log.ts';
import { openBatch, readArrival, type Arrival, type OpenedFrame } from './open-batch.ts';
import { Openings, type OpeningParts } from './openings.ts';
import { takeOwn, tellOwn } from './own-contents.ts';
import type { Committed, Receipt, Taking } from './receipt.ts';
import { RecentMap } from './recent-map.ts';
import type { LiveSession } from './session-table.ts';

export type IncomingParts = OpeningParts & {
  readonly log?: MessageLog | undefined;
  /** @throws {@link IdentityError} if this peer's identity was revoked or contradicts itself. */
  readonly requireUsable: (did: AgentId) => Promise<void>;
  /** @param recorded - Of its arrival; absent if it is recorded already. */
  readonly deliver: (row: InboxRow, redelivered: boolean, recorded?: Promise<void>) => void;
  readonly answers: Answers;
  readonly onPeerRollback: (rollback: { readonly from: AgentId; readonly session: string }) => void;
  /** Messages that can never be opened, for who wants to know. */
  readonly onLost: (loss: { readonly from: AgentId; readonly lost: number }) => void;
};

type Step = { readonly arrival: Arrival } & ({ readonly committed: Committed } | { readonly error: unknown });

/** Frames of a session that did not open, a minute: beyond it they get two header trials in place of seven. */
const garbageBounds = { limit: 200, windowMs: 60_000 };
/** Owns the way of a frame from the transport to the inbox row; handing over is the delivery's. */
export class Incoming {
  readonly #parts: IncomingParts;
  /** The chain for which a session was last answered: a replayed genuine header gets no second answer. */
  readonly #answered = new RecentMap<string, number>();
  readonly #garbage: Budget;
  readonly #openings: Openings;

  constructor(parts: IncomingParts) {
    this.#parts = parts;
    this.#garbage = new Budget(garbageBounds, parts.env);
    this.#openings = new Openings(parts);
  }

  /**
   * @throws {@link SessionError} `TALOS_SESSION_AUTH_FAILED`, `_BAD_HANDSHAKE`, `_UNKNOWN` or `_WEAK_PEER_KEY`: nothing changed.
   * {@link StoreError} or the log's error: the frame may come again.
   */
  async receive(bytes: Uint8Array): Promise<Receipt> {
    const [taking] = await this.#finish(await this.#commitRun([readArrival(bytes)]));
    if (taking === undefined || 'error' in taking) throw taking?.error;
    return taking.receipt;
  }

  /**
   * `receive` for frames that wait, in order. A frame that is refused for good takes nothing from the others; at the first one that is to
   * come again (`isRefusal` is false for its error) the list ends, and what is behind it comes again too.
   */
  async receiveAll(frames: readonly Uint8Array[]): Promise<readonly Taking[]> {
    const takings: Taking[] = [];
    for (let run = nextRun(frames, 0); run.length > 0; run = nextRun(frames, takings.length)) {
      takings.push(...(await this.#takeRun(run)));
      if (takings.some((taking) => 'error' in taking && !isRefusal(taking.error))) break;
    }
    return takings;
  }

  /** At least one frame of the run. One that the store does not take must not hold up those before it, so each is then tried by itself. */
  async #takeRun(run: readonly (Arrival | SessionError)[]): Promise<readonly Taking[]> {
    const arrivals = run.filter((each): each is Arrival => !SessionError.isInstance(each));
    if (arrivals.length < run.length) return run.slice(0, 1).map((error) => ({ error }));
    try {
      return await this.#finish(await this.#commitRun(arrivals));
    } catch (error) {
      const [first] = arrivals;
      if (arrivals.length === 1 || first === undefined) return [{ error }];
      return this.#takeRun([first]);
    }
  }

  /** Frames of one session: those that share a commit, or only the first if the session is not there yet. */
  #commitRun(arrivals: readonly Arrival[]): Promise<readonly Step[]> {
    const { sessions, table } = this.#parts;
    const { sessionId } = arrivals[0] as Arrival;
    return sessions.run(sessionId, () =>
      table.retrying(sessionId, async (live) => {
        const [arrival] = arrivals as readonly [Arrival];
        if (live === undefined) return [await attempt(arrival, () => this.#openings.accept(arrival))];
        const refused = await this.#unusable(live.state.peerDid);
        return refused === undefined ? this.#openAll(live, arrivals) : arrivals.map((each) => ({ arrival: each, error: refused }));
      }),
    );
  }

  /** A peer whose identity was revoked, or contradicts itself, says nothing more. */
  async #unusable(peer: AgentId): Promise<IdentityError | undefined> {
    try {
      await this.#parts.requireUsable(peer);
      return undefined;
    } catch (error) {
      if (IdentityError.isInstance(error)) return error;
      throw error;
    }
  }

  /** Decrypts on the live state, which stays as it is until the commit succeeded. */
  async #openAll(live: LiveSession, arrivals: readonly Arrival[]): Promise<readonly Step[]> {
    const { env, table, onLost } = this.#parts;
    const budget = { maxTrials: () => (this.#garbage.isSpent(live.id) ? minHeaderTrials : maxHeaderTrials), spend: () => this.#garbage.spend(live.id) };
    const batch = openBatch(arrivals, { state: live.state, version: live.version, now: env.now(), budget });
    const { writes, consumed } = batch;
    const from = live.state.peerDid;
    for (const contents of batch.own) await takeOwn(from, contents, this.#parts);
    const next = batch.isChanged ? await table.commit({ live, state: stillThere(batch.state, env.now()), writes, consumed }) : live;
    if (batch.lost > 0) onLost({ from, lost: batch.lost });
    for (const contents of batch.own) tellOwn(from, contents, this.#parts);
    const inbox = batch.frames.some(({ kind }) => kind === 'duplicate') ? await this.#parts.store.inbox() : [];
    const steps: Step[] = [];
    for (const [i, frame] of batch.frames.entries()) {
      const arrival = arrivals[i] as Arrival;
      if (frame.kind === 'refused') steps.push({ arrival, error: frame.error });
      else if (frame.kind === 'duplicate') steps.push({ arrival, committed: await this.#repeat(next, arrival, { inbox, batch: arrivals.slice(0, i) }) });
      else steps.push({ arrival, committed: this.#committed(next, arrival, frame) });
    }
    return steps;
  }

  #committed(live: LiveSession, { messageHash }: Arrival, frame: Extract<OpenedFrame, { readonly kind: 'message' | 'lost' }>): Committed {
    if (frame.kind === 'message') return { receipt: { status: frame.row === undefined ? 'silent' : 'delivered', messageHash }, live, row: frame.row };
    this.#parts.onLost({ from: live.state.peerDid, lost: frame.lost });
    this.#answerOnce(live.id, frame.chain);
    return { receipt: { status: 'lost', messageHash, lost: frame.lost } };
  }

  /** Recorded together, then handed over in order; after the first that could not be recorded nothing is. */
  async #finish(steps: readonly Step[]): Promise<readonly Taking[]> {
    const recording = steps.map(async (step) => ('committed' in step ? this.#record(step.committed, step.arrival) : undefined));
    const begun = new Set(steps.filter((step, i) => 'committed' in step && this.#begin(step.committed, recording[i] as Promise<void>)));
    const records = await Promise.allSettled(recording);
    const takings: Taking[] = [];
    for (const [i, step] of steps.entries()) {
      const record = records[i] as PromiseSettledResult<void>;
      if (record.status === 'rejected') return [...takings, { error: record.reason }];
      takings.push('error' in step ? step : { receipt: step.committed.receipt });
      if ('committed' in step) await this.#handOver(step.committed, begun.has(step));
    }
    return takings;
  }

  /** What is for remote calls is read and verified meanwhile; it waits for the record before anything comes of it. A first message has its record last. */
  #begin({ row, repeated, isOpened }: Committed, recorded: Promise<void>): boolean {
    if (row === undefined || repeated === true || isOpened === true || !isRemote(row)) return false;
    this.#parts.deliver(row, false, recorded);
    return true;
  }

  async #handOver(committed: Committed, isBegun: boolean): Promise<void> {
    const { row, repeated, place } = committed;
    if (row !== undefined && !isBegun) this.#parts.deliver(row, repeated === true);
    if (row !== undefined && repeated !== true) this.#parts.answers.arrived(row.sessionId, nameOf(row));
    if (place !== undefined) await this.#openings.settle(committed);
  }

  /** An empty step: it carries our new ratchet key, and the peer's next chain begins where both sides know it. */
  #answerOnce(sessionId: string, chain: number): void {
    if (this.#answered.get(sessionId) === chain) return;
    this.#answered.set(sessionId, chain);
    this.#parts.answers.answer(sessionId);
  }

  /** A duplicate is nothing new, unless its first arrival was committed and then not recorded or not handled. */
  async #repeat(live: LiveSession, { frame, messageHash }: Arrival, { inbox, batch }: Known): Promise<Committed> {
    if (await this.#isAnother(live, frame)) {
      this.#parts.onPeerRollback({ from: live.state.peerDid, session: live.id });
      return { receipt: { status: 'duplicate', messageHash, isPeerRolledBack: true } };
    }
    const receipt = { status: 'duplicate', messageHash } as const;
    // Twice in one batch: its first arrival is on its way to the handler, and comes again with this one if it does not get there.
    const row = batch.some((each) => each.messageHash === messageHash) ? undefined : inbox.find(({ id }) => id === messageHash);
    return row === undefined ? { receipt } : { receipt, live, row, repeated: true };
  }

  /** A header that opens, for a place that was opened under another header. Only the peer can have made both. */
  async #isAnother(live: LiveSession, frame: Frame): Promise<boolean> {
    const place = identifyMessage(live.state, frame, this.#parts.env);
    if (place === undefined) return false;
    const before = await this.#parts.store.opened(live.id, `${place.chain}/${place.number}`);
    return before !== undefined && !equalBytes(before, hashHeader(frame));
  }

  /** Messages that an earlier run committed and did not finish. */
  async resume(): Promise<void> {
    for (const row of await this.#parts.store.inbox()) {
      const entry = { type: 'message.in', peer: row.from, session: row.sessionId, sessionVersion: row.sessionVersion } as const;
      await this.#parts.log?.append({ ...entry, messageHash: row.id, frameBytes: row.frameBytes, repeated: true });
      this.#parts.deliver(row, true);
    }
  }

  /** After the commit, before the handler. If it rejects, the frame comes again as a duplicate and is recorded then. */
  async #record({ live, isOpened, repeated }: Committed, { messageHash, frameBytes }: Arrival): Promise<void> {
    const { log } = this.#parts;
    if (live === undefined || log === undefined) return;
    const { role, mode, peerDid } = live.state;
    const base = { peer: peerDid, session: live.id, sessionVersion: live.version };
    if (isOpened === true) await log.append({ type: 'session.open', ...base, role, mode });
    const entry = { type: 'message.in', ...base, messageHash, frameBytes } as const;
    await log.append(repeated === true ? { ...entry, repeated } : entry);
  }
}

/** What a repeat is held against: rows that are not handled yet, and what came before it in its own batch. */
type Known = { readonly inbox: readonly InboxRow[]; readonly batch: readonly Arrival[] };

/** From `start` on, frames of one session; or one frame that has not the form of one. */
function nextRun(frames: readonly Uint8Array[], start: number): readonly (Arrival | SessionError)[] {
  const run: Arrival[] = [];
  for (const bytes of frames.slice(start)) {
    const arrival = readFrame(bytes);
    if (SessionError.isInstance(arrival)) return run.length > 0 ? run : [arrival];
    if (run.length > 0 && arrival.sessionId !== run[0]?.sessionId) break;
    run.push(arrival);
  }
  return run;
}

function readFrame(bytes: Uint8Array): Arrival | SessionError {
  try {
    return readArrival(bytes);
  } catch (error) {
    if (SessionError.isInstance(error)) return error;
    throw error;
  }
}

async function attempt(arrival: Arrival, run: () => Promise<Committed>): Promise<Step> {
  try {
    return { arrival, committed: await run() };
  } catch (error) {
    if (SessionError.isInstance(error)) return { arrival, error };
    throw error;
  }
}

/** What still comes in keeps a retired session for a day more. */
function stillThere(state: SessionState, now: number): SessionState {
  return state.retired === undefined ? state : { ...state, retired: { ...state.retired, at: now } };
}

/** What no second try can change. Everything else, also what we did not foresee, waits in the mailbox. */
export function isRefusal(error: unknown): boolean {
  return isRefusedForGood(error) || (TalosError.isInstance(error) && refusals.has(error.code));
}

const refusals: ReadonlySet<string> = /* @__PURE__ */ new Set([
  'TALOS_SESSION_AUTH_FAILED',
  'TALOS_SESSION_UNKNOWN',
  'TALOS_SESSION_BAD_HANDSHAKE',
  'TALOS_SESSION_WEAK_PEER_KEY',
]);
