/**
 * Receiving: decrypt, commit, record, hand over; a frame that does not open changes nothing (docs/spec/04 §6.3).
 *
 * Frames come from strangers. What they cost until they are refused: a session id that is known, at most seven header trials; one that
 * is not, a look into the prekeys, and with good ids one handshake.
 * @module
 */
import { encodeBase64url } from '../bytes/base64url.ts';
import { equalBytes } from '../bytes/equal.ts';
import type { Env } from '../env/env.ts';
import { IdentityError } from '../errors/identity-error.ts';
import { SessionError } from '../errors/session-error.ts';
import type { Identity } from '../identity/identity.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { KeyHistory } from '../identity/key-history.ts';
import type { Meeting } from '../identity/peers.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import { acceptSession, type AcceptedSession, type OfferedPrekeys } from '../session/accept.ts';
import { badHandshake } from '../session/bad-handshake.ts';
import { authFailed, decodeFrame, hashFrame, hashHeader, type Frame } from '../session/frame.ts';
import { maxHeaderTrials, minHeaderTrials } from '../session/limits.ts';
import { decodeOpening, type SessionOpening } from '../session/opening.ts';
import { decodePrekey, isPrekeyOver } from '../session/prekeys.ts';
import { decryptMessage, identifyMessage } from '../session/session.ts';
import { encodeSkippedKey } from '../session/session-state-codec.ts';
import type { InboxRow, SessionStore, SessionWrites } from '../session/session-store.ts';
import type { SkippedChange } from '../session/skipped-keys.ts';
import type { Answers } from './answers.ts';
import { Budget } from './budget.ts';
import { decodeContents, type MessageContents } from './contents.ts';
import { nameOf } from './delivery.ts';
import { decodeHistory, readIntroduction, type Introduced } from './introduction.ts';
import type { MessageLog } from './message-log.ts';
import type { SerialQueue } from './serial-queue.ts';
import { isConflict, type LiveSession, type SessionPlace, type SessionTable } from './session-table.ts';

/** What became of a frame that is authentic. Any other is a SessionError. */
export type Receipt =
  | { readonly status: 'delivered'; readonly messageHash: string }
  /**
   * Its place was opened before; nothing to do. `isPeerRolledBack`: another message of the same place, made by the peer: its store was
   * brought back, and what it says here is lost until it opens a new session.
   */
  | { readonly status: 'duplicate'; readonly messageHash: string; readonly isPeerRolledBack?: true }
  /** Genuine, and more messages before it are missing than the bound allows. The peer is answered, so that its next chain heals. */
  | { readonly status: 'lost'; readonly messageHash: string; readonly lost: number }
  /** Opened, and nothing for the user: an empty step, or contents of a kind that this version does not know. */
  | { readonly status: 'silent'; readonly messageHash: string };

export type IncomingParts = {
  readonly identity: Identity;
  readonly table: SessionTable;
  readonly store: SessionStore;
  readonly env: Env;
  readonly log?: MessageLog | undefined;
  readonly sessions: SerialQueue;
  /** @throws {@link IdentityError} if no key speaks for this DID at this sequence. */
  readonly resolveKey: (did: AgentId, historySequence: number, offered?: KeyHistory) => Promise<Ed25519PublicKey>;
  /** Keeps what a peer proved of its keys. */
  readonly learn: (did: AgentId, met: Meeting) => Promise<void>;
  /** @throws {@link IdentityError} if this peer's identity was revoked or contradicts itself. */
  readonly requireUsable: (did: AgentId) => Promise<void>;
  /** A bundle for the session after this one. */
  readonly keepBundle: (from: AgentId, bundle: Uint8Array) => Promise<void>;
  readonly onError: (error: unknown) => void;
  readonly deliver: (row: InboxRow, redelivered: boolean) => void;
  readonly answers: Answers;
  /** What the peer has not acknowledged goes by this session from now on. */
  readonly adopt: (sessionId: string, peer: AgentId) => Promise<void>;
  readonly onAcknowledged: (acknowledgement: { readonly from: AgentId; readonly ids: readonly string[] }) => void;
  readonly onPeerRollback: (rollback: { readonly from: AgentId; readonly session: string }) => void;
  /** Messages that can never be opened, for who wants to know. */
  readonly onLost: (loss: { readonly from: AgentId; readonly lost: number }) => void;
};

/** What a frame led to inside the session's queue: the receipt, and what has to be recorded and handed over after it. */
type Committed = {
  readonly receipt: Receipt;
  readonly live?: LiveSession;
  readonly row?: InboxRow | undefined;
  readonly isOpened?: true;
  readonly place?: SessionPlace;
  /** A message that was committed before and whose record or handler had failed. */
  readonly repeated?: true;
};

/** Frames of a session that did not open, a minute: beyond it they get two header trials in place of seven. */
const garbageBounds = { limit: 200, windowMs: 60_000 };
/** Openings in one name that failed, a minute: two hundred cost a tenth of a second. */
const openingBounds = { limit: 200, windowMs: 60_000 };
/** Sessions by which one peer replaced others, an hour. */
const resetBounds = { limit: 20, windowMs: 3_600_000 };

/** An opened frame, of a session that was there or of one that it opens. */
type Opened = {
  readonly live?: LiveSession | undefined;
  readonly session: LiveSession['state'];
  readonly plaintext: Uint8Array;
  readonly chain: number;
  readonly number: number;
  readonly lost: number;
  readonly skipped: SkippedChange;
  readonly consumed: AcceptedSession['consumed'];
  readonly handshake?: Pick<SessionWrites, 'consumedOneTimeId' | 'seenEphemeral'>;
};

/** Owns the way of a frame from the transport to the inbox row; handing over is the delivery's. */
export class Incoming {
  readonly #parts: IncomingParts;
  /** The chain for which a session was last answered: a replayed genuine header gets no second answer. */
  readonly #answered = new Map<string, number>();
  readonly #garbage: Budget;
  readonly #openings: Budget;
  readonly #resets: Budget;

  constructor(parts: IncomingParts) {
    this.#parts = parts;
    this.#garbage = new Budget(garbageBounds, parts.env);
    this.#openings = new Budget(openingBounds, parts.env);
    this.#resets = new Budget(resetBounds, parts.env);
  }

  /**
   * @throws {@link SessionError} `TALOS_SESSION_AUTH_FAILED`, `_BAD_HANDSHAKE`, `_UNKNOWN` or `_WEAK_PEER_KEY`: nothing changed.
   * {@link StoreError} or the log's error: the frame may come again.
   */
  async receive(bytes: Uint8Array): Promise<Receipt> {
    const { history, body } = readFrame(bytes);
    const frame = decodeFrame(body);
    const sessionId = encodeBase64url(frame.sessionId);
    const arrival = { frame, history, messageHash: hashFrame(body), frameBytes: body.length };
    const committed = await this.#parts.sessions.run(sessionId, () => this.#parts.table.retrying(sessionId, (live) => this.#open(live, arrival)));
    await this.#record(committed, arrival);
    if (committed.row !== undefined) this.#parts.deliver(committed.row, committed.repeated === true);
    if (committed.row !== undefined && committed.repeated !== true) this.#parts.answers.arrived(sessionId, nameOf(committed.row));
    if (committed.place !== undefined) await this.#settle(committed);
    return committed.receipt;
  }

  async #open(live: LiveSession | undefined, arrival: Arrival): Promise<Committed> {
    if (live === undefined) return this.#accept(arrival);
    await this.#parts.requireUsable(live.state.peerDid);
    try {
      return await this.#openIn(live, arrival);
    } catch (error) {
      if (SessionError.isInstance(error) && error.code === 'TALOS_SESSION_DUPLICATE') return this.#repeat(live, arrival);
      if (SessionError.isInstance(error)) this.#garbage.spend(live.id);
      throw error;
    }
  }

  /** Decrypts on the live state, which stays as it is until the commit succeeded. */
  async #openIn(live: LiveSession, arrival: Arrival): Promise<Committed> {
    const maxTrials = this.#garbage.isSpent(live.id) ? minHeaderTrials : maxHeaderTrials;
    const opened = decryptMessage(live.state, arrival.frame, { now: () => this.#parts.env.now(), maxTrials });
    if (opened.lost > 0) this.#parts.onLost({ from: live.state.peerDid, lost: opened.lost });
    if (opened.plaintext !== undefined) return this.#commit({ ...opened, live, plaintext: opened.plaintext }, arrival);
    const { skipped, consumed, session } = opened;
    if (session.ratchet !== live.state.ratchet) await this.#parts.table.commit({ live, state: session, writes: skippedWrites(skipped), consumed });
    this.#answerOnce(live.id, opened.chain);
    return { receipt: { status: 'lost', messageHash: arrival.messageHash, lost: opened.lost } };
  }

  /** An empty step: it carries our new ratchet key, and the peer's next chain begins where both sides know it. */
  #answerOnce(sessionId: string, chain: number): void {
    if (this.#answered.get(sessionId) === chain) return;
    this.#answered.set(sessionId, chain);
    this.#parts.answers.answer(sessionId);
  }

  /** A session id that is not here: an opening, or nothing. */
  async #accept(arrival: Arrival): Promise<Committed> {
    if (arrival.frame.opening === undefined) throw new SessionError({ code: 'TALOS_SESSION_UNKNOWN', message: 'the frame is of no session that is here' });
    const opening = readOpening(arrival.frame.opening);
    const accepted = await this.#agree(opening, arrival);
    const place = await this.#parts.table.place(accepted.session);
    if (place.replaced.length > 0) this.#spendReset(opening.initiatorDid);
    const { retired: reason } = place;
    const session = reason === undefined ? accepted.session : { ...accepted.session, retired: { reason, at: this.#parts.env.now() } };
    try {
      const committed = await this.#commit({ ...accepted, session, handshake: handshakeWrites(accepted, opening) }, arrival);
      if (reason === undefined) this.#parts.table.prefer(session);
      return { ...committed, isOpened: true, place };
    } catch (error) {
      if (!isConflict(error)) throw error;
      // Either another process opened this very session, or its one-time pair or ephemeral key was used: a replay.
      const present = await this.#parts.store.load(encodeBase64url(arrival.frame.sessionId));
      if (present === undefined) throw badHandshake();
      throw error;
    }
  }

  /** In whose name strangers try is not known before the end: too many who fail in one name, and that name waits. */
  async #agree(opening: SessionOpening, { frame, history }: Arrival): Promise<AcceptedSession> {
    if (this.#openings.isSpent(opening.initiatorDid)) throw badHandshake();
    try {
      const prekeys = await this.#findPrekeys(opening);
      const offered = history === undefined ? undefined : decodeHistory(history);
      const initiatorKey = await this.#parts.resolveKey(opening.initiatorDid, opening.historySequence, offered);
      const accepted = acceptSession({ own: this.#parts.identity, frame, prekeys, initiatorKey }, this.#parts.env);
      await this.#parts.learn(opening.initiatorDid, { history: offered, agreementKey: opening.agreementKey });
      return accepted;
    } catch (error) {
      if (!SessionError.isInstance(error) && !IdentityError.isInstance(error)) throw error;
      this.#openings.spend(opening.initiatorDid);
      if (SessionError.isInstance(error)) throw error;
      // Who opened it learns nothing; we are told which key was missing.
      this.#parts.onError(error);
      throw badHandshake();
    }
  }

  /** Even the peer itself may not make us encrypt everything again all day. */
  #spendReset(peer: AgentId): void {
    if (this.#resets.isSpent(peer)) throw badHandshake();
    this.#resets.spend(peer);
  }

  /** After the new session is durable: those before it send no more, and what was not acknowledged in them goes by it. */
  async #settle({ live, place }: Committed): Promise<void> {
    const { sessions, table, adopt } = this.#parts;
    for (const { id } of place?.replaced ?? []) await sessions.run(id, () => table.retire(id, 'replaced'));
    for (const { id } of place?.yielded ?? []) await sessions.run(id, () => table.retire(id, 'yielded'));
    if (live !== undefined && place !== undefined && place.replaced.length > 0) await adopt(live.id, live.state.peerDid);
  }

  /** Read before anything is computed. An id that is gone is the sign of a replay, or of a bundle that is too old. */
  async #findPrekeys(opening: SessionOpening): Promise<OfferedPrekeys> {
    const { store, env } = this.#parts;
    const { signedPrekeyId, lastResortPrekeyId, oneTimePairId } = opening;
    const signed = (await store.prekey('signed', signedPrekeyId)) ?? refuse();
    const lastResort = (await store.prekey('lastResort', lastResortPrekeyId)) ?? refuse();
    const oneTime = oneTimePairId === undefined ? undefined : ((await store.prekey('oneTime', oneTimePairId)) ?? refuse());
    if (isPrekeyOver(signed, env.now())) throw badHandshake();
    return {
      signed: decodePrekey(signed, 'signed'),
      lastResort: decodePrekey(lastResort, 'lastResort'),
      oneTime: oneTime === undefined ? undefined : decodePrekey(oneTime, 'oneTime'),
    };
  }

  /** State, inbox row, dedupe key, skipped keys and consumed prekey: one commit. */
  async #commit(opened: Opened, { frame, messageHash, frameBytes }: Arrival): Promise<Committed> {
    const { env, table } = this.#parts;
    const { session, chain, number, live, consumed } = opened;
    const contents = tryDecode(opened.plaintext);
    const isForUser = contents !== undefined && isUsers(contents);
    await this.#takeAside(session.peerDid, contents);
    const keptRemoved = contents?.kind === 'step' ? contents.acknowledged : [];
    const sessionId = encodeBase64url(session.sessionId);
    const sessionVersion = (live?.version ?? 0) + 1;
    const named = { id: messageHash, sessionId, sessionVersion, from: session.peerDid, frameBytes, receivedAt: env.now() };
    const row = isForUser ? { ...named, contents: opened.plaintext } : undefined;
    const headerHash = hashHeader(frame);
    const writes = {
      ...skippedWrites(opened.skipped),
      ...opened.handshake,
      opened: { name: `${chain}/${number}`, headerHash },
      inbox: row === undefined ? [] : [row],
      keptRemoved,
    };
    // What still comes in keeps a retired session for a day more.
    const state = session.retired === undefined ? session : { ...session, retired: { ...session.retired, at: env.now() } };
    const next = await table.commit({ live, state, writes, consumed });
    if (keptRemoved.length > 0) this.#parts.onAcknowledged({ from: session.peerDid, ids: keptRemoved });
    return { receipt: { status: isForUser ? 'delivered' : 'silent', messageHash }, live: next, row };
  }

  /** Before the commit: a crash between the two must not lose a rotation. What proves nothing is reported, and changes nothing. */
  async #takeAside(from: AgentId, contents: MessageContents | undefined): Promise<void> {
    if (contents?.kind === 'bundle') await this.#parts.keepBundle(from, contents.bundle);
    if (contents?.kind !== 'keys') return;
    try {
      await this.#parts.learn(from, { history: decodeHistory(contents.history) });
    } catch (error) {
      if (!IdentityError.isInstance(error)) throw error;
      this.#parts.onError(error);
    }
  }

  /** A duplicate is nothing new, unless its first arrival was committed and then not recorded or not handled. */
  async #repeat(live: LiveSession, { frame, messageHash }: Arrival): Promise<Committed> {
    if (await this.#isAnother(live, frame)) {
      this.#parts.onPeerRollback({ from: live.state.peerDid, session: live.id });
      return { receipt: { status: 'duplicate', messageHash, isPeerRolledBack: true } };
    }
    const row = (await this.#parts.store.inbox()).find(({ id }) => id === messageHash);
    const receipt = { status: 'duplicate', messageHash } as const;
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

type Arrival = { readonly frame: Frame; readonly history: Uint8Array | undefined; readonly messageHash: string; readonly frameBytes: number };

/** To what is malformed the answer is that to a forged frame. */
function readFrame(bytes: Uint8Array): Introduced {
  try {
    return readIntroduction(bytes);
  } catch {
    throw authFailed();
  }
}

/** The rest is between the two ends. */
function isUsers({ kind }: MessageContents): boolean {
  return kind === 'text' || kind === 'data' || kind === 'again';
}

function readOpening(bytes: Uint8Array): SessionOpening {
  try {
    return decodeOpening(bytes);
  } catch {
    throw badHandshake();
  }
}

function handshakeWrites(
  { consumedOneTimeId, seenEphemeral }: AcceptedSession,
  { signedPrekeyId }: SessionOpening,
): Pick<SessionWrites, 'consumedOneTimeId' | 'seenEphemeral'> {
  if (consumedOneTimeId !== undefined) return { consumedOneTimeId };
  return seenEphemeral === undefined ? {} : { seenEphemeral: { signedPrekeyId, key: encodeBase64url(seenEphemeral) } };
}

/** Encoded before the commit wipes what was removed. */
function skippedWrites({ added, removed }: SkippedChange): Pick<SessionWrites, 'skippedAdded' | 'skippedRemoved'> {
  return { skippedAdded: added.map(encodeSkippedKey), skippedRemoved: removed.map(({ chain, number }) => ({ chain, number })) };
}

/** The frame was authentic, so its key is spent whatever it says. */
function tryDecode(plaintext: Uint8Array): MessageContents | undefined {
  try {
    const contents = decodeContents(plaintext);
    const inner = contents.kind === 'again' ? decodeContents(contents.contents) : contents;
    // Nothing is wrapped twice, and nothing but what was the user's.
    return contents !== inner && inner.kind !== 'text' && inner.kind !== 'data' ? undefined : contents;
  } catch {
    return undefined;
  }
}

function refuse(): never {
  throw badHandshake();
}
