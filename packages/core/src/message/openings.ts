/** Frames that open a session (docs/spec/04 §6.3). They come from strangers: what is cheap to ask is asked first. @module */
import { encodeBase64url } from '../bytes/base64url.ts';
import type { Env } from '../env/env.ts';
import { IdentityError } from '../errors/identity-error.ts';
import { SessionError } from '../errors/session-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { Identity } from '../identity/identity.ts';
import type { KeyHistory } from '../identity/key-history.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import { acceptSession, type AcceptedSession, type OfferedPrekeys } from '../session/accept.ts';
import { badHandshake } from '../session/bad-handshake.ts';
import { hashHeader } from '../session/frame.ts';
import { decodeOpening, type SessionOpening } from '../session/opening.ts';
import { decodePrekey, isPrekeyOver } from '../session/prekeys.ts';
import type { SessionStore, SessionWrites } from '../session/session-store.ts';
import { Budget } from './budget.ts';
import { isOwn } from './contents.ts';
import { decodeHistory } from './introduction.ts';
import { readContents, skippedWrites, type Arrival } from './open-batch.ts';
import { takeOwn, tellOwn, type OwnContentsParts } from './own-contents.ts';
import type { Committed } from './receipt.ts';
import type { SerialQueue } from './serial-queue.ts';
import { isConflict, type SessionTable } from './session-table.ts';

export type OpeningParts = OwnContentsParts & {
  readonly identity: Identity;
  readonly table: SessionTable;
  readonly store: SessionStore;
  readonly env: Env;
  readonly sessions: SerialQueue;
  /** @throws {@link IdentityError} if no key speaks for this DID at this sequence. */
  readonly resolveKey: (did: AgentId, historySequence: number, offered?: KeyHistory) => Promise<Ed25519PublicKey>;
  /** What the peer has not acknowledged goes by this session from now on. */
  readonly adopt: (sessionId: string, peer: AgentId) => Promise<void>;
};

/** Openings in one name that failed, a minute: two hundred cost a tenth of a second. */
const openingBounds = { limit: 200, windowMs: 60_000 };
/** Sessions that one peer opened beside others, in their place or late, an hour. */
const resetBounds = { limit: 20, windowMs: 3_600_000 };

/** Owns the way of a frame that opens a session to its first commit. */
export class Openings {
  readonly #parts: OpeningParts;
  readonly #failed: Budget;
  readonly #resets: Budget;

  constructor(parts: OpeningParts) {
    this.#parts = parts;
    this.#failed = new Budget(openingBounds, parts.env);
    this.#resets = new Budget(resetBounds, parts.env);
  }

  /** A session id that is not here: an opening, or nothing. */
  async accept(arrival: Arrival): Promise<Committed> {
    if (arrival.frame.opening === undefined) throw new SessionError({ code: 'TALOS_SESSION_UNKNOWN', message: 'the frame is of no session that is here' });
    const opening = readOpening(arrival.frame.opening);
    const accepted = await this.#agree(opening, arrival);
    const place = await this.#parts.table.place(accepted.session);
    const { retired: reason } = place;
    // One that comes late replaces nothing, and is kept all the same.
    if (place.replaced.length > 0 || reason !== undefined) this.#spendReset(opening.initiatorDid);
    const session = reason === undefined ? accepted.session : { ...accepted.session, retired: { reason, at: this.#parts.env.now() } };
    try {
      const committed = await this.#commitFirst({ ...accepted, session, handshake: handshakeWrites(accepted, opening) }, arrival);
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

  /** After the new session is durable: those before it send no more, and what was not acknowledged in them goes by it. */
  async settle({ live, place }: Committed): Promise<void> {
    const { sessions, table, adopt } = this.#parts;
    for (const { id } of place?.replaced ?? []) await sessions.run(id, () => table.retire(id, 'replaced'));
    for (const { id } of place?.yielded ?? []) await sessions.run(id, () => table.retire(id, 'yielded'));
    if (live !== undefined && place !== undefined && place.replaced.length > 0) await adopt(live.id, live.state.peerDid);
  }

  /** In whose name strangers try is not known before the end: too many who fail in one name, and that name waits. */
  async #agree(opening: SessionOpening, { frame, history }: Arrival): Promise<AcceptedSession> {
    if (this.#failed.isSpent(opening.initiatorDid)) throw badHandshake();
    try {
      const prekeys = await this.#findPrekeys(opening);
      const offered = history === undefined ? undefined : decodeHistory(history);
      const initiatorKey = await this.#parts.resolveKey(opening.initiatorDid, opening.historySequence, offered);
      const accepted = acceptSession({ own: this.#parts.identity, frame, prekeys, initiatorKey }, this.#parts.env);
      await this.#parts.learn(opening.initiatorDid, { history: offered, agreementKey: opening.agreementKey });
      return accepted;
    } catch (error) {
      if (!SessionError.isInstance(error) && !IdentityError.isInstance(error)) throw error;
      this.#failed.spend(opening.initiatorDid);
      if (SessionError.isInstance(error)) throw error;
      // Who opened it learns nothing; we are told which key was missing.
      this.#parts.onError(error);
      throw badHandshake();
    }
  }

  /** Even the peer itself may not make us encrypt everything again all day, or keep sessions without end. */
  #spendReset(peer: AgentId): void {
    if (this.#resets.isSpent(peer)) throw badHandshake();
    this.#resets.spend(peer);
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
  async #commitFirst({ session, plaintext, chain, number, skipped, consumed, handshake }: Accepted, arrival: Arrival): Promise<Committed> {
    const { sessionId, messageHash, frameBytes } = arrival;
    const contents = readContents(plaintext);
    const isForUser = contents !== undefined && !isOwn(contents);
    if (contents !== undefined && isOwn(contents)) await takeOwn(session.peerDid, contents, this.#parts);
    const row = { id: messageHash, sessionId, sessionVersion: 1, from: session.peerDid, contents: plaintext, frameBytes, receivedAt: this.#parts.env.now() };
    const opened = [{ name: `${chain}/${number}`, headerHash: hashHeader(arrival.frame) }];
    const writes = { ...skippedWrites(skipped), ...handshake, opened, inbox: isForUser ? [row] : [] };
    const live = await this.#parts.table.commit({ state: session, writes, consumed });
    if (contents !== undefined && isOwn(contents)) tellOwn(session.peerDid, contents, this.#parts);
    return { receipt: { status: isForUser ? 'delivered' : 'silent', messageHash }, live, row: isForUser ? row : undefined };
  }
}

type Accepted = AcceptedSession & { readonly handshake: Pick<SessionWrites, 'consumedOneTimeId' | 'seenEphemeral'> };

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

function refuse(): never {
  throw badHandshake();
}
