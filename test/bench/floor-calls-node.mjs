/** What suite talos/1 asks of a platform, straight from node:crypto, the cheapest way that Node offers for each. @module */
import * as crypto from 'node:crypto';

/** HMAC by two one-shot hashes: for messages of a byte the cheapest way. */
const [inner, outer] = [new Uint8Array(64 + 512), new Uint8Array(96).fill(0x5c)];
function hmac(key, message) {
  for (let i = 0; i < 32; i++) [inner[i], outer[i]] = [key[i] ^ 0x36, key[i] ^ 0x5c];
  inner.fill(0x36, 32, 64);
  inner.set(message, 64);
  outer.set(crypto.hash('sha256', inner.subarray(0, 64 + message.length), 'buffer'), 64);
  return crypto.hash('sha256', outer, 'buffer');
}

function seal({ key, nonce, associatedData, plaintext }) {
  const cipher = crypto.createCipheriv('chacha20-poly1305', crypto.createSecretKey(key), nonce, { authTagLength: 16 });
  cipher.setAAD(associatedData, { plaintextLength: plaintext.length });
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return [ciphertext, cipher.getAuthTag()];
}

function unseal({ key, nonce, associatedData, sealed: [ciphertext, tag] }) {
  const decipher = crypto.createDecipheriv('chacha20-poly1305', crypto.createSecretKey(key), nonce, { authTagLength: 16 });
  decipher.setAAD(associatedData, { plaintextLength: ciphertext.length });
  decipher.setAuthTag(tag);
  const plaintext = decipher.update(ciphertext);
  decipher.final();
  return plaintext;
}

const rawOf = (key) => Buffer.from(key.export({ format: 'jwk' }).x, 'base64url');
const makeKey = () => {
  const { privateKey, publicKey } = crypto.generateKeyPairSync('x25519');
  return { privateKey, raw: rawOf(publicKey) };
};
const receive = (raw) => crypto.createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: raw.toString('base64url') }, format: 'jwk' });
const agree = ({ privateKey }, publicKey) => crypto.diffieHellman({ privateKey, publicKey });

function makeSigner() {
  const { privateKey, publicKey } = crypto.generateKeyPairSync('ed25519');
  return { sign: (message) => crypto.sign(null, message, privateKey), verify: (message, signature) => crypto.verify(null, message, publicKey, signature) };
}

function makeKem() {
  const { privateKey, publicKey } = crypto.generateKeyPairSync('ml-kem-768');
  return { wire: publicKey.export({ format: 'der', type: 'spki' }), open: (ciphertext) => crypto.decapsulate(privateKey, ciphertext) };
}

function encapsulate(wire) {
  const { ciphertext, sharedKey } = crypto.encapsulate(crypto.createPublicKey({ key: wire, format: 'der', type: 'spki' }));
  return [ciphertext, sharedKey];
}

const sha256 = (data) => crypto.hash('sha256', data, 'buffer');

export const nodeCalls = { hmac, sha256, seal, unseal, makeKey, receive, agree, makeSigner, makeKem, encapsulate };
