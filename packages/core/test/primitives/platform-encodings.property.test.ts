import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64url, encodeBase64url } from '../../src/bytes/base64url.ts';
import { encodeUtf8 } from '../../src/bytes/utf8.ts';
import { codeOf } from '../errors/code-of.ts';
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

  it('[SUITE-EQUAL] encode text as UTF-8, and hash what it encodes to', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        expect(Buffer.from(suite.encodeUtf8(text)).equals(Buffer.from(encodeUtf8(text)))).toBe(true);
        expect(suite.hashBase64url(text)).toBe(encodeBase64url(suite.sha256(encodeUtf8(text))));
        expect(suite.hashBase64url(encodeUtf8(text))).toBe(suite.hashBase64url(text));
      }),
      { seed: 7, numRuns: 2000 },
    );
  });

  it.each(['\ud800', 'a\udc00', '\udc00\ud800', 'x\ud83d'])('[SUITE-EQUAL] refuse half a surrogate pair, which would be replaced (%#)', (text) => {
    expect(outcome((given) => suite.encodeUtf8(given), text)).toBe('TALOS_ENCODING_TEXT');
    expect(codeOf(() => suite.hashBase64url(text))).toBe('TALOS_ENCODING_TEXT');
  });
});
