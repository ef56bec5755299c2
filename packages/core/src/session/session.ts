/**
 * One session, message by message, as pure functions: `(state, input) → { state, output }` (docs/spec/04).
 *
 *     encryptMessage: contents → [proof ‖ contents] → ratchet → frame
 *     decryptMessage: frame → ratchet → [proof ‖ contents] → contents
 *
 * Neither writes to what it is given. A caller that keeps the old state after a failed commit, a lost race or a refused frame has lost
 * nothing; one that keeps it after a send has to expect that the peer sees the same message number twice, under another nonce.
 * @module
 */
import { concatBytes } from '../bytes/concat.ts';
import { equalBytes } from '../bytes/equal.ts';
import type { Env } from '../env/env.ts';
import { SessionError } from '../errors/session-error.ts';
import type { Secret } from '../primitives/secret.ts';
import { bindInitial } from './associated-data.ts';
import { ratchetDecrypt, ratchetIdentify, type RatchetReceipt } from './double-ratchet-decrypt.ts';
import { ratchetEncrypt } from './double-ratchet-encrypt.ts';
import { authFailed, encodeFrame, type Frame } from './frame.ts';
import { maxForward, maxSentMessages, sessionLifeMs } from './limits.ts';
import { splitOpening } from './opening-proof.ts';
import type { SessionState } from './session-state.ts';

export type EncryptedFrame = {
  readonly session: SessionState;
  /** The bytes to send, at most 1 MiB. Persist `session` first. */
  readonly frame: Uint8Array;
  /** Wipe these once `session` is durable. */
  readonly consumed: readonly Secret[];
};

/**
 * Encrypts one message. Draws 12 bytes from `env`, and 32 more when it begins a chain.
 *
 * The next frame of this session: 105 bytes more than `contents`, or 1,543 while the peer has not answered.
 * @throws {@link SessionError} `TALOS_SESSION_LIMIT`: 2²⁰ messages sent or seven days over, 2,000 without an answer to the handshake, or more than 1 MiB.
 */
export function encryptMessage(session: SessionState, contents: Uint8Array, env: Env): EncryptedFrame {
  const { unanswered, binding } = session;
  checkSendable(session, env.now());
  const initial = unanswered === undefined ? undefined : { ...unanswered, binding: bindInitial(binding.own, unanswered.opening) };
  const plaintext = initial === undefined ? contents : concatBytes(initial.proof, contents);
  const { state: ratchet, message, consumed } = ratchetEncrypt(session.ratchet, { plaintext, binding: initial?.binding ?? binding.own }, env);
  const type = initial === undefined ? 'message' : 'initial';
  const frame = encodeFrame({ ...message, type, sessionId: session.sessionId, opening: initial?.opening });
  return { session: { ...session, ratchet, sentCount: session.sentCount + 1 }, frame, consumed };
}

/** `maxTrials`: header keys to try, at most and by default seven. `followsOpened`: a message that came right before this one opened. */
export type DecryptEnv = Pick<Env, 'now'> & { readonly maxTrials?: number | undefined; readonly followsOpened?: boolean | undefined };

/** `RatchetReceipt` with the session around it; `plaintext` is absent when the message is beyond the bound, see there. */
export type DecryptedFrame = RatchetReceipt & { readonly session: SessionState };

/**
 * Opens a frame of this session. Draws nothing; the time is for the age of skipped keys.
 *
 * A frame that was opened has a name that no other has: `session id, chain, number`. The store keeps it as a dedupe key beside the state.
 * @throws {@link SessionError} `TALOS_SESSION_AUTH_FAILED`, `TALOS_SESSION_DUPLICATE` or `TALOS_SESSION_WEAK_PEER_KEY`; `session` stands as it was.
 */
export function decryptMessage(session: SessionState, frame: Frame, env: DecryptEnv): DecryptedFrame {
  if (!equalBytes(frame.sessionId, session.sessionId)) throw authFailed();
  const binding = bindingOf(session, frame);
  const { maxTrials, followsOpened } = env;
  const receipt = ratchetDecrypt(session.ratchet, { message: frame, binding, now: env.now(), maxTrials, followsOpened });
  const plaintext = frame.opening === undefined || receipt.plaintext === undefined ? receipt.plaintext : contentsOf(session, receipt.plaintext);
  // The peer answered: it has the session, and the opening need not be repeated.
  return { ...receipt, plaintext, session: { ...session, ratchet: receipt.state, unanswered: undefined } };
}

/**
 * The name of the message whose header this frame carries, without opening the message: to tell a repeat from a peer that was rolled back.
 * `undefined` if no header key of the session opens it.
 */
export function identifyMessage(session: SessionState, frame: Frame, env: Env): { readonly chain: number; readonly number: number } | undefined {
  return ratchetIdentify(session.ratchet, { message: frame, binding: bindingOf(session, frame), now: env.now() });
}

function bindingOf(session: SessionState, { opening }: Frame): Uint8Array {
  return opening === undefined ? session.binding.peer : bindInitial(session.binding.peer, opening);
}

/** An initial frame has its proof before the contents. It was verified when the session was accepted, and the opening is the same: see `bindInitial`. */
function contentsOf(session: SessionState, plaintext: Uint8Array): Uint8Array {
  const parts = splitOpening(session.mode, plaintext);
  if (session.role !== 'responder' || parts === undefined) throw authFailed();
  return parts.contents;
}

/** Whether it sends no more, for its age or its messages. It still opens what comes in. */
export function isSessionOver({ sentCount, createdAt }: SessionState, now: number): boolean {
  return sentCount >= maxSentMessages || now - createdAt >= sessionLifeMs;
}

function checkSendable({ sentCount, createdAt, unanswered }: SessionState, now: number): void {
  if (sentCount >= maxSentMessages) throw limit(`a session sends at most ${maxSentMessages} messages: establish a new one`);
  if (now - createdAt >= sessionLifeMs) throw limit('a session sends for seven days: establish a new one');
  // The first of them to arrive has to be within the responder's bound, whichever it is.
  if (unanswered !== undefined && sentCount >= maxForward)
    throw limit(`the peer has not answered ${maxForward} messages: wait for an answer, or establish a new session`);
}

function limit(message: string): SessionError {
  return new SessionError({ code: 'TALOS_SESSION_LIMIT', message });
}
