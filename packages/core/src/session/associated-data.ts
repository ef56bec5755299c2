/** What header and body are bound to besides their keys (docs/spec/04 §4.4). @module */
import { sha256 } from '#suite';
import { concatBytes } from '../bytes/concat.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { ByteWriter } from '../bytes/writer.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { frameTypeCode, frameVersion } from './frame.ts';

export type SessionParties = { readonly initiatorDid: AgentId; readonly responderDid: AgentId };

/** Who sends. A reflected frame fails, since its direction is part of what was authenticated. */
export type Direction = 'fromInitiator' | 'fromResponder';

const directionCodes = /* @__PURE__ */ Object.freeze({ fromInitiator: 1, fromResponder: 2 });

/**
 * version ‖ type ‖ session id ‖ SHA-256(length ‖ DID_A ‖ length ‖ DID_B) ‖ direction, 51 bytes, for ordinary messages. The DIDs are
 * inside, so a resolver that changes its mind cannot rebind a live session. Constant per direction: computed once per session.
 */
export function bindMessages(sessionId: Uint8Array, parties: SessionParties, direction: Direction): Uint8Array {
  const dids = new ByteWriter().short(encodeUtf8(parties.initiatorDid)).short(encodeUtf8(parties.responderDid)).finish();
  const head = Uint8Array.of(frameVersion, frameTypeCode('message'));
  return concatBytes(head, sessionId, sha256(dids), Uint8Array.of(directionCodes[direction]));
}

/** The same for an initial frame, and SHA-256 of the opening: a repeated opening is not read again, but it may not differ either. */
export function bindInitial(binding: Uint8Array, opening: Uint8Array): Uint8Array {
  const bound = concatBytes(binding, sha256(opening));
  bound[1] = frameTypeCode('initial');
  return bound;
}

/** The body's associated data: binding ‖ nonce ‖ encrypted header. A header cannot be moved to another body. */
export function bindBody(binding: Uint8Array, part: { readonly nonce: Uint8Array; readonly encryptedHeader: Uint8Array }): Uint8Array {
  return concatBytes(binding, part.nonce, part.encryptedHeader);
}
