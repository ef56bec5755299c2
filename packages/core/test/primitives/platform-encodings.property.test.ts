import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64url, encodeBase64url } from '../../src/bytes/base64url.ts';
import { encodeUtf8 } from '../../src/bytes/utf8.ts';
import { suites } from './suites.ts';

const outcome = (decode: (text: string) => Uint8Array, text: string): string => {
  try {
    return Buffer.from(decode(text)).toString('hex');
  } catch (error) {
    return (error as { code?: string }).code ?? 'uncoded';
  }
};

/** Texts on both sides of the edge: canonical, then with one character put in, taken out or changed. */
const nearlyCanonical = fc
  .tuple(fc.uint8Array({ maxLength: 80 }), fc.nat(110), fc.constantFrom('', '=', '==', 'A', '_', '+', '/', ' ', '\n', '.', 'é', '\u{1f511}'), fc.nat(1))
  .map(([bytes, at, character, cut]) => {
    const text = encodeBase64url(bytes);
    return text.slice(0, at) + character + text.slice(at + cut);
  });

describe.each(suites)('platform encodings, $name suite', ({ suite }) => {
  it('[SUITE-EQUAL] decode exactly what is canonical base64url', () => {
    fc.assert(
      fc.property(fc.oneof(nearlyCanonical, fc.string({ maxLength: 40 })), (text) => {
        expect(outcome((given) => suite.decodeBase64url(given), text)).toBe(outcome(decodeBase64url, text));
      }),
      { seed: 7, numRuns: 5000 },
    );
  });

  it('[SUITE-EQUAL] encode ASCII as UTF-8 does', () => {
    const ascii = String.fromCharCode(...Array.from({ length: 128 }, (_, unit) => unit));
    expect(Buffer.from(suite.encodeAscii(ascii)).equals(Buffer.from(encodeUtf8(ascii)))).toBe(true);
  });
});
