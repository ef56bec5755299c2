/**
 * Several frames of one session, opened one after the other in memory, so that one commit keeps them all (docs/spec/04 §6.3).
 *
 * A frame that does not open leaves the state to the next one as it was; what the others changed is one change to the store.
 * @module
 */
import { encodeBase64url } from '../bytes/base64url.ts';
import { SessionError } from '../errors/session-error.ts';
import type { Secret } from '../primitives/secret.ts';
import { authFailed, decodeFrame, hashFrame, hashHeader, type Frame } from '../session/frame.ts';
import { decryptMessage } from '../session/session.ts';
import type { SessionState } from '../session/session-state.ts';
import { encodeSkippedKey } from '../session/session-state-codec.ts';
import type { InboxRow, OpenedMessage, SessionWrites } from '../session/session-store.ts';
import type { SkippedChange, SkippedKey } from '../session/skipped-keys.ts';
import { decodeContents, isOwn, type MessageContents, type OwnContents } from './contents.ts';
import { readIntroduction, type Introduced } from './introduction.ts';

/** A frame that has the form of one, and what names it. */
export type Arrival = {
  readonly frame: Frame;
  /** What speaks for the key of the sender, if that has rotated it. */
  readonly history: Uint8Array | undefined;
  readonly sessionId: string;
  readonly messageHash: string;
  readonly frameBytes: number;
};

/** @throws {@link SessionError} `TALOS_SESSION_AUTH_FAILED`: to what is malformed the answer is that to a forged frame. */
export function readArrival(bytes: Uint8Array): Arrival {
  const { history, body } = readIntroduced(bytes);
  const frame = decodeFrame(body);
  return { frame, history, sessionId: encodeBase64url(frame.sessionId), messageHash: hashFrame(body), frameBytes: body.length };
}

function readIntroduced(bytes: Uint8Array): Introduced {
  try {
    return readIntroduction(bytes);
  } catch {
    throw authFailed();
  }
}

/** What one frame came to, in memory. */
export type OpenedFrame =
  /** `row`: absent if there is nothing for the user. */
  | { readonly kind: 'message'; readonly row: InboxRow | undefined }
  /** Genuine and beyond the bound, in this chain. */
  | { readonly kind: 'lost'; readonly lost: number; readonly chain: number }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'refused'; readonly error: SessionError };

export type OpenedBatch = {
  /** One for each arrival. */
  readonly frames: readonly OpenedFrame[];
  readonly state: SessionState;
  /** Whether there is anything to keep. */
  readonly isChanged: boolean;
  /** Messages that the changes of chain gave up for good, besides those that are `lost`. */
  readonly lost: number;
  readonly writes: Pick<SessionWrites, 'skippedAdded' | 'skippedRemoved' | 'opened' | 'inbox' | 'keptRemoved'>;
  readonly consumed: readonly Secret[];
  /** What came for the session itself, to be told after the commit. */
  readonly own: readonly OwnContents[];
};

export type OpeningBudget = {
  /** Header keys that the next frame may be tried under. */
  maxTrials(): number;
  spend(): void;
};

type Receiving = { readonly state: SessionState; readonly version: number; readonly now: number; readonly budget: OpeningBudget };

/** The whole of a batch in memory; nothing that came in is written to. */
export function openBatch(arrivals: readonly Arrival[], { state, version, now, budget }: Receiving): OpenedBatch {
  const batch = new Batch(state, version + 1, now);
  const frames = arrivals.map((arrival): OpenedFrame => {
    try {
      return batch.open(arrival, budget.maxTrials());
    } catch (error) {
      if (!SessionError.isInstance(error)) throw error;
      if (error.code === 'TALOS_SESSION_DUPLICATE') return { kind: 'duplicate' };
      budget.spend();
      return { kind: 'refused', error };
    }
  });
  return { frames, ...batch.finish() };
}

/** The state after the frames so far, and what they add up to. */
class Batch {
  readonly #before: SessionState;
  readonly #version: number;
  readonly #now: number;
  #state: SessionState;
  #lost = 0;
  readonly #consumed: Secret[] = [];
  readonly #added: SkippedKey[] = [];
  readonly #removed: SkippedKey[] = [];
  readonly #opened: OpenedMessage[] = [];
  readonly #inbox: InboxRow[] = [];
  readonly #own: OwnContents[] = [];

  constructor(state: SessionState, version: number, now: number) {
    this.#before = state;
    this.#state = state;
    this.#version = version;
    this.#now = now;
  }

  open(arrival: Arrival, maxTrials: number): OpenedFrame {
    const env = { now: () => this.#now, maxTrials, followsOpened: this.#opened.length > 0 };
    const { plaintext, session, chain, number, lost, skipped, consumed } = decryptMessage(this.#state, arrival.frame, env);
    // A header beyond the bound of its own chain leaves the ratchet where it was; one that begins a chain has moved it.
    if (plaintext !== undefined || session.ratchet !== this.#state.ratchet) this.#move(session, { skipped, consumed });
    if (plaintext === undefined) return { kind: 'lost', lost, chain };
    this.#lost += lost;
    this.#opened.push({ name: `${chain}/${number}`, headerHash: hashHeader(arrival.frame) });
    return { kind: 'message', row: this.#keep(arrival, plaintext) };
  }

  finish(): Omit<OpenedBatch, 'frames'> {
    const state = this.#state;
    const writes = {
      ...skippedWrites({ added: this.#added, removed: this.#removed }),
      opened: this.#opened,
      inbox: this.#inbox,
      keptRemoved: this.#own.flatMap((contents) => (contents.kind === 'step' ? contents.acknowledged : [])),
    };
    return { state, isChanged: state !== this.#before, lost: this.#lost, writes, consumed: this.#consumed, own: this.#own };
  }

  #move(session: SessionState, { skipped, consumed }: { readonly skipped: SkippedChange; readonly consumed: readonly Secret[] }): void {
    this.#state = session;
    this.#added.push(...skipped.added);
    this.#removed.push(...skipped.removed);
    this.#consumed.push(...consumed);
  }

  /** The frame was authentic, so its key is spent whatever it says. */
  #keep({ sessionId, messageHash, frameBytes }: Arrival, plaintext: Uint8Array): InboxRow | undefined {
    const contents = readContents(plaintext);
    if (contents === undefined) return undefined;
    if (isOwn(contents)) {
      this.#own.push(contents);
      return undefined;
    }
    const from = this.#state.peerDid;
    const row = { id: messageHash, sessionId, sessionVersion: this.#version, from, contents: plaintext, frameBytes, receivedAt: this.#now };
    this.#inbox.push(row);
    return row;
  }
}

/** `undefined` for what this version does not know. */
export function readContents(plaintext: Uint8Array): MessageContents | undefined {
  try {
    const contents = decodeContents(plaintext);
    const inner = contents.kind === 'again' ? decodeContents(contents.contents) : contents;
    // Nothing is wrapped twice, and nothing but what was the user's.
    return contents !== inner && (inner.kind === 'again' || isOwn(inner)) ? undefined : contents;
  } catch {
    return undefined;
  }
}

/** Encoded before the commit wipes what was removed. A key that came and went within the batch never reaches the store. */
export function skippedWrites({ added, removed }: SkippedChange): Pick<SessionWrites, 'skippedAdded' | 'skippedRemoved'> {
  const gone = new Set(removed);
  const stay = added.filter((key) => !gone.delete(key));
  return { skippedAdded: stay.map(encodeSkippedKey), skippedRemoved: [...gone].map(({ chain, number }) => ({ chain, number })) };
}
