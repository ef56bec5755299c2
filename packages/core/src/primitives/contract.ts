/** What both suites export, function by function. A suite that drifts from it does not compile. @module */
import type { Ed25519PublicKey, Ed25519SecretKey, KemPublicKey, KemSecretKey, X25519PublicKey, X25519SecretKey } from './keys.ts';
import type { Secret } from './secret.ts';

/** `key` 32 bytes, as a `Secret` if it is used more than once; `nonce` 12 bytes, never the same pair twice. */
export type AeadInput = { readonly key: Uint8Array | Secret; readonly nonce: Uint8Array; readonly associatedData: Uint8Array };

/** Where a drawn key comes from: an `Env`. */
export type RandomSource = { randomBytes(length: number): Uint8Array };

export type Suite = {
  /** 32 bytes (FIPS 180-4). */
  sha256(data: Uint8Array): Uint8Array;
  /** SHA-256 of bytes, or of text in UTF-8, as base64url: 43 characters. Here because text in and text out costs half. @throws as `encodeUtf8`. */
  hashBase64url(data: Uint8Array | string): string;
  /** 32 bytes (RFC 2104). */
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** ChaCha20-Poly1305 (RFC 8439): ciphertext ‖ 16-byte tag. */
  encryptAead(input: AeadInput & { readonly plaintext: Uint8Array }): Uint8Array;
  /** @throws CryptoError `TALOS_CRYPTO_OPEN`, one opaque code, nothing of the plaintext. */
  decryptAead(input: AeadInput & { readonly ciphertext: Uint8Array }): Uint8Array;
  /** Copies the seed. */
  importEd25519SecretKey(seed: Uint8Array): Ed25519SecretKey;
  /** @throws CryptoError `TALOS_CRYPTO_BAD_KEY`: not 32 bytes, y ≥ p, or small order. */
  importEd25519PublicKey(bytes: Uint8Array): Ed25519PublicKey;
  /** 64 bytes, deterministic (RFC 8032 §5.1.6). */
  signEd25519(secretKey: Ed25519SecretKey, message: Uint8Array): Uint8Array;
  /** Cofactorless, R compared as bytes and not of small order, S < L. @throws CryptoError `TALOS_CRYPTO_SIGNATURE`. */
  verifyEd25519(publicKey: Ed25519PublicKey, message: Uint8Array, signature: Uint8Array): void;
  /** Copies the scalar. */
  importX25519SecretKey(scalar: Uint8Array): X25519SecretKey;
  /**
   * A fresh key pair, of 32 bytes of the source. A source whose `randomBytes` is this suite's own means the platform's generator: the platform
   * may then draw the key by itself.
   */
  generateX25519SecretKey(source: RandomSource): X25519SecretKey;
  /** @throws CryptoError `TALOS_CRYPTO_BAD_KEY` if not 32 bytes. */
  importX25519PublicKey(bytes: Uint8Array): X25519PublicKey;
  /** The shared point, 32 bytes (RFC 7748 §6.1). @throws CryptoError `TALOS_CRYPTO_WEAK_SHARED_SECRET` if all zero. */
  agreeX25519(ownSecretKey: X25519SecretKey, peerPublicKey: X25519PublicKey): Uint8Array;
  /** From the platform's generator, a fresh array. */
  randomBytes(length: number): Uint8Array<ArrayBuffer>;
  /** As `bytes/base64url`; here because a platform can be ten times faster, and tokens are decoded before anything is known of them. A view: read it. */
  decodeBase64url(text: string): Uint8Array;
  /** As `bytes/utf8`, and for the same reason here. The bytes are the caller's, the buffer behind them is not. @throws EncodingError on a lone surrogate. */
  encodeUtf8(text: string): Uint8Array;
};

export type KemSuite = {
  /** @param seed - d ‖ z, 64 bytes; copied. */
  importKemSecretKey(seed: Uint8Array): KemSecretKey;
  /** @throws CryptoError `TALOS_CRYPTO_BAD_KEY` if not 1,184 bytes or a coefficient is out of range (FIPS 203 §7.2). */
  importKemPublicKey(bytes: Uint8Array): KemPublicKey;
  /** `ciphertext` 1,088 bytes, `sharedSecret` 32 bytes. */
  encapsulate(peerPublicKey: KemPublicKey): { readonly ciphertext: Uint8Array; readonly sharedSecret: Uint8Array };
  /** 32 bytes; implicit rejection gives a random-looking secret, never an error. @throws CryptoError `TALOS_CRYPTO_BAD_KEY` on a wrong length. */
  decapsulate(ownSecretKey: KemSecretKey, ciphertext: Uint8Array): Uint8Array;
};
