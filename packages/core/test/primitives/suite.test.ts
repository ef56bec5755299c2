import { describe, expect, it } from 'vitest';
import { decodeHex, encodeHex } from '../../src/bytes/hex.ts';
import { encodeUtf8 } from '../../src/bytes/utf8.ts';
import type { Suite } from '../../src/primitives/contract.ts';
import { Secret } from '../../src/primitives/secret.ts';
import { codeOf } from '../errors/code-of.ts';
import { suites } from './suites.ts';

const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
const scalar = filled(32, 0x42);

/** The u coordinates whose order divides 8, on the curve and its twist, and their second names (RFC 7748 §7; little endian). */
const smallOrderPoints = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].flatMap((name) => {
  const bytes = decodeHex(name);
  return [name, encodeHex(bytes.with(31, (bytes[31] as number) | 0x80))];
});

describe.each(suites)('X25519, $name suite', ({ suite }) => {
  it.each(smallOrderPoints)('[X25519-NOT-ZERO] refuses the small-order point %s', (name) => {
    const peer = suite.importX25519PublicKey(decodeHex(name));
    expect(codeOf(() => suite.agreeX25519(suite.importX25519SecretKey(scalar), peer))).toBe('TALOS_CRYPTO_WEAK_SHARED_SECRET');
  });

  it('[X25519-NOT-ZERO] ignores bit 255 of an honest key, as RFC 7748 §5 says', () => {
    const own = suite.importX25519SecretKey(scalar);
    const honest = suite.importX25519SecretKey(filled(32, 0x17)).publicKey.bytes;
    const marked = honest.with(31, (honest[31] as number) | 0x80);
    expect(suite.agreeX25519(own, suite.importX25519PublicKey(marked))).toEqual(suite.agreeX25519(own, suite.importX25519PublicKey(honest)));
  });

  it('[RANDOM-FRESH] draws a key that no other is, and whose scalar gives it again', () => {
    const drawn = Array.from({ length: 64 }, () => suite.generateX25519SecretKey(suite));
    expect(new Set(drawn.map((key) => encodeHex(key.publicKey.bytes))).size).toBe(64);
    const peer = suite.importX25519SecretKey(scalar);
    for (const key of drawn.slice(0, 8)) {
      const again = suite.importX25519SecretKey(key.scalar.expose());
      expect(again.publicKey.bytes).toEqual(key.publicKey.bytes);
      expect(suite.agreeX25519(key, peer.publicKey)).toEqual(suite.agreeX25519(peer, again.publicKey));
    }
  });

  it('[SUITE-EQUAL] draws a key from a source of its own, and wipes what it drew', () => {
    const handed: Uint8Array[] = [];
    const source = {
      randomBytes(length: number) {
        handed.push(Uint8Array.from(scalar));
        expect(length).toBe(32);
        return handed.at(-1) as Uint8Array;
      },
    };
    expect(suite.generateX25519SecretKey(source).publicKey.bytes).toEqual(suite.importX25519SecretKey(scalar).publicKey.bytes);
    expect(handed).toEqual([filled(32, 0)]);
  });

  it('[SECRET-WIPED] a drawn key is refused once it is wiped', () => {
    const key = suite.generateX25519SecretKey(suite);
    const bytes = key.scalar.expose();
    key.scalar.wipe();
    expect(bytes).toEqual(filled(32, 0));
    expect(codeOf(() => suite.agreeX25519(key, suite.importX25519SecretKey(scalar).publicKey))).toBe('TALOS_USAGE_CLOSED');
  });

  it.each([0, 31, 33])('[SUITE-LENGTHS] refuses a key of %i bytes', (length) => {
    expect(codeOf(() => suite.importX25519PublicKey(filled(length, 9)))).toBe('TALOS_CRYPTO_BAD_KEY');
    expect(codeOf(() => suite.importX25519SecretKey(filled(length, 9)))).toBe('TALOS_USAGE_ARGUMENT');
    expect(codeOf(() => suite.importEd25519SecretKey(filled(length, 9)))).toBe('TALOS_USAGE_ARGUMENT');
  });
});

describe.each(suites)('ChaCha20-Poly1305, $name suite', ({ suite }) => {
  const input = { key: filled(32, 1), nonce: filled(12, 2), associatedData: encodeUtf8('header') };
  const ciphertext = suite.encryptAead({ ...input, plaintext: encodeUtf8('attack at dawn') });

  it('[AEAD-OPAQUE] refuses every flipped bit of ciphertext, tag, nonce, key and associated data with one code', () => {
    const parts = { ...input, ciphertext };
    for (const [part, bytes] of Object.entries(parts)) {
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const changed = bytes.with(bit >> 3, (bytes[bit >> 3] as number) ^ (1 << (bit & 7)));
        expect(
          codeOf(() => suite.decryptAead({ ...parts, [part]: changed })),
          `${part} bit ${bit}`,
        ).toBe('TALOS_CRYPTO_OPEN');
      }
    }
    expect(suite.decryptAead(parts)).toEqual(encodeUtf8('attack at dawn'));
  });

  it('[AEAD-OPAQUE] refuses every truncation and an appended byte', () => {
    for (let length = 0; length < ciphertext.length; length++) {
      expect(codeOf(() => suite.decryptAead({ ...input, ciphertext: ciphertext.subarray(0, length) }))).toBe('TALOS_CRYPTO_OPEN');
    }
    expect(codeOf(() => suite.decryptAead({ ...input, ciphertext: Uint8Array.from([...ciphertext, 0]) }))).toBe('TALOS_CRYPTO_OPEN');
  });

  it('[AEAD-OPAQUE] the message is the same whatever is wrong', () => {
    const messageOf = (changed: { readonly [part: string]: Uint8Array }): string => {
      try {
        suite.decryptAead({ ...input, ciphertext, ...changed });
      } catch (error) {
        return (error as Error).message;
      }
      return 'nothing thrown';
    };
    const changes = [{ ciphertext: filled(0, 0) }, { ciphertext: filled(40, 0) }, { key: filled(32, 9) }, { associatedData: filled(0, 0) }];
    const messages = changes.map((changed) => messageOf(changed));
    expect(new Set(messages)).toEqual(new Set(['the ciphertext does not open']));
  });

  it.each([
    ['a nonce of 8 bytes, which OpenSSL pads', { nonce: filled(8, 2) }],
    ['a nonce of 11 bytes', { nonce: filled(11, 2) }],
    ['a nonce of 16 bytes', { nonce: filled(16, 2) }],
    ['no nonce', { nonce: filled(0, 2) }],
    ['a key of 16 bytes', { key: filled(16, 1) }],
    ['a key of 33 bytes', { key: filled(33, 1) }],
  ])('[SUITE-LENGTHS] refuses %s', (_why, changed) => {
    expect(codeOf(() => suite.encryptAead({ ...input, ...changed, plaintext: filled(1, 0) }))).toBe('TALOS_USAGE_ARGUMENT');
    expect(codeOf(() => suite.decryptAead({ ...input, ...changed, ciphertext }))).toBe('TALOS_USAGE_ARGUMENT');
  });

  it('[SECRET-WIPED] takes a secret as its key again and again, until it is wiped', () => {
    const key = new Secret(Uint8Array.from(input.key));
    for (let i = 0; i < 2; i++) {
      expect(suite.encryptAead({ ...input, key, plaintext: encodeUtf8('attack at dawn') })).toEqual(ciphertext);
      expect(suite.decryptAead({ ...input, key, ciphertext })).toEqual(encodeUtf8('attack at dawn'));
    }
    key.wipe();
    expect(codeOf(() => suite.encryptAead({ ...input, key, plaintext: filled(1, 0) }))).toBe('TALOS_USAGE_CLOSED');
    expect(codeOf(() => suite.decryptAead({ ...input, key, ciphertext }))).toBe('TALOS_USAGE_CLOSED');
  });

  it('[SUITE-EQUAL] takes an empty text and empty associated data', () => {
    const bare = { ...input, associatedData: filled(0, 0) };
    const sealed = suite.encryptAead({ ...bare, plaintext: filled(0, 0) });
    expect(sealed).toHaveLength(16);
    expect(suite.decryptAead({ ...bare, ciphertext: sealed })).toEqual(filled(0, 0));
  });
});

describe('the two suites', () => {
  /** Everything deterministic, on inputs of awkward sizes and alignment, as one column of hex. */
  const column = (suite: Suite): string[] => {
    const rows: string[] = [];
    const key = filled(33, 5).subarray(1);
    const ed25519 = suite.importEd25519SecretKey(filled(32, 6));
    const x25519 = suite.importX25519SecretKey(filled(32, 7));
    rows.push(encodeHex(ed25519.publicKey.bytes), encodeHex(x25519.publicKey.bytes), encodeHex(suite.agreeX25519(x25519, x25519.publicKey)));
    for (const length of [0, 1, 15, 16, 17, 55, 56, 63, 64, 65, 127, 128, 1000, 65_537]) {
      // An odd offset: word-wise code must not rely on alignment.
      const data = Uint8Array.from({ length: length + 3 }, (_, i) => i * 7).subarray(3);
      rows.push(
        encodeHex(suite.sha256(data)),
        encodeHex(suite.hmacSha256(data, key)),
        encodeHex(suite.hmacSha256(key, data)),
        encodeHex(suite.signEd25519(ed25519, data)),
      );
      rows.push(encodeHex(suite.encryptAead({ key, nonce: filled(13, 8).subarray(1), associatedData: data.subarray(0, 20), plaintext: data })));
    }
    return rows;
  };

  it('[SUITE-EQUAL] give equal columns', () => {
    const [portable, node] = suites.map(({ suite }) => column(suite));
    expect(node).toEqual(portable);
  });

  it.each(suites)('[SUITE-EQUAL] give plain arrays of their own, and change no input: $name', ({ suite }) => {
    // A Buffer's slice is a view: code that slices and wipes would behave in two ways.
    const key = Buffer.from(filled(32, 5));
    const secretKey = suite.importEd25519SecretKey(key);
    const agreement = suite.importX25519SecretKey(key);
    const signature = suite.signEd25519(secretKey, key);
    const sealing = { key, nonce: filled(12, 0), associatedData: key, plaintext: key };
    const ciphertext = suite.encryptAead(sealing);
    const results = [
      suite.sha256(key),
      suite.hmacSha256(key, key),
      ciphertext,
      signature,
      suite.agreeX25519(agreement, agreement.publicKey),
      suite.randomBytes(16),
    ];
    results.push(
      suite.decryptAead({ ...sealing, ciphertext }),
      secretKey.publicKey.bytes,
      agreement.publicKey.bytes,
      suite.importEd25519PublicKey(secretKey.publicKey.bytes).bytes,
    );
    for (const result of results) {
      expect(Object.getPrototypeOf(result)).toBe(Uint8Array.prototype);
      expect(result.buffer.byteLength).toBe(result.length);
    }
    const handed = Buffer.from(signature);
    suite.verifyEd25519(secretKey.publicKey, key, handed);
    expect([encodeHex(key), encodeHex(handed)]).toEqual([encodeHex(filled(32, 5)), encodeHex(signature)]);
  });

  it.each(suites)('[SUITE-EQUAL] copy the secrets they import: $name', ({ suite }) => {
    const seed = filled(32, 5);
    const key = suite.importEd25519SecretKey(seed);
    const before = suite.signEd25519(key, seed);
    const message = Uint8Array.from(seed);
    seed.fill(0);
    expect(suite.signEd25519(key, message)).toEqual(before);
  });

  it.each(suites)('[SECRET-WIPED] refuse a key whose secret was wiped: $name', ({ suite }) => {
    const signing = suite.importEd25519SecretKey(filled(32, 5));
    const agreement = suite.importX25519SecretKey(filled(32, 5));
    signing.seed.wipe();
    agreement.scalar.wipe();
    expect(codeOf(() => suite.signEd25519(signing, filled(1, 0)))).toBe('TALOS_USAGE_CLOSED');
    expect(codeOf(() => suite.agreeX25519(agreement, agreement.publicKey))).toBe('TALOS_USAGE_CLOSED');
  });
});

describe.each(suites)('random bytes, $name suite', ({ suite }) => {
  it('[RANDOM-FRESH] never repeat, and a written result leaves the next one alone', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 5000; i++) {
      const bytes = suite.randomBytes(16);
      seen.add(encodeHex(bytes));
      bytes.fill(0);
    }
    expect(seen.size).toBe(5000);
  });

  it('[RANDOM-FRESH] are no zeros of a wiped pool at any boundary', () => {
    const lengths = [1, 12, 32, 511, 512, 513, 31, 7, 16, 4096, 64];
    for (let i = 0; i < 2000; i++) {
      const length = lengths[i % lengths.length] as number;
      const bytes = suite.randomBytes(length);
      expect(bytes).toHaveLength(length);
      // Eight zeros in a row by chance: once in 2^40 runs of this loop.
      expect(encodeHex(bytes).replaceAll(/../g, (byte) => (byte === '00' ? '.' : 'x'))).not.toContain('........');
    }
  });

  it.each([0, 65_536, 65_537, 1024 * 1024])('[RANDOM-FRESH] come in a length of %i', (length) => {
    const bytes = suite.randomBytes(length);
    expect(bytes).toHaveLength(length);
    if (length > 0) expect(bytes.subarray(-32).some((byte) => byte !== 0)).toBe(true);
  });

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1024 * 1024 + 1])('[RANDOM-FRESH] refuse the length %d, and go on', (length) => {
    expect(codeOf(() => suite.randomBytes(length))).toBe('TALOS_USAGE_ARGUMENT');
    expect(suite.randomBytes(32).some((byte) => byte !== 0)).toBe(true);
  });
});
