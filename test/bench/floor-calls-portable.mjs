/** What suite talos/1 asks of a platform, straight from the libraries of the portable suite. @module */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import * as ed25519 from '@noble/ed25519';
import { hmac as nobleHmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';

ed25519.hashes.sha512 = sha512;

const hmac = (key, message) => nobleHmac(sha256, key, message);
const seal = ({ key, nonce, associatedData, plaintext }) => chacha20poly1305(key, nonce, associatedData).encrypt(plaintext);
const unseal = ({ key, nonce, associatedData, sealed }) => chacha20poly1305(key, nonce, associatedData).decrypt(sealed);

function makeKey() {
  const { secretKey, publicKey } = x25519.keygen();
  return { secretKey, raw: publicKey };
}
const receive = (raw) => raw;
const agree = ({ secretKey }, peer) => x25519.getSharedSecret(secretKey, peer);

const littleEndian = (bytes) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);

/** R' = [S]B − [k]A, compared as bytes: cheaper than the library's own verify, which is cofactored. */
function verify(message, signature, publicKey) {
  const r = signature.subarray(0, 32);
  const k = littleEndian(sha512(Buffer.concat([r, publicKey, message]))) % ed25519.Point.CURVE().n;
  const difference = ed25519.Point.fromBytes(publicKey, false).multiplyUnsafe(k);
  return Buffer.from(
    ed25519.Point.BASE.multiplyUnsafe(littleEndian(signature.subarray(32)))
      .subtract(difference)
      .toBytes(),
  ).equals(r);
}

function makeSigner() {
  const { secretKey, publicKey } = ed25519.keygen();
  return { sign: (message) => ed25519.sign(message, secretKey), verify: (message, signature) => verify(message, signature, publicKey) };
}

function makeKem() {
  const { secretKey, publicKey } = ml_kem768.keygen();
  return { wire: publicKey, open: (ciphertext) => ml_kem768.decapsulate(ciphertext, secretKey) };
}

function encapsulate(wire) {
  const { cipherText, sharedSecret } = ml_kem768.encapsulate(wire);
  return [cipherText, sharedSecret];
}

export const portableCalls = { hmac, sha256, seal, unseal, makeKey, receive, agree, makeSigner, makeKem, encapsulate };
