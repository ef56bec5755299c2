/** What becomes of a frame that comes in. @module */
import type { InboxRow } from '../session/session-store.ts';
import type { LiveSession, SessionPlace } from './session-table.ts';

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

/** What a frame led to inside the session's queue: the receipt, and what has to be recorded and handed over after it. */
export type Committed = {
  readonly receipt: Receipt;
  readonly live?: LiveSession;
  readonly row?: InboxRow | undefined;
  readonly isOpened?: true;
  readonly place?: SessionPlace;
  /** A message that was committed before and whose record or handler had failed. */
  readonly repeated?: true;
};

/** What became of a frame in the end: what it was, or why it was not taken in. */
export type Taking = { readonly receipt: Receipt } | { readonly error: unknown };
