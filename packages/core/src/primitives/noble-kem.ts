/** ML-KEM-768 (FIPS 203), portable. Apart from the suite, so that the root loads no lattice code. @module */
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { CryptoError } from '../errors/crypto-error.ts';
import type { KemSuite } from './contract.ts';
import { checkLength } from './ed25519-policy.ts';
import { native, type KemPublicKey } from './keys.ts';
import { Secret } from './secret.ts';

export const kemPublicKeyLength = 1184;
export const kemCiphertextLength = 1088;

export const importKemSecretKey: KemSuite['importKemSecretKey'] = (bytes) => {
  const seed = checkKemSeed(bytes);
  const pair = ml_kem768.keygen(seed);
  const publicKey: KemPublicKey = { kind: 'ml-kem-768-public', bytes: pair.publicKey, [native]: undefined };
  return { kind: 'ml-kem-768-secret', publicKey, seed: new Secret(seed), [native]: new Secret(pair.secretKey) };
};

/** FIPS 203 §7.2: the modulus check, a coefficient of 3,329 or more has two encodings. Equal in both suites. */
export const importKemPublicKey: KemSuite['importKemPublicKey'] = (bytes) => {
  checkKemPublicKey(bytes);
  return { kind: 'ml-kem-768-public', bytes: Uint8Array.from(bytes), [native]: undefined };
};

export const encapsulate: KemSuite['encapsulate'] = (peerPublicKey) => {
  const { cipherText, sharedSecret } = ml_kem768.encapsulate(peerPublicKey.bytes);
  return { ciphertext: cipherText, sharedSecret };
};

export const decapsulate: KemSuite['decapsulate'] = (ownSecretKey, ciphertext) => {
  checkKemCiphertext(ciphertext);
  ownSecretKey.seed.expose();
  return ml_kem768.decapsulate(ciphertext, (ownSecretKey[native] as Secret).expose());
};

/** A copy. @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` if not 64 bytes. */
export function checkKemSeed(bytes: Uint8Array): Uint8Array {
  return checkLength(bytes, 64, 'an ML-KEM-768 seed');
}

export function checkKemPublicKey(bytes: Uint8Array): void {
  if (bytes.length !== kemPublicKeyLength) throw badKemInput('an ML-KEM-768 public key has 1184 bytes');
  for (let i = 0; i < kemPublicKeyLength - 32; i += 3) {
    const low = (bytes[i] as number) | (((bytes[i + 1] as number) & 15) << 8);
    const high = ((bytes[i + 1] as number) >> 4) | ((bytes[i + 2] as number) << 4);
    if (low >= 3329 || high >= 3329) throw badKemInput('an ML-KEM-768 public key has a coefficient out of range');
  }
}

export function checkKemCiphertext(ciphertext: Uint8Array): void {
  if (ciphertext.length !== kemCiphertextLength) throw badKemInput('an ML-KEM-768 ciphertext has 1088 bytes');
}

function badKemInput(message: string): CryptoError {
  return new CryptoError({ code: 'TALOS_CRYPTO_BAD_KEY', message });
}
