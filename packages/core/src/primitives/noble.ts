/** The portable suite: browsers, workers, any runtime with `crypto.getRandomValues`. @module */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { getPublicKey, hashes, Point, sign } from '@noble/ed25519';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256, sha512 } from '@noble/hashes/sha2.js';
import { CryptoError } from '../errors/crypto-error.ts';
import { encodeBase64url } from '../bytes/base64url.ts';
import { equalBytes } from '../bytes/equal.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import type { Suite } from './contract.ts';
import { badSignature, checkEd25519PublicKey, checkLength, hasSmallOrder } from './ed25519-policy.ts';
import { checkAeadInput, checkRandomLength, refuseToOpen } from './input-checks.ts';
import { native, type Ed25519PublicKey, type X25519PublicKey } from './keys.ts';
import { Secret } from './secret.ts';

export const sha256: Suite['sha256'] = (data) => nobleSha256(data);

export const hashBase64url: Suite['hashBase64url'] = (data) => encodeBase64url(nobleSha256(typeof data === 'string' ? encodeUtf8(data) : data));

export const hmacSha256: Suite['hmacSha256'] = (key, data) => hmac(nobleSha256, key, data);

export const encryptAead: Suite['encryptAead'] = (input) => {
  return chacha20poly1305(checkAeadInput(input), input.nonce, input.associatedData).encrypt(input.plaintext);
};

export const decryptAead: Suite['decryptAead'] = (input) => {
  const key = checkAeadInput(input);
  try {
    return chacha20poly1305(key, input.nonce, input.associatedData).decrypt(input.ciphertext);
  } catch {
    throw refuseToOpen();
  }
};

export const importEd25519SecretKey: Suite['importEd25519SecretKey'] = (bytes) => {
  const seed = checkLength(bytes, 32, 'an Ed25519 seed');
  const publicKey: Ed25519PublicKey = { kind: 'ed25519-public', bytes: getPublicKey(withSha512(seed)), [native]: undefined };
  return { kind: 'ed25519-secret', publicKey, seed: new Secret(seed), [native]: undefined };
};

export const importEd25519PublicKey: Suite['importEd25519PublicKey'] = (bytes) => ({
  kind: 'ed25519-public',
  bytes: checkEd25519PublicKey(bytes),
  [native]: undefined,
});

export const signEd25519: Suite['signEd25519'] = (secretKey, message) => sign(message, withSha512(secretKey.seed.expose()));

/** The library leaves the hash to its caller; set on use, since importing a module must change nothing. */
function withSha512<T>(value: T): T {
  hashes.sha512 ??= sha512;
  return value;
}

/**
 * Composed from the curve, because the library's own verify is cofactored even in its strict mode:
 * R' = [S]B − [k]A, then R' and R compared as bytes (RFC 8032 §5.1.7 without the cofactor).
 */
export const verifyEd25519: Suite['verifyEd25519'] = (publicKey, message, signature) => {
  if (signature.length !== 64 || hasSmallOrder(signature) || !matches(publicKey, message, signature)) throw badSignature();
};

/** Order of the base point (RFC 8032 §5.1). */
const order = 2n ** 252n + 27742317777372353535851937790883648493n;

function matches(publicKey: Ed25519PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  const s = littleEndian(signature.subarray(32));
  if (s >= order) return false;
  const r = signature.subarray(0, 32);
  const k = littleEndian(sha512.create().update(r).update(publicKey.bytes).update(message).digest()) % order;
  const expected = pointOf(publicKey);
  if (expected === undefined) return false;
  const computed = Point.BASE.multiplyUnsafe(s).subtract(expected.multiplyUnsafe(k));
  return equalBytes(computed.toBytes(), r);
}

/** Undefined if the bytes are on no curve point: such a key verifies nothing, as in the other suite. */
function pointOf(publicKey: Ed25519PublicKey): Point | undefined {
  try {
    return Point.fromBytes(publicKey.bytes, false);
  } catch {
    return undefined;
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  return value;
}

export const importX25519SecretKey: Suite['importX25519SecretKey'] = (bytes) => {
  const scalar = checkLength(bytes, 32, 'an X25519 scalar');
  const publicKey: X25519PublicKey = { kind: 'x25519-public', bytes: x25519.getPublicKey(scalar), [native]: undefined };
  return { kind: 'x25519-secret', publicKey, scalar: new Secret(scalar), [native]: undefined };
};

export const generateX25519SecretKey: Suite['generateX25519SecretKey'] = (source) => {
  const scalar = source.randomBytes(32);
  const secretKey = importX25519SecretKey(scalar);
  scalar.fill(0);
  return secretKey;
};

export const importX25519PublicKey: Suite['importX25519PublicKey'] = (bytes) => {
  if (bytes.length !== 32) throw new CryptoError({ code: 'TALOS_CRYPTO_BAD_KEY', message: 'an X25519 public key has 32 bytes' });
  return { kind: 'x25519-public', bytes: Uint8Array.from(bytes), [native]: undefined };
};

export const agreeX25519: Suite['agreeX25519'] = (ownSecretKey, peerPublicKey) => {
  const scalar = ownSecretKey.scalar.expose();
  try {
    return x25519.getSharedSecret(scalar, peerPublicKey.bytes);
  } catch {
    throw new CryptoError({ code: 'TALOS_CRYPTO_WEAK_SHARED_SECRET', message: 'the key agreement is all zero: the peer key has small order' });
  }
};

/** The most that one call of `getRandomValues` gives. */
const maxDraw = 65536;

/** Named here because the pure rooms see no platform types. A runtime without it throws at the first draw: there is no weaker source to fall back to. */
type Platform = { readonly crypto: { getRandomValues(bytes: Uint8Array): unknown } };

/** As in the Node suite: one call to the generator costs more than 12 bytes are worth, and what is handed out is wiped from the pool. */
const poolLength = 4096;
let pool = /* @__PURE__ */ new Uint8Array(0);
let poolOffset = 0;

export const randomBytes: Suite['randomBytes'] = (length) => {
  checkRandomLength(length);
  if (poolOffset + length > pool.length) {
    pool = new Uint8Array(Math.max(length, poolLength));
    for (let i = 0; i < pool.length; i += maxDraw) (globalThis as unknown as Platform).crypto.getRandomValues(pool.subarray(i, i + maxDraw));
    poolOffset = 0;
  }
  const bytes = pool.slice(poolOffset, poolOffset + length);
  pool.fill(0, poolOffset, (poolOffset += length));
  return bytes;
};

export { decodeBase64url } from '../bytes/base64url.ts';
export { encodeUtf8 } from '../bytes/utf8.ts';
