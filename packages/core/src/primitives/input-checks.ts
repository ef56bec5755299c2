/** What both suites check alike before a library sees it; left to the libraries, the two differ. @module */
import { CryptoError } from '../errors/crypto-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { AeadInput } from './contract.ts';
import { Secret } from './secret.ts';

/** OpenSSL takes a nonce of 8 bytes for ChaCha20-Poly1305 and pads it, so two nonces would be one; RFC 8439 §2.8 has 12. Gives the key's bytes. */
export function checkAeadInput({ key, nonce }: AeadInput): Uint8Array {
  const bytes = key instanceof Secret ? key.expose() : key;
  if (bytes.length !== 32 || nonce.length !== 12) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'an AEAD key is 32 bytes and its nonce 12' });
  return bytes;
}

/** One error for every reason: nothing of why a ciphertext was refused leaves the suite. */
export function refuseToOpen(): CryptoError {
  return new CryptoError({ code: 'TALOS_CRYPTO_OPEN', message: 'the ciphertext does not open' });
}

/** Far above any use of ours. */
const maxRandomLength = 1024 * 1024;

/** A negative or fractional length would move the pool of the Node suite back over bytes that were handed out. */
export function checkRandomLength(length: number): void {
  if (!Number.isSafeInteger(length) || length < 0 || length > maxRandomLength) {
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `randomBytes takes a whole number from 0 to ${maxRandomLength}` });
  }
}
