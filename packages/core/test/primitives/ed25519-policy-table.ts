/**
 * The one Ed25519 policy as a table (docs/spec/01 §4): what each suite on each version of Node has to answer, row by row.
 * A row on which two verifiers differ lets a counterparty sign evidence that is green in one place and red in another.
 *
 * The rows are built here from the curve, except those of the paper "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko,
 * 2020, table 6c), which are restated as facts.
 * @module
 */
import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { concatBytes } from '../../src/bytes/concat.ts';
import { decodeHex, encodeHex } from '../../src/bytes/hex.ts';
import { encodeUtf8 } from '../../src/bytes/utf8.ts';
import { TalosError } from '../../src/errors/talos-error.ts';
import type { Suite } from '../../src/primitives/contract.ts';

export type Verdict = 'accept' | 'bad key' | 'bad signature';

export type PolicyCase = {
  readonly name: string;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly expected: Verdict;
};

const { Point } = ed25519;
type EdwardsPoint = InstanceType<typeof Point>;

const L = Point.Fn.ORDER;
const p = 2n ** 255n - 19n;
const signBit = 2n ** 255n;

/** A generator of the eight small-order points. */
const torsion = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', true);
const torsionMultiple = (i: number): EdwardsPoint => torsion.multiplyUnsafe(BigInt(i));

/** An honest key; its scalar is known, as it is to a dishonest counterparty who signs with a key of its own. */
const seed = new Uint8Array(32).fill(7);
const { scalar: secretScalar, point: honestPoint } = ed25519.utils.getExtendedPublicKey(seed);
const honestKey = ed25519.getPublicKey(seed);
const nonceScalar = 123_456_789_123_456_789n;
const message = encodeUtf8('pay 100 to Alice');

/** One answer a row, in the order of the table. */
export function runPolicyTable(
  suite: Pick<Suite, 'importEd25519PublicKey' | 'verifyEd25519'>,
  cases: readonly PolicyCase[] = policyCases(),
): readonly string[] {
  return cases.map((row) => `${row.name}: ${verdictOf(suite, row)}`);
}

export function policyCases(): readonly PolicyCase[] {
  return [...honestCases(), ...keyCases(), ...smallOrderKeyCases(), ...mixedOrderKeyCases(), ...commitmentCases(), ...scalarCases(), ...paperCases()];
}

/** Anything but the two coded refusals is a verdict of its own, which no row expects. */
function verdictOf(suite: Pick<Suite, 'importEd25519PublicKey' | 'verifyEd25519'>, row: PolicyCase): string {
  try {
    suite.verifyEd25519(suite.importEd25519PublicKey(row.publicKey), row.message, row.signature);
    return 'accept';
  } catch (error) {
    if (TalosError.isInstance(error) && error.code === 'TALOS_CRYPTO_BAD_KEY') return 'bad key';
    if (TalosError.isInstance(error) && error.code === 'TALOS_CRYPTO_SIGNATURE') return 'bad signature';
    return `uncoded ${String(error)}`;
  }
}

function honestCases(): PolicyCase[] {
  const signature = ed25519.sign(message, seed);
  const row = (name: string, changed: Partial<PolicyCase>, expected: Verdict = 'bad signature'): PolicyCase => ({
    name,
    publicKey: honestKey,
    message,
    signature,
    expected,
    ...changed,
  });
  return [
    row('an honest signature', {}, 'accept'),
    row('another message', { message: encodeUtf8('pay 900 to Alice') }),
    row('another key', { publicKey: ed25519.getPublicKey(new Uint8Array(32).fill(8)) }),
    row('one bit of R', { signature: flip(signature, 0) }),
    row('one bit of S', { signature: flip(signature, 32) }),
    row('the sign bit of R', { signature: flip(signature, 31, 0x80) }),
    row('no signature', { signature: new Uint8Array(0) }),
    row('63 bytes', { signature: signature.subarray(0, 63) }),
    row('65 bytes', { signature: concatBytes(signature, Uint8Array.of(0)) }),
    row('a key of 31 bytes', { publicKey: honestKey.subarray(0, 31) }, 'bad key'),
    row('a key of 33 bytes', { publicKey: concatBytes(honestKey, Uint8Array.of(0)) }, 'bad key'),
    row('an empty key', { publicKey: new Uint8Array(0) }, 'bad key'),
  ];
}

/** Encodings: every y of p or more is a second name of a smaller one; a y off the curve is no key, found at the first verification. */
function keyCases(): PolicyCase[] {
  const signature = ed25519.sign(message, seed);
  const cases: PolicyCase[] = [];
  for (let i = 0n; i < 19n; i++) {
    for (const sign of [0n, signBit]) {
      cases.push({
        name: `A with y = p + ${i}${sign === 0n ? '' : ', sign set'}`,
        publicKey: encodeInteger(p + i + sign),
        message,
        signature,
        expected: 'bad key',
      });
    }
  }
  const offCurve = [2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n].map((y) => encodeInteger(y)).find((bytes) => !isOnCurve(bytes)) as Uint8Array;
  cases.push({ name: 'A off the curve', publicKey: offCurve, message, signature, expected: 'bad signature' });
  cases.push({ name: 'A with the other sign', publicKey: flip(honestKey, 31, 0x80), message, signature, expected: 'bad signature' });
  return cases;
}

/**
 * Under a small-order A the equation holds for a message as soon as k is a multiple of A's order, so anybody forges in eight tries:
 * the signature is right by the cofactorless equation, and only the key can be refused.
 */
function smallOrderKeyCases(): PolicyCase[] {
  const names = new Set([0, 1, 2, 3, 4, 5, 6, 7].map((i) => encodeHex(torsionMultiple(i).toBytes())));
  // The second names of the same points: x = 0 with the sign set, and y = p, p + 1.
  for (const y of [1n + signBit, p - 1n + signBit, p, p + signBit, p + 1n, p + 1n + signBit]) names.add(encodeHex(encodeInteger(y)));
  return [...names].map((name) => {
    const publicKey = decodeHex(name);
    const r = Point.BASE.multiply(nonceScalar).toBytes();
    const forged = searchMessage(r, publicKey, (k) => k % 8n === 0n);
    return {
      name: `a forgery under the small-order key ${name}`,
      publicKey,
      message: forged,
      signature: concatBytes(r, encodeInteger(nonceScalar)),
      expected: 'bad key',
    };
  });
}

/** A + T: accepted where the cofactorless equation holds (k is a multiple of T's order), refused where only the cofactored one does. */
function mixedOrderKeyCases(): PolicyCase[] {
  return [1, 2, 3, 4, 5, 6, 7].flatMap((i) => {
    const publicKey = honestPoint.add(torsionMultiple(i)).toBytes();
    const r = Point.BASE.multiply(nonceScalar).toBytes();
    const order = i === 4 ? 2n : i % 2 === 0 ? 4n : 8n;
    const signed = (text: Uint8Array): Uint8Array =>
      concatBytes(r, encodeInteger(Point.Fn.create(nonceScalar + hashToScalar(r, publicKey, text) * secretScalar)));
    const bothHold = searchMessage(r, publicKey, (k) => k % order === 0n);
    const cofactoredOnly = searchMessage(r, publicKey, (k) => k % order !== 0n);
    return [
      { name: `mixed-order A (${i}T), both equations hold`, publicKey, message: bothHold, signature: signed(bothHold), expected: 'accept' },
      {
        name: `mixed-order A (${i}T), only the cofactored equation holds`,
        publicKey,
        message: cofactoredOnly,
        signature: signed(cofactoredOnly),
        expected: 'bad signature',
      },
    ];
  });
}

/** R with torsion, R of small order and R in a second encoding; S is computed for exactly these bytes of R. */
function commitmentCases(): PolicyCase[] {
  const row = (name: string, r: Uint8Array, rScalar: bigint, expected: Verdict): PolicyCase => {
    const s = Point.Fn.create(rScalar + hashToScalar(r, honestKey, message) * secretScalar);
    return { name, publicKey: honestKey, message, signature: concatBytes(r, encodeInteger(s)), expected };
  };
  const base = Point.BASE.multiply(nonceScalar);
  return [
    row('R from a nonce of our own', base.toBytes(), nonceScalar, 'accept'),
    ...[1, 2, 3, 4, 5, 6, 7].map((i) => row(`R + ${i}T`, base.add(torsionMultiple(i)).toBytes(), nonceScalar, 'bad signature')),
    // The equation holds: older Nodes and noble would accept it, newer Nodes do not.
    row('R is the neutral point', Point.ZERO.toBytes(), 0n, 'bad signature'),
    ...[1, 2, 3, 4, 5, 6, 7].map((i) => row(`R = ${i}T`, torsionMultiple(i).toBytes(), 0n, 'bad signature')),
    row('R is the neutral point with the sign set', encodeInteger(1n + signBit), 0n, 'bad signature'),
    row('R is the neutral point as y = p + 1', encodeInteger(p + 1n), 0n, 'bad signature'),
    row('R is the neutral point as y = p + 1 with the sign set', encodeInteger(p + 1n + signBit), 0n, 'bad signature'),
    row('R off the curve', encodeInteger(2n), 0n, 'bad signature'),
    row('R all ones', new Uint8Array(32).fill(255), 0n, 'bad signature'),
  ];
}

/** S is below L or refused: S + L is the same signature under another name (RFC 8032 §5.1.7). */
function scalarCases(): PolicyCase[] {
  const signature = ed25519.sign(message, seed);
  const r = signature.subarray(0, 32);
  const s = decodeInteger(signature.subarray(32));
  const row = (name: string, value: bigint): PolicyCase => ({
    name,
    publicKey: honestKey,
    message,
    signature: concatBytes(r, encodeInteger(value)),
    expected: 'bad signature',
  });
  const multiples = Array.from({ length: 15 }, (_, i) => BigInt(i + 1)).filter((i) => s + i * L < 2n ** 256n);
  return [
    ...multiples.map((i) => row(`S + ${i}L`, s + i * L)),
    row('S with bit 253 set', s | (2n ** 253n)),
    row('S with bit 255 set', s | signBit),
    row('S = 0', 0n),
    row('S = L', L),
    row('S = 2^256 - 1', 2n ** 256n - 1n),
  ];
}

/** Table 6c of the paper; its verdicts for a strict cofactorless verifier that takes no A or R of small order, as ours. */
function paperCases(): PolicyCase[] {
  const small = 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa';
  const mixed = 'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43';
  const mixedToo = 'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d';
  const large = '442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623';
  const minusZero = 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff';
  const rows: readonly (readonly [title: string, publicKey: string, message: string, r: string, s: string, expected: Verdict])[] = [
    [
      '0 S = 0, small A and R',
      small,
      '8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
      '00'.repeat(32),
      'bad key',
    ],
    [
      '1 small A, mixed R',
      small,
      '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
      mixed,
      'a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
      'bad key',
    ],
    [
      '2 mixed A, small R',
      mixed,
      'aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab',
      small,
      '8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e',
      'bad signature',
    ],
    [
      '3 mixed A and R, both equations hold',
      mixedToo,
      '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
      '9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f',
      '87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009',
      'accept',
    ],
    [
      '4 mixed A and R, cofactored only',
      mixedToo,
      'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
      '160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512',
      '5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09',
      'bad signature',
    ],
    [
      '5 mixed A, cofactored with 8k not reduced',
      mixedToo,
      'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
      '21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7',
      'e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405',
      'bad signature',
    ],
    [
      '6 S above L',
      large,
      '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
      'e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e',
      '547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514',
      'bad signature',
    ],
    [
      '7 S far above L',
      large,
      '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
      '8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942',
      '7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22',
      'bad signature',
    ],
    [
      '8 R not canonical, reduced for the hash',
      mixed,
      '9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41',
      minusZero,
      '03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f',
      'bad signature',
    ],
    [
      '9 R not canonical, hashed as it is',
      mixed,
      '9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41',
      minusZero,
      'ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908',
      'bad signature',
    ],
    [
      '10 A not canonical, reduced for the hash',
      minusZero,
      'e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b',
      'a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc',
      'a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
      'bad key',
    ],
    [
      '11 A not canonical, hashed as it is',
      minusZero,
      '39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f',
      'a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc',
      'a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
      'bad key',
    ],
  ];
  return rows.map(([title, publicKey, text, r, s, expected]) => ({
    name: `paper ${title}`,
    publicKey: decodeHex(publicKey),
    message: decodeHex(text),
    signature: decodeHex(r + s),
    expected,
  }));
}

/** The first numbered message whose k is as wanted. */
function searchMessage(r: Uint8Array, publicKey: Uint8Array, wanted: (k: bigint) => boolean): Uint8Array {
  for (let i = 0; ; i++) {
    const candidate = encodeUtf8(`pay 100 to Alice, note ${i}`);
    if (wanted(hashToScalar(r, publicKey, candidate))) return candidate;
  }
}

function hashToScalar(r: Uint8Array, publicKey: Uint8Array, text: Uint8Array): bigint {
  return decodeInteger(createHash('sha512').update(r).update(publicKey).update(text).digest()) % L;
}

function isOnCurve(bytes: Uint8Array): boolean {
  try {
    Point.fromBytes(bytes);
    return true;
  } catch {
    return false;
  }
}

function encodeInteger(value: bigint): Uint8Array {
  return decodeHex(value.toString(16).padStart(64, '0')).reverse();
}

function decodeInteger(bytes: Uint8Array): bigint {
  return BigInt(`0x${encodeHex(Uint8Array.from(bytes).reverse())}`);
}

function flip(bytes: Uint8Array, index: number, mask = 1): Uint8Array {
  return bytes.with(index, (bytes[index] as number) ^ mask);
}
