/** Verifier keys of signed notes, `name+hash+keydata` (c2sp.org/signed-note), of the one type we sign with. @module */
import { importEd25519PublicKey, sha256 } from '#suite';
import { decodeBase64, encodeBase64 } from '../bytes/base64.ts';
import { concatBytes } from '../bytes/concat.ts';
import { equalBytes } from '../bytes/equal.ts';
import { decodeHex, encodeHex } from '../bytes/hex.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { AuditError } from '../errors/audit-error.ts';
import { TalosError } from '../errors/talos-error.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';

/** c2sp.org/signed-note: Ed25519. */
const ed25519Type = 1;

/** Origins are short URLs without a scheme; the bound keeps a note's first line readable. */
export const maxNameLength = 256;

/** A key that a reader trusts, under the name that its signatures carry. `keyId`: 4 bytes. */
export type VerifierKey = { readonly name: string; readonly keyId: Uint8Array; readonly publicKey: Ed25519PublicKey };

/** White space and `+` would make a signature line or a key text read in two ways (c2sp.org/signed-note). */
const forbiddenInName = /[\s+\p{Cc}\p{Z}]/u;

export function isKeyName(name: unknown): name is string {
  return typeof name === 'string' && name.length > 0 && name.length <= maxNameLength && name.isWellFormed() && !forbiddenInName.test(name);
}

/** @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE` on a name that is empty, too long, or holds white space or `+`. */
export function makeVerifierKey(name: string, publicKey: Ed25519PublicKey): VerifierKey {
  if (!isKeyName(name)) throw refuse(`a key name is 1 to ${maxNameLength} characters without white space and "+"`);
  // SHA-256(name ‖ "\n" ‖ type ‖ key)[:4]: a hint to find the key by, nothing that a signature rests on.
  const keyId = sha256(concatBytes(encodeUtf8(`${name}\n`), Uint8Array.of(ed25519Type), publicKey.bytes)).slice(0, 4);
  return { name, keyId, publicKey };
}

export function formatVerifierKey(key: VerifierKey): string {
  return `${key.name}+${encodeHex(key.keyId)}+${encodeBase64(concatBytes(Uint8Array.of(ed25519Type), key.publicKey.bytes))}`;
}

/** @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE` on a malformed text, another key type, a refused key, or a hash that is not the key's. */
export function parseVerifierKey(text: string): VerifierKey {
  if (typeof text !== 'string' || text.length > 2 * maxNameLength) throw refuse('a verifier key is a text name+hash+keydata');
  const [name = '', hash = '', ...rest] = text.split('+');
  // Base64 has a "+" of its own.
  const key = decodeKey({ name, hash, keyData: rest.join('+') });
  if (key === undefined) throw refuse('not a verifier key of type Ed25519 (name+hash+keydata)');
  return key;
}

function decodeKey(parts: { readonly name: string; readonly hash: string; readonly keyData: string }): VerifierKey | undefined {
  try {
    const keyData = decodeBase64(parts.keyData);
    if (keyData[0] !== ed25519Type) return undefined;
    const key = makeVerifierKey(parts.name, importEd25519PublicKey(keyData.subarray(1)));
    return equalBytes(key.keyId, decodeHex(parts.hash)) ? key : undefined;
  } catch (error) {
    if (TalosError.isInstance(error)) return undefined;
    throw error;
  }
}

function refuse(message: string): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_BAD_NOTE', message });
}
