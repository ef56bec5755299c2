/** A session between two messages. Immutable; keys are in holders that do not print. @module */
import type { AgentId } from '../identity/agent-id.ts';
import { bindMessages, type SessionParties } from './associated-data.ts';
import type { SessionMode } from './opening.ts';
import type { RatchetState } from './ratchet-state.ts';

/** Who sent the opening. Of two sessions to one peer each may have another. */
export type SessionRole = 'initiator' | 'responder';

export type RetiredReason = 'replaced' | 'yielded';

export type SessionState = {
  /** 16 bytes, public, from the handshake. */
  readonly sessionId: Uint8Array;
  readonly role: SessionRole;
  readonly mode: SessionMode;
  readonly ownDid: AgentId;
  readonly peerDid: AgentId;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** When the initiator says that it opened this session; what came to it earlier does not replace it. */
  readonly openedAt: number;
  readonly sentCount: number;
  /** The session that this one replaced, 16 bytes: should its opening arrive late, it is of the past from the start. */
  readonly supersedes?: Uint8Array | undefined;
  /**
   * Another session took its place: it sends no more. `replaced`: one of the two ends gave it up, so what is unacknowledged goes by the other;
   * `yielded`: both ends opened one at once, and what is on its way in this one is opened. `at`: then, or when the last straggler came.
   */
  readonly retired?: { readonly reason: RetiredReason; readonly at: number } | undefined;
  /** Of an initiator that has had no answer yet: what each of its frames repeats, in clear and inside the ciphertext. */
  readonly unanswered?: { readonly opening: Uint8Array; readonly proof: Uint8Array } | undefined;
  readonly ratchet: RatchetState;
  /** Associated data of both directions: derived, not stored. */
  readonly binding: { readonly own: Uint8Array; readonly peer: Uint8Array };
};

/** What both directions' associated data follow from. */
export type SessionIdentity = Pick<SessionState, 'sessionId' | 'role' | 'ownDid' | 'peerDid'>;

/** Ours and the peer's, so that no caller has to work out who is A. */
export function bindSession({ sessionId, role, ownDid, peerDid }: SessionIdentity): SessionState['binding'] {
  const isInitiator = role === 'initiator';
  const parties: SessionParties = isInitiator ? { initiatorDid: ownDid, responderDid: peerDid } : { initiatorDid: peerDid, responderDid: ownDid };
  const fromInitiator = bindMessages(sessionId, parties, 'fromInitiator');
  const fromResponder = bindMessages(sessionId, parties, 'fromResponder');
  return isInitiator ? { own: fromInitiator, peer: fromResponder } : { own: fromResponder, peer: fromInitiator };
}
