/** ML-KEM-768 by node:crypto where Node has it (24.7 and later), by the portable suite below that. @module */
import * as crypto from 'node:crypto';
import { concatBytes } from '../bytes/concat.ts';
import { decodeHex } from '../bytes/hex.ts';
import type { KemSuite } from './contract.ts';
import { native } from './keys.ts';
import { Secret } from './secret.ts';
import * as portable from './noble-kem.ts';

export { kemCiphertextLength, kemPublicKeyLength } from './noble-kem.ts';

/** DER heads of a SubjectPublicKeyInfo and of a seed-only PKCS #8 (RFC 9935): the forms that every Node with ML-KEM reads. */
const publicKeyHead = /* @__PURE__ */ decodeHex('308204b2300b0609608648016503040402038204a100');
const seedHead = /* @__PURE__ */ decodeHex('3054020100300b060960864801650304040204428040');

const hasNativeKem = typeof (crypto as { encapsulate?: unknown }).encapsulate === 'function';

export const importKemSecretKey: KemSuite['importKemSecretKey'] = (seed) => {
  if (!hasNativeKem) return portable.importKemSecretKey(seed);
  const own = portable.checkKemSeed(seed);
  const privateKey = crypto.createPrivateKey({ key: Buffer.from(concatBytes(seedHead, own)), format: 'der', type: 'pkcs8' });
  const publicKey = crypto.createPublicKey(privateKey);
  const bytes = Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' }).subarray(publicKeyHead.length));
  return { kind: 'ml-kem-768-secret', publicKey: { kind: 'ml-kem-768-public', bytes, [native]: publicKey }, seed: new Secret(own), [native]: privateKey };
};

/** Checked here, given to node:crypto when it is used: of a bundle's two keys only one is. */
export const importKemPublicKey: KemSuite['importKemPublicKey'] = portable.importKemPublicKey;

export const encapsulate: KemSuite['encapsulate'] = (peerPublicKey) => {
  if (!hasNativeKem) return portable.encapsulate(peerPublicKey);
  const { ciphertext, sharedKey } = crypto.encapsulate((peerPublicKey[native] as crypto.KeyObject | undefined) ?? importNative(peerPublicKey.bytes));
  return { ciphertext: Uint8Array.from(ciphertext), sharedSecret: Uint8Array.from(sharedKey) };
};

function importNative(bytes: Uint8Array): crypto.KeyObject {
  return crypto.createPublicKey({ key: Buffer.from(concatBytes(publicKeyHead, bytes)), format: 'der', type: 'spki' });
}

export const decapsulate: KemSuite['decapsulate'] = (ownSecretKey, ciphertext) => {
  if (!hasNativeKem) return portable.decapsulate(ownSecretKey, ciphertext);
  portable.checkKemCiphertext(ciphertext);
  ownSecretKey.seed.expose();
  return Uint8Array.from(crypto.decapsulate(ownSecretKey[native] as crypto.KeyObject, ciphertext));
};
