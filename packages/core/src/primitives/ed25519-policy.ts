/**
 * The one Ed25519 policy, for both suites (docs/spec/01 §4): which keys are imported, and which R is not even compared.
 *
 * Libraries differ: node:crypto on Node 22 accepts forgeries under the small-order key 01 00…00, and cofactored verifiers
 * accept signatures that cofactorless ones refuse. A counterparty could sign evidence that is green here and red there.
 * Newer versions of Node refuse an R of small order, older ones and noble do not.
 * So: y < p, no small order of A or R, and no point is decompressed before the first verification, where a key off the curve verifies nothing.
 * @module
 */
import { encodeHex } from '../bytes/hex.ts';
import { CryptoError } from '../errors/crypto-error.ts';
import { UsageError } from '../errors/usage-error.ts';

/** The y coordinates of the eight points of order 1, 2, 4 and 8, little endian, sign bit clear (RFC 7748 and 8032 curve constants). */
const smallOrderY: ReadonlySet<string> = /* @__PURE__ */ new Set([
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
]);

/** The first bytes of those: all but one in fifty random points are told apart without a look at the rest. */
const smallOrderHeads = /* @__PURE__ */ Uint8Array.of(0x01, 0xec, 0x00, 0xc7, 0x26);

/** @param encoding - Begins with the 32 bytes of a point, A or the R of a signature. */
export function hasSmallOrder(encoding: Uint8Array): boolean {
  if (!smallOrderHeads.includes(encoding[0] as number)) return false;
  const y = Uint8Array.from(encoding.subarray(0, 32));
  y[31] = (y[31] as number) & 0x7f;
  return smallOrderY.has(encodeHex(y));
}

/** A private copy of the 32 bytes. @throws {@link CryptoError} `TALOS_CRYPTO_BAD_KEY`. */
export function checkEd25519PublicKey(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.length !== 32) throw badKey();
  const y = Uint8Array.from(bytes);
  y[31] = (y[31] as number) & 0x7f;
  if (isAtLeastP(y) || hasSmallOrder(y)) throw badKey();
  return Uint8Array.from(bytes);
}

/** p = 2^255 − 19 is ed ff … ff 7f in little endian. */
function isAtLeastP(y: Uint8Array): boolean {
  if ((y[31] as number) !== 0x7f || (y[0] as number) < 0xed) return false;
  for (let i = 1; i < 31; i++) if (y[i] !== 0xff) return false;
  return true;
}

function badKey(): CryptoError {
  return new CryptoError({ code: 'TALOS_CRYPTO_BAD_KEY', message: 'not an Ed25519 public key: wrong length, not canonical, or of small order' });
}

export function badSignature(): CryptoError {
  return new CryptoError({ code: 'TALOS_CRYPTO_SIGNATURE', message: 'the signature does not verify under this key' });
}

/** Misuse by our caller, not an attacker: a secret of another length can only be a mistake. */
export function checkLength(bytes: Uint8Array, length: number, title: string): Uint8Array<ArrayBuffer> {
  if (bytes.length !== length) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `${title} must be ${length} bytes` });
  return Uint8Array.from(bytes);
}
