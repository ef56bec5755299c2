/** The transcript of a handshake: everything both sides must have seen alike (docs/spec/04 §3.2). @module */
import { sha256 } from '#suite';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { ByteWriter } from '../bytes/writer.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { keyTags } from '../identity/prekey-bundle.ts';
import type { KemPublicKey, X25519PublicKey } from '../primitives/keys.ts';
import { modeCode, type SessionOpening } from './opening.ts';

/** The responder's public halves, as the bundle named them. */
export type ResponderKeys = {
  readonly did: AgentId;
  readonly agreementKey: X25519PublicKey;
  readonly signedPrekey: X25519PublicKey;
  readonly oneTimeX25519?: X25519PublicKey | undefined;
  /** The one-time KEM key where there is a pair, the last-resort one otherwise. */
  readonly kemKey: KemPublicKey;
};

const suiteName = 'talos/1';

/**
 * SHA-256, 32 bytes. Every part is length-prefixed and every key tagged with its role: no two different handshakes have one transcript,
 * so an unknown key share or a changed mode ends in other keys.
 */
export function hashTranscript(opening: SessionOpening, responder: ResponderKeys): Uint8Array {
  const writer = new ByteWriter().short(encodeUtf8(suiteName)).u8(modeCode(opening.mode));
  writer.short(encodeUtf8(opening.initiatorDid)).short(encodeUtf8(responder.did));
  writer.u32(opening.historySequence).short(opening.agreementCertificate);
  writeKey(writer, keyTags.agreement, opening.agreementKey);
  writeKey(writer, keyTags.ephemeral, opening.ephemeralKey);
  writeKey(writer, keyTags.agreement, responder.agreementKey);
  writeKey(writer, keyTags.signedPrekey, responder.signedPrekey);
  writer.u8(responder.oneTimeX25519 === undefined ? 0 : 1);
  if (responder.oneTimeX25519 !== undefined) writeKey(writer, keyTags.oneTimeX25519, responder.oneTimeX25519);
  writeKey(writer, responder.oneTimeX25519 === undefined ? keyTags.lastResortKem : keyTags.oneTimeKem, responder.kemKey);
  writer
    .u32(opening.signedPrekeyId)
    .u32(opening.lastResortPrekeyId)
    .u32(opening.oneTimePairId ?? 0);
  return sha256(writer.short(opening.kemCiphertext).short(opening.bundleHash).finish());
}

/** A length too, though each role has one: the reader of a transcript must not need to know it. */
function writeKey(writer: ByteWriter, tag: number, key: X25519PublicKey | KemPublicKey): void {
  writer.u8(tag).short(key.bytes);
}
