/** Salted commitments inside proofs and approvals: an unsalted hash of small arguments could be guessed (docs/spec/05 §6; 03 §3). @module */
import { encodeUtf8, hashBase64url } from '#suite';
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonObject } from '../bytes/json-value.ts';
import { UsageError } from '../errors/usage-error.ts';

export const commitmentSaltLength = 32;

const saltRoom = /* @__PURE__ */ '\0'.repeat(commitmentSaltLength);

/**
 * SHA-256("talos/commit/v1\0" ‖ field ‖ 0x00 ‖ salt ‖ payload), base64url: the form that the audit log's entries have.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` unless the salt has 32 bytes.
 */
export function commitToText(field: 'args' | 'shown', salt: Uint8Array, text: string): string {
  if (!(salt instanceof Uint8Array) || salt.length !== commitmentSaltLength) {
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `a commitment salt has ${commitmentSaltLength} bytes` });
  }
  const prefix = `talos/commit/v1\0${field}\0`;
  // Encoded once, with room for the salt: this is on the path of every proof.
  const bytes = encodeUtf8(`${prefix}${saltRoom}${text}`);
  bytes.set(salt, prefix.length);
  return hashBase64url(bytes);
}

/** The commitment to a call's arguments. @throws {@link EncodingError} `TALOS_ENCODING_JSON` on what is not plain JSON. */
export function commitToArgs(input: JsonObject, salt: Uint8Array): string {
  return commitToText('args', salt, canonicalJson(input));
}

/** Whether the commitment is to these arguments; only its canonical text is. @throws as `commitToArgs`. */
export function opensToArgs(commitment: string, input: JsonObject, salt: Uint8Array): boolean {
  return commitment === commitToArgs(input, salt);
}
