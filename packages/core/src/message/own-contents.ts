/** What a peer says to the session itself, around the commit that keeps it. @module */
import { IdentityError } from '../errors/identity-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { Meeting } from '../identity/peers.ts';
import type { OwnContents } from './contents.ts';
import { decodeHistory } from './introduction.ts';

export type OwnContentsParts = {
  /** Keeps what a peer proved of its keys. */
  readonly learn: (did: AgentId, met: Meeting) => Promise<void>;
  /** A bundle for the session after this one. */
  readonly keepBundle: (from: AgentId, bundle: Uint8Array) => Promise<void>;
  readonly onError: (error: unknown) => void;
  readonly onAcknowledged: (acknowledgement: { readonly from: AgentId; readonly ids: readonly string[] }) => void;
  /** What a peer told of its log. After the commit; nothing waits for it. */
  readonly onTold: (from: AgentId, told: Uint8Array) => void;
};

/** Before the commit: a crash between the two must not lose a rotation. What proves nothing is reported, and changes nothing. */
export async function takeOwn(from: AgentId, contents: OwnContents, parts: OwnContentsParts): Promise<void> {
  if (contents.kind === 'bundle') await parts.keepBundle(from, contents.bundle);
  if (contents.kind !== 'keys') return;
  try {
    await parts.learn(from, { history: decodeHistory(contents.history) });
  } catch (error) {
    if (!IdentityError.isInstance(error)) throw error;
    parts.onError(error);
  }
}

/** After the commit, for who listens. */
export function tellOwn(from: AgentId, contents: OwnContents, parts: OwnContentsParts): void {
  if (contents.kind === 'checkpoint') parts.onTold(from, contents.told);
  if (contents.kind === 'step' && contents.acknowledged.length > 0) parts.onAcknowledged({ from, ids: contents.acknowledged });
}
