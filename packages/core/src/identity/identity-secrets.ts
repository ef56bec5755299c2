/** What has to be kept to be this agent again, and its bytes. @module */
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { ByteReader } from '../bytes/reader.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { ByteWriter } from '../bytes/writer.ts';
import { Secret } from '../primitives/secret.ts';
import type { SignedKeyEvent } from './key-event.ts';
import type { KeyHistory } from './key-history.ts';

/** Each secret is 32 bytes. `nextSeed` is the pre-rotated key: it may be moved offline, rotation then needs it back. */
export type IdentitySecrets = {
  readonly signingSeed: Secret;
  readonly nextSeed: Secret;
  readonly agreementScalar: Secret;
  readonly history: KeyHistory;
};

const version = 1;
/** 520 events of at most 2 kB with their signatures. */
const maxHistoryBytes = 2 * 1024 * 1024;

/** version ‖ three 32-byte secrets ‖ history as JSON behind its u32 length. Secret: encrypt before it is stored. */
export function encodeIdentitySecrets(secrets: IdentitySecrets): Uint8Array {
  const writer = new ByteWriter().u8(version);
  for (const secret of [secrets.signingSeed, secrets.nextSeed, secrets.agreementScalar]) writer.raw(secret.expose());
  return writer.long(encodeUtf8(canonicalJson(secrets.history as unknown as JsonValue))).finish();
}

/** @throws {@link EncodingError} on another version, truncated or trailing data. The history is verified by `restoreIdentity`. */
export function decodeIdentitySecrets(bytes: Uint8Array): IdentitySecrets {
  const reader = new ByteReader(bytes);
  const read = (): Secret => new Secret(Uint8Array.from(reader.take(32)));
  if (reader.u8() !== version) throw reader.refuse('identity data is of an unknown version');
  const [signingSeed, nextSeed, agreementScalar] = [read(), read(), read()];
  const history = parseStrictJson(decodeUtf8(reader.long(maxHistoryBytes))) as readonly JsonObject[];
  reader.end();
  return { signingSeed, nextSeed, agreementScalar, history: history as unknown as readonly SignedKeyEvent[] };
}
