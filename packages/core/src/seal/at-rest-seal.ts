/** Bytes at rest, sealed with the place where they stand: sessions in a row, checkpoints of a graph (docs/spec/04 §6.6). @module */
import { decryptAead, encryptAead, hmacSha256, randomBytes } from '#suite';
import { decodeBase64url, encodeBase64url } from '../bytes/base64url.ts';
import { concatBytes } from '../bytes/concat.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { UsageError } from '../errors/usage-error.ts';
import { refuseToOpen } from '../primitives/input-checks.ts';

/** version 1 ‖ salt 16 ‖ nonce 12 ‖ ciphertext and tag 16. */
const version = 1;
const saltLength = 16;
const nonceLength = 12;
const headLength = 1 + saltLength + nonceLength;
const tagLength = 16;
const keyLength = 32;

export type AtRestSeal = {
  /** @param place - Associated data: what was sealed for one place does not open at another.   @returns 45 bytes more than `plaintext`. */
  seal(place: string, plaintext: Uint8Array): Uint8Array;
  /** `seal` for what is written together: one salt for all, and a nonce of its own for each. */
  sealer(): (place: string, plaintext: Uint8Array) => Uint8Array;
  /** @throws {@link CryptoError} `TALOS_CRYPTO_OPEN` if it was damaged, moved, or sealed under another key. */
  open(place: string, sealed: Uint8Array): Uint8Array;
  /** The same as unpadded base64url, for what keeps text. */
  sealText(place: string, plaintext: Uint8Array): string;
  /** @throws {@link CryptoError} `TALOS_CRYPTO_OPEN`, also for what is no canonical base64url. */
  openText(place: string, sealed: string): Uint8Array;
};

/**
 * @param key - 32 random bytes, copied. Secret.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` for a key of another length.
 */
export function atRestSeal(key: Uint8Array): AtRestSeal {
  if (!(key instanceof Uint8Array) || key.length !== keyLength)
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `a key for data at rest has ${keyLength} bytes: take them from a random source` });
  const master = Uint8Array.from(key);
  const sealer: AtRestSeal['sealer'] = () => {
    const salt = randomBytes(saltLength);
    const own = deriveKey(master, salt);
    return (place, plaintext) => {
      const nonce = randomBytes(nonceLength);
      return concatBytes(Uint8Array.of(version), salt, nonce, encryptAead({ key: own, nonce, associatedData: encodeUtf8(place), plaintext }));
    };
  };
  const seal: AtRestSeal['seal'] = (place, plaintext) => sealer()(place, plaintext);
  const open: AtRestSeal['open'] = (place, sealed) => {
    if (sealed.length < headLength + tagLength || sealed[0] !== version) throw refuseToOpen();
    const [salt, nonce] = [sealed.subarray(1, 1 + saltLength), sealed.subarray(1 + saltLength, headLength)];
    return decryptAead({ key: deriveKey(master, salt), nonce, associatedData: encodeUtf8(place), ciphertext: sealed.subarray(headLength) });
  };
  return {
    seal,
    sealer,
    open,
    sealText: (place, plaintext) => encodeBase64url(seal(place, plaintext)),
    openText: (place, sealed) => open(place, decoded(sealed)),
  };
}

function decoded(text: string): Uint8Array {
  try {
    return decodeBase64url(text);
  } catch {
    throw refuseToOpen();
  }
}

/** A salt before the nonce: twelve random bytes alone repeat after too few of the rows that a busy agent writes in a year. */
function deriveKey(master: Uint8Array, salt: Uint8Array): Uint8Array {
  return hmacSha256(master, salt);
}
