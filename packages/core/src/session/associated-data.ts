/** What header and body are bound to besides their keys (docs/spec/04 §4.4). @module */
import { sha256 } from '#suite';
import { concatBytes } from '../bytes/concat.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { ByteWriter } from '../bytes/writer.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { frameTypeCode, frameVersion, nonceLength, type SealedMessage } from './frame.ts';
import { maxEncryptedHeaderBytes } from './header.ts';

export type SessionParties = { readonly initiatorDid: AgentId; readonly responderDid: AgentId };

/** Who sends. A reflected frame fails, since its direction is part of what was authenticated. */
export type Direction = 'fromInitiator' | 'fromResponder';

const bindingLength = 51;
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

/** The body's associated data: binding ‖ nonce ‖ encrypted header. A header cannot be moved to another body. Stands until the next call. */
export function bindBody(binding: Uint8Array, { nonce, encryptedHeader }: Pick<SealedMessage, 'nonce' | 'encryptedHeader'>): Uint8Array {
  const headerAt = binding.length + nonce.length;
  bodyRoom.set(binding);
  bodyRoom.set(nonce, binding.length);
  bodyRoom.set(encryptedHeader, headerAt);
  return bodyRoom.subarray(0, headerAt + encryptedHeader.length);
}

/** Kept, since all of it travels in clear and is read at once: an array of this size is allocated outside the heap, for each message twice. */
const bodyRoom = /* @__PURE__ */ new Uint8Array(bindingLength + nonceLength + maxEncryptedHeaderBytes);
