/** What the messenger records: one entry per session and message, at both ends. @module */
import type { AgentId } from '../identity/agent-id.ts';
import type { SessionMode } from '../session/opening.ts';
import type { SessionRole } from '../session/session-state.ts';

type SessionFields = {
  readonly peer: AgentId;
  /** The session id, base64url. */
  readonly session: string;
  /** Version of the committed state that this entry belongs to. */
  readonly sessionVersion: number;
};

export type MessageLogEntry =
  | ({ readonly type: 'session.open'; readonly role: SessionRole; readonly mode: SessionMode } & SessionFields)
  | ({
      readonly type: 'message.out' | 'message.in';
      /** SHA-256 of the frame, base64url: the same at both ends. */
      readonly messageHash: string;
      readonly frameBytes: number;
      /** After a crash or a failed append: an entry with this hash may be there already, and is then not written again. */
      readonly repeated?: true;
    } & SessionFields);

/** `contents` never come here: what was said is nobody's but the two ends'. */
export interface MessageLog {
  /** Durable when it resolves. After the session's commit, before the send or the handler; if it rejects, neither happens. */
  append(entry: MessageLogEntry): Promise<void>;
}
