/** Verifier keys of signed notes, `name+hash+keydata` (c2sp.org/signed-note), of the two types we sign with. @module */
import { importEd25519PublicKey, sha256 } from '#suite';
import { decodeBase64, encodeBase64 } from '../bytes/base64.ts';
import { concatBytes } from '../bytes/concat.ts';
import { equalBytes } from '../bytes/equal.ts';
import { decodeHex, encodeHex } from '../bytes/hex.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { AuditError } from '../errors/audit-error.ts';
import { TalosError } from '../errors/talos-error.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';

/** c2sp.org/signed-note: Ed25519 over the note; over the note with a time before it (c2sp.org/tlog-cosignature). Logs sign with the first, witnesses with the second. */
export const keyTypes = { ed25519: 1, cosignature: 4 } as const;
type KeyType = (typeof keyTypes)[keyof typeof keyTypes];

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
  return { name, keyId: keyIdOf({ name, publicKey, type: keyTypes.ed25519 }), publicKey };
}

export function formatVerifierKey(key: VerifierKey): string {
  return formatKey({ ...key, type: keyTypes.ed25519 });
}

/** @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE` on a malformed text, another key type, a refused key, or a hash that is not the key's. */
export function parseVerifierKey(text: string): VerifierKey {
  return parseKey(text, keyTypes.ed25519);
}

type TypedKey = { readonly name: string; readonly publicKey: Ed25519PublicKey; readonly type: KeyType };

/** SHA-256(name ‖ "\n" ‖ type ‖ key)[:4]: a hint to find the key by, nothing that a signature rests on. @throws as `makeVerifierKey`. */
export function keyIdOf({ name, publicKey, type }: TypedKey): Uint8Array {
  if (!isKeyName(name)) throw refuse(`a key name is 1 to ${maxNameLength} characters without white space and "+"`);
  return sha256(concatBytes(encodeUtf8(`${name}\n`), Uint8Array.of(type), publicKey.bytes)).slice(0, 4);
}

export function formatKey({ name, keyId, publicKey, type }: TypedKey & { readonly keyId: Uint8Array }): string {
  return `${name}+${encodeHex(keyId)}+${encodeBase64(concatBytes(Uint8Array.of(type), publicKey.bytes))}`;
}

/** @throws as `parseVerifierKey`. */
export function parseKey(text: string, type: KeyType): VerifierKey {
  if (typeof text !== 'string' || text.length > 2 * maxNameLength) throw refuse('a verifier key is a text name+hash+keydata');
  const [name = '', hash = '', ...rest] = text.split('+');
  // Base64 has a "+" of its own.
  const key = decodeKey({ name, hash, keyData: rest.join('+'), type });
  if (key === undefined) throw refuse(`not a verifier key of type ${type === keyTypes.ed25519 ? 'Ed25519' : 'Ed25519 cosignature'} (name+hash+keydata)`);
  return key;
}

type KeyParts = { readonly name: string; readonly hash: string; readonly keyData: string; readonly type: KeyType };

function decodeKey({ name, hash, keyData, type }: KeyParts): VerifierKey | undefined {
  try {
    const data = decodeBase64(keyData);
    if (data[0] !== type) return undefined;
    const publicKey = importEd25519PublicKey(data.subarray(1));
    const keyId = keyIdOf({ name, publicKey, type });
    return equalBytes(keyId, decodeHex(hash)) ? { name, keyId, publicKey } : undefined;
  } catch (error) {
    if (TalosError.isInstance(error)) return undefined;
    throw error;
  }
}

function refuse(message: string): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_BAD_NOTE', message });
}
