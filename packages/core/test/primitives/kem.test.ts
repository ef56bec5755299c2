import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { encodeHex } from '../../src/bytes/hex.ts';
import { native } from '../../src/primitives/keys.ts';
import { kemCiphertextLength, kemPublicKeyLength } from '../../src/primitives/noble-kem.ts';
import { codeOf } from '../errors/code-of.ts';
import { kemSuites } from './suites.ts';

const seed = Uint8Array.from({ length: 64 }, (_, i) => i);
const pairs = kemSuites.flatMap((sender) =>
  kemSuites.map((receiver) => ({ title: `${sender.name} to ${receiver.name}`, sender: sender.kem, receiver: receiver.kem })),
);

describe.each(pairs)('ML-KEM-768, $title', ({ sender, receiver }) => {
  const own = receiver.importKemSecretKey(seed);

  it('[KEM-INTEROP] both ends have one secret', () => {
    const { ciphertext, sharedSecret } = sender.encapsulate(sender.importKemPublicKey(own.publicKey.bytes));
    expect([ciphertext.length, sharedSecret.length]).toEqual([kemCiphertextLength, 32]);
    expect(receiver.decapsulate(own, ciphertext)).toEqual(sharedSecret);
    expect(sender.encapsulate(own.publicKey).ciphertext).not.toEqual(ciphertext);
  });

  it('[KEM-INTEROP] a changed ciphertext gives the same wrong secret in both suites, and no error', () => {
    const { ciphertext, sharedSecret } = sender.encapsulate(own.publicKey);
    for (const index of [0, 959, 960, kemCiphertextLength - 1]) {
      const changed = ciphertext.with(index, (ciphertext[index] as number) ^ 1);
      const rejected = kemSuites.map(({ kem }) => encodeHex(kem.decapsulate(kem.importKemSecretKey(seed), changed)));
      expect(new Set(rejected).size).toBe(1);
      expect(rejected[0]).not.toBe(encodeHex(sharedSecret));
    }
  });
});

describe.each(kemSuites)('ML-KEM-768 input, $name suite', ({ kem }) => {
  const own = kem.importKemSecretKey(seed);
  const { bytes } = own.publicKey;

  /** Puts a 12-bit coefficient in place: two of them in three bytes. */
  const withCoefficient = (index: number, value: number): Uint8Array => {
    const changed = Uint8Array.from(bytes);
    const at = Math.floor(index / 2) * 3;
    if (index % 2 === 0) changed.set([value & 255, ((changed[at + 1] as number) & 0xf0) | (value >> 8)], at);
    else changed.set([((changed[at + 1] as number) & 0x0f) | ((value & 15) << 4), value >> 4], at + 1);
    return changed;
  };

  it.each([0, 1, 2, 383, 766, 767])('[KEM-MODULUS] coefficient %i may be 3,328 and no more (FIPS 203 §7.2)', (index) => {
    expect(() => kem.encapsulate(kem.importKemPublicKey(withCoefficient(index, 3328)))).not.toThrow();
    for (const value of [3329, 4095]) expect(codeOf(() => kem.importKemPublicKey(withCoefficient(index, value)))).toBe('TALOS_CRYPTO_BAD_KEY');
  });

  it('[SUITE-LENGTHS] refuses other lengths', () => {
    for (const length of [0, kemPublicKeyLength - 1, kemPublicKeyLength + 1])
      expect(codeOf(() => kem.importKemPublicKey(new Uint8Array(length)))).toBe('TALOS_CRYPTO_BAD_KEY');
    for (const length of [0, kemCiphertextLength - 1, kemCiphertextLength + 1])
      expect(codeOf(() => kem.decapsulate(own, new Uint8Array(length)))).toBe('TALOS_CRYPTO_BAD_KEY');
    for (const length of [0, 32, 63, 65]) expect(codeOf(() => kem.importKemSecretKey(new Uint8Array(length)))).toBe('TALOS_USAGE_ARGUMENT');
  });

  it('[SUITE-EQUAL] gives plain arrays and keeps copies of what it imports', () => {
    const ownSeed = Uint8Array.from(seed);
    const key = kem.importKemSecretKey(ownSeed);
    const handed = Uint8Array.from(key.publicKey.bytes);
    const peer = kem.importKemPublicKey(handed);
    ownSeed.fill(0);
    handed.fill(0);
    const { ciphertext, sharedSecret } = kem.encapsulate(peer);
    const results = [ciphertext, sharedSecret, kem.decapsulate(key, ciphertext)];
    expect(results[2]).toEqual(sharedSecret);
    for (const result of results) expect(Object.getPrototypeOf(result)).toBe(Uint8Array.prototype);
  });

  it('[SECRET-WIPED] refuses a key whose seed was wiped', () => {
    const key = kem.importKemSecretKey(seed);
    const { ciphertext } = kem.encapsulate(key.publicKey);
    key.seed.wipe();
    expect(codeOf(() => kem.decapsulate(key, ciphertext))).toBe('TALOS_USAGE_CLOSED');
  });

  it('[SECRET-REDACTED] prints nothing of the expanded key', () => {
    const printed = inspect(own, { depth: 9, showHidden: true, maxArrayLength: null });
    expect(printed).toContain(String(native));
    // The public key may be seen; of the secret, the first bytes of the expanded key and the seed d are looked for.
    expect(printed).not.toMatch(/Uint8Array\(2400\)/);
    expect(printed).not.toContain('0, 1, 2, 3, 4, 5, 6, 7');
  });
});
