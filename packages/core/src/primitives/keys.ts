/** Key handles. The role is in the type, so that an agreement key cannot be passed where a signature key belongs. @module */
import type { Secret } from './secret.ts';

/** Where a suite keeps what it imported: a KeyObject, a curve point. Opaque to everybody else. */
export const native: unique symbol = Symbol('talos.native');

/** Ed25519 public key that passed the import policy of docs/spec/01 §4. `bytes`: 32, do not write. */
export type Ed25519PublicKey = { readonly kind: 'ed25519-public'; readonly bytes: Uint8Array; readonly [native]: unknown };

/** Ed25519 key pair. `seed`: 32 bytes (RFC 8032 §5.1.5). */
export type Ed25519SecretKey = { readonly kind: 'ed25519-secret'; readonly publicKey: Ed25519PublicKey; readonly seed: Secret; readonly [native]: unknown };

/** X25519 public key. `bytes`: 32, do not write. */
export type X25519PublicKey = { readonly kind: 'x25519-public'; readonly bytes: Uint8Array; readonly [native]: unknown };

/** X25519 key pair. `scalar`: 32 bytes, clamped by the primitive (RFC 7748 §5). */
export type X25519SecretKey = { readonly kind: 'x25519-secret'; readonly publicKey: X25519PublicKey; readonly scalar: Secret; readonly [native]: unknown };

/** ML-KEM-768 encapsulation key (FIPS 203). `bytes`: 1,184. */
export type KemPublicKey = { readonly kind: 'ml-kem-768-public'; readonly bytes: Uint8Array; readonly [native]: unknown };

/** ML-KEM-768 key pair, kept as its seed d ‖ z, 64 bytes (FIPS 203 §7.1). */
export type KemSecretKey = { readonly kind: 'ml-kem-768-secret'; readonly publicKey: KemPublicKey; readonly seed: Secret; readonly [native]: unknown };
