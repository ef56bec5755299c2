/** Sessions at rest: each secret of a row is sealed under a key of its own (docs/spec/04 §6.6). @module */
import { decryptAead, encryptAead, hmacSha256, randomBytes } from '#suite';
import { concatBytes } from '../bytes/concat.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { StoreError } from '../errors/store-error.ts';
import type { KeyStore } from '../identity/key-store.ts';

/** version 1 ‖ salt 16 ‖ nonce 12 ‖ ciphertext and tag. */
const version = 1;
const saltLength = 16;
const nonceLength = 12;
const headLength = 1 + saltLength + nonceLength;
const record = 'sessions';

/**
 * Seals and opens the blobs of one agent. Where a blob stands — agent, table, row, and for a state its version — is associated data: a
 * blob that was moved to another row, or behind another version number, does not open.
 */
export type RowSeal = {
  seal(place: string, secret: Uint8Array): Uint8Array;
  /** `seal` for the rows of one commit: they share a salt, and each has a nonce of its own. */
  sealer(): (place: string, secret: Uint8Array) => Uint8Array;
  /** @throws {@link StoreError} `TALOS_STORE_CORRUPT`. */
  open(place: string, sealed: Uint8Array): Uint8Array;
};

/** @param key - 32 bytes, copied. */
export function rowSeal(key: Uint8Array, agent: string): RowSeal {
  const master = Uint8Array.from(key);
  const bound = (place: string): Uint8Array => encodeUtf8(`${agent}|${place}`);
  const sealer: RowSeal['sealer'] = () => {
    const salt = randomBytes(saltLength);
    const key = deriveKey(master, salt);
    return (place, secret) => {
      const nonce = randomBytes(nonceLength);
      return concatBytes(Uint8Array.of(version), salt, nonce, encryptAead({ key, nonce, associatedData: bound(place), plaintext: secret }));
    };
  };
  return {
    sealer,
    seal: (place, secret) => sealer()(place, secret),
    open: (place, sealed) => {
      if (sealed.length < headLength + 16 || sealed[0] !== version) throw corrupt();
      try {
        return decryptAead({ ...cipher(master, sealed), associatedData: bound(place), ciphertext: sealed.subarray(headLength) });
      } catch {
        throw corrupt();
      }
    },
  };
}

/** A salt before the nonce: twelve random bytes alone repeat after too few of the rows that a busy agent writes in a year. */
function deriveKey(master: Uint8Array, salt: Uint8Array): Uint8Array {
  return hmacSha256(master, salt);
}

function cipher(master: Uint8Array, head: Uint8Array): { readonly key: Uint8Array; readonly nonce: Uint8Array } {
  return { key: deriveKey(master, head.subarray(1, 1 + saltLength)), nonce: head.subarray(1 + saltLength, headLength) };
}

/** The home's key for its sessions, drawn on first use. Of two processes that draw one at once the second takes the first's. */
export async function loadSessionKey(keys: KeyStore): Promise<Uint8Array> {
  const kept = await keys.load(record);
  if (kept !== undefined) return kept;
  const drawn = randomBytes(32);
  try {
    await keys.save(record, drawn, 'absent');
    return drawn;
  } catch (error) {
    const first = StoreError.isInstance(error) && error.code === 'TALOS_STORE_CONFLICT' ? await keys.load(record) : undefined;
    if (first === undefined) throw error;
    return first;
  }
}

function corrupt(): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CORRUPT', message: 'a stored session does not open: it was damaged, moved, or written under another key' });
}
