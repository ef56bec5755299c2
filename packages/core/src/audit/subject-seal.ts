/**
 * Payloads of one person: salt and cipher key of each come from that person's key, which is kept nowhere else. Without it the commitment
 * opens to nothing and the stored bytes mean nothing, in every copy of them at once (docs/spec/10 §2). @module
 */
import { decryptAead, encryptAead } from '#suite';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { StoreError } from '../errors/store-error.ts';
import { hkdfSha256, labelled, labels } from '../primitives/kdf.ts';
import type { Opening } from './commitment.ts';
import type { StoredOpening, SubjectKey } from './private-store.ts';

/** A key of its own for every payload, so one nonce serves: the 32 random bytes that it is derived with never repeat. */
const nonce = new Uint8Array(12);

/** What is committed to, and what is stored. @param drawn - with 32 random bytes as its salt. */
export function sealOpening(drawn: Opening, { ref, key }: SubjectKey): readonly [opening: Opening, stored: StoredOpening] {
  const { field, payload } = drawn;
  const { salt, cipherKey } = deriveKeys(drawn, key);
  const sealed = encryptAead({ key: cipherKey, nonce, associatedData: encodeUtf8(ref), plaintext: payload });
  return [
    { field, salt, payload },
    { field, salt: drawn.salt, payload: sealed, subject: ref },
  ];
}

/** @throws {@link StoreError} `TALOS_STORE_CORRUPT` if it was sealed under another key, or changed. */
export function unsealOpening(stored: StoredOpening, { ref, key }: SubjectKey): Opening {
  const { salt, cipherKey } = deriveKeys(stored, key);
  try {
    return { field: stored.field, salt, payload: decryptAead({ key: cipherKey, nonce, associatedData: encodeUtf8(ref), ciphertext: stored.payload }) };
  } catch (cause) {
    throw new StoreError({ code: 'TALOS_STORE_CORRUPT', message: 'a sealed payload does not open: it was changed outside Talos', cause });
  }
}

function deriveKeys({ field, salt }: Opening, key: Uint8Array): { readonly salt: Uint8Array; readonly cipherKey: Uint8Array } {
  const bytes = hkdfSha256({ ikm: key, salt, info: labelled(labels.subjectPayload, encodeUtf8(field)), length: 64 });
  return { salt: bytes.slice(0, 32), cipherKey: bytes.slice(32) };
}
