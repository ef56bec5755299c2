/** The clear part of an initial frame: what the responder needs to derive the keys (docs/spec/04 §3.4). @module */
import { importX25519PublicKey } from '#suite';
import { ByteReader } from '../bytes/reader.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { ByteWriter } from '../bytes/writer.ts';
import { parseAgentId, type AgentId } from '../identity/agent-id.ts';
import type { X25519PublicKey } from '../primitives/keys.ts';

/**
 * `accountable`: the initiator signs the transcript, so the responder can prove to others who spoke. `deniable`: only the
 * agreement authenticates, and the responder could have made it all up. Chosen by the initiator, bound in the transcript.
 */
export type SessionMode = 'accountable' | 'deniable';

/** A relay sees all of this, the initiator's DID included (SECURITY.md). */
export type SessionOpening = {
  readonly mode: SessionMode;
  readonly initiatorDid: AgentId;
  readonly agreementKey: X25519PublicKey;
  /** 64 bytes: the initiator's identity key over its agreement key. */
  readonly agreementCertificate: Uint8Array;
  readonly historySequence: number;
  readonly ephemeralKey: X25519PublicKey;
  readonly signedPrekeyId: number;
  readonly lastResortPrekeyId: number;
  /** Absent when the bundle had no one-time pair. */
  readonly oneTimePairId?: number | undefined;
  /** SHA-256 of the bundle that the initiator verified, 32 bytes. */
  readonly bundleHash: Uint8Array;
  /** ML-KEM-768, 1,088 bytes. */
  readonly kemCiphertext: Uint8Array;
};

const modeCodes = /* @__PURE__ */ Object.freeze({ accountable: 1, deniable: 2 });
const maxDidBytes = 128;
/** FIPS 203 §8, ML-KEM-768. */
const kemCiphertextLength = 1088;
/** Fixed fields and the longest DID; an ordinary opening has 1,357 bytes. */
export const maxOpeningBytes = 1500;

/** As it stands in openings, transcripts and stored states. */
export function modeCode(mode: SessionMode): number {
  return modeCodes[mode];
}

/** At most `maxOpeningBytes`. The bytes are bound as they are: they are kept and repeated, never encoded again. */
export function encodeOpening(opening: SessionOpening): Uint8Array {
  const writer = new ByteWriter().u8(modeCodes[opening.mode]).short(encodeUtf8(opening.initiatorDid));
  writer.raw(opening.agreementKey.bytes).raw(opening.agreementCertificate).u32(opening.historySequence).raw(opening.ephemeralKey.bytes);
  writer.u32(opening.signedPrekeyId).u32(opening.lastResortPrekeyId);
  if (opening.oneTimePairId === undefined) writer.u8(0);
  else writer.u8(1).u32(opening.oneTimePairId);
  return writer.raw(opening.bundleHash).raw(opening.kemCiphertext).finish();
}

/** @throws {@link EncodingError} or {@link IdentityError} on anything that `encodeOpening` would not write. */
export function decodeOpening(bytes: Uint8Array): SessionOpening {
  const reader = new ByteReader(bytes);
  const mode = decodeMode(reader);
  const initiatorDid = decodeUtf8(reader.short(maxDidBytes));
  parseAgentId(initiatorDid);
  const agreementKey = importX25519PublicKey(reader.take(32));
  const agreementCertificate = reader.take(64);
  const historySequence = reader.u32();
  const ephemeralKey = importX25519PublicKey(reader.take(32));
  const [signedPrekeyId, lastResortPrekeyId] = [reader.u32(), reader.u32()];
  const oneTimePairId = decodeOptionalId(reader);
  const [bundleHash, kemCiphertext] = [reader.take(32), reader.take(kemCiphertextLength)];
  reader.end();
  const keys = { agreementKey, agreementCertificate, ephemeralKey, kemCiphertext };
  return { ...keys, mode, initiatorDid: initiatorDid as AgentId, historySequence, signedPrekeyId, lastResortPrekeyId, oneTimePairId, bundleHash };
}

/** @throws {@link EncodingError} on any other byte: a mode that we do not know may promise what we do not keep. */
export function decodeMode(reader: ByteReader): SessionMode {
  const code = reader.u8();
  if (code === modeCodes.accountable) return 'accountable';
  if (code === modeCodes.deniable) return 'deniable';
  throw reader.refuse('unknown session mode');
}

function decodeOptionalId(reader: ByteReader): number | undefined {
  const present = reader.u8();
  if (present > 1) throw reader.refuse('a presence byte is 0 or 1');
  return present === 1 ? reader.u32() : undefined;
}
