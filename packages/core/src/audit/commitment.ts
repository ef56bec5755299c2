/**
 * Salted commitments: an entry says that a payload existed without saying what it was. One per field, so that one field can be
 * disclosed; salted, because a bare hash of a small payload can be guessed and would undo its erasure. @module
 */
import { encodeUtf8, sha256 } from '#suite';
import { canonicalJson } from '../bytes/canonical-json.ts';
import { concatBytes } from '../bytes/concat.ts';
import { equalBytes } from '../bytes/equal.ts';
import type { JsonValue } from '../bytes/json-value.ts';
import { AuditError } from '../errors/audit-error.ts';
import { requireObject, requireUint8Array } from '../errors/require.ts';
import { UsageError } from '../errors/usage-error.ts';

export const saltLength = 32;

/** A file read by a tool, a long answer of a model; above it a payload belongs in a file of its own with its hash in the entry. */
export const maxPayloadBytes = 16 * 1024 * 1024;

/** The field is followed by a NUL inside the hash, so it cannot hold one: two (field, salt) pairs never make one input. */
const fieldName = /^[a-z][a-z0-9_.]{0,63}$/;

const domain = 'talos/commit/v1\0';

/** What opens one commitment. Kept in the private part of the store, never inside an entry; erasing it makes the payload unprovable. */
export type Opening = { readonly field: string; readonly salt: Uint8Array; readonly payload: Uint8Array };

/**
 * SHA-256("talos/commit/v1\0" ‖ field ‖ 0x00 ‖ salt ‖ payload), 32 bytes (docs/spec/03 §3).
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` on a field name outside `[a-z][a-z0-9_.]{0,63}`, or a salt that is not 32 bytes.
 */
export function commitTo(opening: Opening): Uint8Array {
  return sha256(commitmentInput(opening));
}

/** What is hashed. @throws as {@link commitTo}. */
export function commitmentInput(opening: Opening): Uint8Array {
  const { field, salt, payload } = opening;
  requireUint8Array('salt', salt);
  requireUint8Array('payload', payload);
  if (typeof field !== 'string' || !fieldName.test(field)) throw refuse('a commitment field is [a-z][a-z0-9_.]{0,63}');
  if (salt.length !== saltLength) throw refuse(`a commitment salt has ${saltLength} bytes`);
  return concatBytes(encodeUtf8(`${domain}${field}\0`), salt, payload);
}

/**
 * Returns if the opening is what was committed to.
 * @throws {@link AuditError} `TALOS_AUDIT_COMMITMENT` if it is not.
 */
export function verifyCommitment(claim: Opening & { readonly commitment: Uint8Array }): void {
  requireObject('claim', claim);
  const { commitment } = claim;
  requireUint8Array('commitment', commitment);
  if (!equalBytes(commitTo(claim), commitment)) {
    throw new AuditError({ code: 'TALOS_AUDIT_COMMITMENT', message: `the commitment does not open to this payload and salt (field ${claim.field})` });
  }
}

/**
 * The bytes that are committed to: bytes as they are, JSON in its canonical form (RFC 8785).
 * @throws {@link EncodingError} `TALOS_ENCODING_JSON` on what is not plain JSON.   @throws {@link AuditError} `TALOS_AUDIT_BAD_ENTRY` above 16 MiB.
 */
export function payloadBytes(payload: Uint8Array | JsonValue): Uint8Array {
  const bytes = payload instanceof Uint8Array ? payload : encodeUtf8(canonicalJson(payload));
  if (bytes.length > maxPayloadBytes)
    throw new AuditError({ code: 'TALOS_AUDIT_BAD_ENTRY', message: 'a payload is above 16 MiB: keep it elsewhere and commit to its hash' });
  return bytes;
}

function refuse(message: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message });
}
