import { randomBytes } from '#suite';
import { describe, expect, it } from 'vitest';
import { atRestSeal } from '../../src/seal/at-rest-seal.ts';

const plaintext = new TextEncoder().encode('the patient is 42');

describe('atRestSeal', () => {
  it('[SEAL-AT-REST] opens what it sealed, and never seals alike', () => {
    const key = randomBytes(32);
    const sealed = atRestSeal(key).seal('here', plaintext);
    expect(sealed).toHaveLength(plaintext.length + 45);
    expect(atRestSeal(key).open('here', sealed)).toEqual(plaintext);
    expect(atRestSeal(key).openText('here', atRestSeal(key).sealText('here', plaintext))).toEqual(plaintext);
    expect(atRestSeal(key).seal('here', plaintext)).not.toEqual(sealed);
    expect(new TextDecoder().decode(sealed)).not.toContain('patient');
  });

  it('[SEAL-AT-REST] opens nothing that was moved, changed, cut or sealed under another key', () => {
    const key = randomBytes(32);
    const sealed = atRestSeal(key).seal('here', plaintext);
    const refused = expect.objectContaining({ code: 'TALOS_CRYPTO_OPEN' }) as Error;
    expect(() => atRestSeal(key).open('there', sealed)).toThrow(refused);
    expect(() => atRestSeal(randomBytes(32)).open('here', sealed)).toThrow(refused);
    for (let at = 0; at < sealed.length; at++) expect(() => atRestSeal(key).open('here', sealed.with(at, (sealed[at] ?? 0) ^ 1))).toThrow(refused);
    for (const text of ['', '!', `${atRestSeal(key).sealText('here', plaintext)}=`, atRestSeal(key).sealText('there', plaintext)])
      expect(() => atRestSeal(key).openText('here', text)).toThrow(refused);
    for (let length = 0; length < sealed.length; length++) expect(() => atRestSeal(key).open('here', sealed.subarray(0, length))).toThrow(refused);
  });

  it('[SEAL-AT-REST] keeps its own copy of a key of 32 bytes, and takes no other', () => {
    const key = randomBytes(32);
    const seal = atRestSeal(key);
    const sealed = seal.seal('here', plaintext);
    key.fill(0);
    expect(seal.open('here', sealed)).toEqual(plaintext);
    for (const wrong of [new Uint8Array(31), new Uint8Array(33), new Uint8Array(0), 'x'.repeat(32)])
      expect(() => atRestSeal(wrong as Uint8Array)).toThrow(expect.objectContaining({ code: 'TALOS_USAGE_ARGUMENT' }) as Error);
  });
});
