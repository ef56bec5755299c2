import { describe, expect, it } from 'vitest';
import { decodeHex, encodeHex } from '../../src/bytes/hex.ts';
import { concatBytes } from '../../src/bytes/concat.ts';
import { hkdfSha256 } from '../../src/primitives/kdf.ts';
import { codeOf } from '../errors/code-of.ts';
import { kemSuites, suites } from './suites.ts';
import { loadWycheproof, vectorsMissing, type Row } from './wycheproof.ts';

type Aead = Row<'key' | 'iv' | 'aad' | 'msg' | 'ct' | 'tag'>;
type Hkdf = Row<'ikm' | 'salt' | 'info' | 'okm'> & { readonly size: number };
type Mac = Row<'key' | 'msg' | 'tag'>;
type Agreement = Row<'public' | 'private' | 'shared'>;
type Kem = Row<'seed' | 'ek' | 'c' | 'K'>;

/** The numbers of the rows whose answer is not the file's: an empty list, and a readable one when it is not. */
function disagreements(file: string, agrees: (row: never) => boolean): number[] {
  const rows = loadWycheproof(file);
  expect(rows.length).toBeGreaterThan(50);
  return rows.filter((row) => !agrees(row as never)).map((row) => (row as Row<never>).tcId);
}

describe.skipIf(vectorsMissing !== undefined)(`Wycheproof${vectorsMissing === undefined ? '' : ` (skipped: ${vectorsMissing})`}`, () => {
  it.each(suites)('[SUITE-WYCHEPROOF] ChaCha20-Poly1305, $name suite', ({ suite }) => {
    const wrong = disagreements('chacha20_poly1305_test.json', ({ key, iv, aad, msg, ct, tag, result }: Aead) => {
      const input = { key: decodeHex(key), nonce: decodeHex(iv), associatedData: decodeHex(aad) };
      const ciphertext = concatBytes(decodeHex(ct), decodeHex(tag));
      if (result === 'valid') {
        return (
          encodeHex(suite.decryptAead({ ...input, ciphertext })) === msg && encodeHex(suite.encryptAead({ ...input, plaintext: decodeHex(msg) })) === ct + tag
        );
      }
      return codeOf(() => suite.decryptAead({ ...input, ciphertext })) === (input.nonce.length === 12 ? 'TALOS_CRYPTO_OPEN' : 'TALOS_USAGE_ARGUMENT');
    });
    expect(wrong).toEqual([]);
  });

  it.each(suites)('[SUITE-WYCHEPROOF] HMAC-SHA-256, $name suite', ({ suite }) => {
    // Tags may be cut in the file; an invalid row is a tag that must not come out.
    const wrong = disagreements('hmac_sha256_test.json', ({ key, msg, tag, result }: Mac) => {
      return (encodeHex(suite.hmacSha256(decodeHex(key), decodeHex(msg))).slice(0, tag.length) === tag) === (result === 'valid');
    });
    expect(wrong).toEqual([]);
  });

  it.each(suites)('[SUITE-WYCHEPROOF] X25519, $name suite', ({ suite }) => {
    const wrong = disagreements('x25519_test.json', (row: Agreement) => {
      const agree = (): Uint8Array =>
        suite.agreeX25519(suite.importX25519SecretKey(decodeHex(row.private)), suite.importX25519PublicKey(decodeHex(row.public)));
      return row.flags.includes('ZeroSharedSecret') ? codeOf(agree) === 'TALOS_CRYPTO_WEAK_SHARED_SECRET' : encodeHex(agree()) === row.shared;
    });
    expect(wrong).toEqual([]);
  });

  it('[SUITE-WYCHEPROOF] HKDF-SHA-256', () => {
    const wrong = disagreements('hkdf_sha256_test.json', ({ ikm, salt, info, size, okm, result }: Hkdf) => {
      const derive = (): Uint8Array => hkdfSha256({ ikm: decodeHex(ikm), salt: decodeHex(salt), info: decodeHex(info), length: size });
      return result === 'valid' ? encodeHex(derive()) === okm : codeOf(derive) === 'TALOS_USAGE_ARGUMENT';
    });
    expect(wrong).toEqual([]);
  });

  it.each(kemSuites)('[SUITE-WYCHEPROOF] ML-KEM-768 keys from seeds, $name suite', ({ kem }) => {
    const wrong = disagreements(
      'mlkem_768_keygen_seed_test.json',
      ({ seed, ek }: Kem) => encodeHex(kem.importKemSecretKey(decodeHex(seed)).publicKey.bytes) === ek,
    );
    expect(wrong).toEqual([]);
  });

  it.each(kemSuites)('[SUITE-WYCHEPROOF] ML-KEM-768 decapsulation, $name suite', ({ kem }) => {
    const wrong = disagreements('mlkem_768_test.json', ({ seed, c, K, result }: Kem) => {
      if (seed.length !== 128) return codeOf(() => kem.importKemSecretKey(decodeHex(seed))) === 'TALOS_USAGE_ARGUMENT';
      const decapsulate = (): Uint8Array => kem.decapsulate(kem.importKemSecretKey(decodeHex(seed)), decodeHex(c));
      return result === 'valid' ? encodeHex(decapsulate()) === K : codeOf(decapsulate) === 'TALOS_CRYPTO_BAD_KEY';
    });
    expect(wrong).toEqual([]);
  });

  it.each(kemSuites)('[SUITE-WYCHEPROOF] ML-KEM-768 public keys, $name suite', ({ kem }) => {
    const wrong = disagreements('mlkem_768_encaps_test.json', ({ ek, result }: Kem) => {
      const answer = codeOf(() => kem.encapsulate(kem.importKemPublicKey(decodeHex(ek))));
      return answer === (result === 'valid' ? 'nothing thrown' : 'TALOS_CRYPTO_BAD_KEY');
    });
    expect(wrong).toEqual([]);
  });
});
