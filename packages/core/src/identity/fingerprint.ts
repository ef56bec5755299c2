/** What two people compare to know that nobody stands between their agents (docs/spec/01 §8). @module */
import { sha256 } from '#suite';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { concatBytes } from '../bytes/concat.ts';
import { ByteWriter } from '../bytes/writer.ts';
import { hkdfSha256, labelled, labels } from '../primitives/kdf.ts';
import type { Ed25519PublicKey, X25519PublicKey } from '../primitives/keys.ts';
import type { AgentId } from './agent-id.ts';

/** One of the two ends, with the keys in force. */
export type FingerprintEnd = { readonly did: AgentId; readonly identityKey: Ed25519PublicKey; readonly agreementKey: X25519PublicKey };

const groups = 12;
/** 2^40 / 10^5: a digit is off by less than one in ten million. */
const bytesOfGroup = 5;
const groupSize = 100_000;

/**
 * Sixty digits in twelve groups of five, the same at both ends, whoever computes it. They change when a key of either end does.
 *
 * 199 bits: to be taken for one given agent costs 2^199 keys; somebody in the middle, who may choose a key towards each end, needs about
 * 2^99 of them. Who compares only the first four groups (66 bits) is down to 2^33.
 */
export function fingerprintOf(one: FingerprintEnd, other: FingerprintEnd): string {
  const ends = [encodeEnd(one), encodeEnd(other)].toSorted(compare);
  const ikm = sha256(concatBytes(...ends));
  const bytes = hkdfSha256({ ikm, salt: new Uint8Array(0), info: labelled(labels.fingerprint), length: groups * bytesOfGroup });
  return Array.from({ length: groups }, (_, i) => formatGroup(bytes.subarray(i * bytesOfGroup, (i + 1) * bytesOfGroup))).join(' ');
}

function encodeEnd({ did, identityKey, agreementKey }: FingerprintEnd): Uint8Array {
  return new ByteWriter().short(encodeUtf8(did)).raw(identityKey.bytes).raw(agreementKey.bytes).finish();
}

function formatGroup(bytes: Uint8Array): string {
  const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return String(number % groupSize).padStart(5, '0');
}

/** DIDs of one method have one length, so the bytes decide. */
function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
  return 0;
}
