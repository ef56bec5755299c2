import { importEd25519PublicKey, importEd25519SecretKey, signEd25519, verifyEd25519 } from '#suite';
import type { Env } from '../env/env.ts';
import type { Ed25519PublicKey, Ed25519SecretKey } from '../primitives/keys.ts';

/** Signs with a key that need not be in this process: a KMS, an HSM or an agent behind a socket fits. */
export interface Signer {
  readonly publicKey: Ed25519PublicKey;
  /** The Ed25519 signature, 64 bytes, of exactly `message`. Rejects if the key cannot be reached; never signs something else. */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** A signer over a key in memory. */
export function localSigner(secretKey: Ed25519SecretKey): Signer {
  return { publicKey: secretKey.publicKey, sign: (message) => signEd25519(secretKey, message) };
}

/** A signer over a fresh key, gone with the process: an agent or a log that nobody has to find again. */
export function generateSigner(env: Env): Signer {
  return localSigner(importEd25519SecretKey(env.randomBytes(32)));
}

/**
 * The other half of a {@link Signer}, for formats beside the core: returns if `publicKey` (32 bytes) signed exactly `message`, under the
 * one policy of docs/spec/01 §4.
 * @throws {@link CryptoError} `TALOS_CRYPTO_BAD_KEY` or `TALOS_CRYPTO_SIGNATURE`.
 */
export function verifySignature({ publicKey, message, signature }: SignatureClaim): void {
  verifyEd25519(importEd25519PublicKey(publicKey), message, signature);
}

/** `publicKey`: 32 bytes. `signature`: 64 bytes. */
export type SignatureClaim = { readonly publicKey: Uint8Array; readonly message: Uint8Array; readonly signature: Uint8Array };
