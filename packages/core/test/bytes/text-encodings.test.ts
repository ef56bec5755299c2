import { describe, expect, it } from 'vitest';
import { decodeBase58, encodeBase58 } from '../../src/bytes/base58.ts';
import { decodeBase64, encodeBase64 } from '../../src/bytes/base64.ts';
import { decodeBase64url, encodeBase64url } from '../../src/bytes/base64url.ts';
import { concatBytes } from '../../src/bytes/concat.ts';
import { equalBytes } from '../../src/bytes/equal.ts';
import { decodeHex, encodeHex } from '../../src/bytes/hex.ts';
import { decodeUtf8, encodeUtf8, hasLoneSurrogate } from '../../src/bytes/utf8.ts';
import { EncodingError } from '../../src/errors/encoding-error.ts';
import { codeOf } from '../errors/code-of.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const ascii = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

type Encoding = {
  readonly name: string;
  readonly encode: (value: Uint8Array) => string;
  readonly decode: (text: string) => Uint8Array;
  readonly valid: readonly (readonly [value: Uint8Array, text: string])[];
  readonly invalid: readonly (readonly [why: string, text: string])[];
};

const encodings: readonly Encoding[] = [
  {
    name: 'hex',
    encode: encodeHex,
    decode: decodeHex,
    valid: [
      [bytes(), ''],
      [bytes(0), '00'],
      [bytes(255), 'ff'],
      [bytes(1, 35, 69, 103, 137, 171, 205, 239), '0123456789abcdef'],
      [bytes(0, 0, 10), '00000a'],
      [bytes(127, 128), '7f80'],
      [ascii('talos'), '74616c6f73'],
      [bytes(16, 1), '1001'],
    ],
    invalid: [
      ['upper case', 'FF'],
      ['mixed case', 'fF'],
      ['odd length', 'fff'],
      ['a foreign letter', '0g'],
      ['a prefix', '0x00'],
      ['white space inside', '00 00'],
      ['a final line feed', '00\n'],
      ['digits that are not ASCII', '\uff10\uff10'],
    ],
  },
  {
    // The valid rows are RFC 4648 §10.
    name: 'base64',
    encode: encodeBase64,
    decode: decodeBase64,
    valid: [
      [bytes(), ''],
      [ascii('f'), 'Zg=='],
      [ascii('fo'), 'Zm8='],
      [ascii('foo'), 'Zm9v'],
      [ascii('foob'), 'Zm9vYg=='],
      [ascii('fooba'), 'Zm9vYmE='],
      [ascii('foobar'), 'Zm9vYmFy'],
      [bytes(0xfb, 0xff, 0xbf), '+/+/'],
      [bytes(0), 'AA=='],
      [bytes(255, 255), '//8='],
    ],
    invalid: [
      ['no padding', 'Zg'],
      ['half the padding', 'Zg='],
      ['too much padding', 'Zm8=='],
      ['padding alone', '===='],
      ['padding after a whole group', 'Zm9v===='],
      ['padding inside', 'Zg==Zg=='],
      ['stray bits with two pads', 'Zh=='],
      ['stray bits with one pad', 'Zm9='],
      ['the URL alphabet', '-_-_'],
      ['a final line feed', 'Zm9v\n'],
    ],
  },
  {
    name: 'base64url',
    encode: encodeBase64url,
    decode: decodeBase64url,
    valid: [
      [bytes(), ''],
      [ascii('f'), 'Zg'],
      [ascii('fo'), 'Zm8'],
      [ascii('foo'), 'Zm9v'],
      [ascii('foob'), 'Zm9vYg'],
      [ascii('fooba'), 'Zm9vYmE'],
      [ascii('foobar'), 'Zm9vYmFy'],
      [bytes(0xfb, 0xff, 0xbf), '-_-_'],
      [bytes(0), 'AA'],
    ],
    invalid: [
      ['padding', 'Zg=='],
      ['one character', 'A'],
      ['one character above a group', 'Zm9vA'],
      ['stray bits in two characters', 'Zh'],
      ['stray bits in three characters', 'Zm9'],
      ['the other alphabet', '+/+/'],
      ['white space', 'Zm9v Zm9v'],
      ['a foreign character below 128', 'Zm9v.m9v'],
      ['a letter that only looks like one', 'Z\u043c8'],
    ],
  },
  {
    // The first rows are the examples of draft-msporny-base58-03 §5.
    name: 'base58',
    encode: encodeBase58,
    decode: decodeBase58,
    valid: [
      [ascii('Hello World!'), '2NEpo7TZRRrLZSi2U'],
      [ascii('The quick brown fox jumps over the lazy dog.'), 'USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z'],
      [bytes(0, 0, 0x28, 0x7f, 0xb4, 0xcd), '11233QC4'],
      [bytes(), ''],
      [bytes(0), '1'],
      [bytes(57), 'z'],
      [bytes(58), '21'],
    ],
    invalid: [
      ['zero', '2NEp0'],
      ['capital O', 'O'],
      ['capital I', 'I'],
      ['small l', 'l'],
      ['white space', ' 2NE'],
      ['a foreign plane', '\u{1f600}'],
      ['97 characters', '1'.repeat(97)],
    ],
  },
];

describe.each(encodings)('$name', ({ encode, decode, valid, invalid }) => {
  it.each(valid)('[BYTES-CANONICAL-TEXT] %s and %s are one value', (value, text) => {
    expect(encode(value)).toBe(text);
    expect(decode(text)).toEqual(value);
  });

  it.each(invalid)('[BYTES-CANONICAL-TEXT] refuses %s', (_why, text) => {
    expect(codeOf(() => decode(text))).toBe('TALOS_ENCODING_TEXT');
  });

  it('[BYTES-TABLES-EVEN] has as many rows that are refused as rows that are taken', () => {
    expect(invalid.length).toBe(valid.length);
  });
});

describe('utf8', () => {
  const valid: readonly (readonly [string, Uint8Array])[] = [
    ['', bytes()],
    ['a', bytes(0x61)],
    ['\0', bytes(0)],
    ['\u00f6', bytes(0xc3, 0xb6)],
    ['\u20ac', bytes(0xe2, 0x82, 0xac)],
    ['\u{1f600}', bytes(0xf0, 0x9f, 0x98, 0x80)],
    ['\ufeffa', bytes(0xef, 0xbb, 0xbf, 0x61)],
    ['\uffff', bytes(0xef, 0xbf, 0xbf)],
    ['\u{10ffff}', bytes(0xf4, 0x8f, 0xbf, 0xbf)],
  ];
  const invalid: readonly (readonly [string, Uint8Array])[] = [
    ['a continuation alone', bytes(0x80)],
    ['a head without its continuation', bytes(0xc3)],
    ['an over-long slash', bytes(0xc0, 0xaf)],
    ['an over-long NUL', bytes(0xc0, 0x80)],
    ['an over-long euro sign', bytes(0xf0, 0x82, 0x82, 0xac)],
    ['a surrogate', bytes(0xed, 0xa0, 0x80)],
    ['a surrogate pair (CESU-8)', bytes(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80)],
    ['above U+10FFFF', bytes(0xf4, 0x90, 0x80, 0x80)],
    ['a byte that UTF-8 has not', bytes(0xff)],
  ];

  it.each(valid)('[BYTES-UTF8] %j and its bytes are one value', (text, encoded) => {
    expect(encodeUtf8(text)).toEqual(encoded);
    expect(decodeUtf8(encoded)).toBe(text);
  });

  it.each(invalid)('[BYTES-UTF8] refuses %s', (_why, encoded) => {
    expect(codeOf(() => decodeUtf8(encoded))).toBe('TALOS_ENCODING_TEXT');
  });

  it('[BYTES-TABLES-EVEN] has as many rows that are refused as rows that are taken', () => {
    expect(invalid.length).toBe(valid.length);
  });

  it.each(['\ud800', '\udc00', 'a\ud83d', '\ude00\ud83d'])('[BYTES-UTF8] refuses to encode the lone surrogate in %j', (text) => {
    expect(hasLoneSurrogate(text)).toBe(true);
    expect(codeOf(() => encodeUtf8(text))).toBe('TALOS_ENCODING_TEXT');
  });
});

describe('what a refusal says', () => {
  const content = 'S3cretS3cret';

  it.each([
    ['hex', () => decodeHex(content)],
    ['base64', () => decodeBase64(`${content}.`.padEnd(16, '.'))],
    ['base64url', () => decodeBase64url(`${content}.`)],
    ['base58', () => decodeBase58(`${content}0`)],
    ['utf8', () => decodeUtf8(concatBytes(encodeUtf8(content), bytes(0xff)))],
  ])('[ERR-NO-CONTENT] %s names the place, never the content', (_name, run) => {
    let refused: unknown;
    try {
      run();
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(EncodingError);
    expect(`${(refused as Error).message}${String((refused as Error).cause)}`).not.toContain('S3cret');
  });

  it('[ERR-NO-CONTENT] gives the offset where one place is at fault', () => {
    for (const decode of [decodeBase64url, decodeBase58]) {
      try {
        decode('AAA*');
      } catch (error) {
        expect((error as EncodingError).offset).toBe(3);
      }
    }
  });
});

describe('equal and concat', () => {
  it('[BYTES-EQUAL] compares by content, whatever the view', () => {
    const whole = bytes(9, 1, 2, 3, 9);
    expect(equalBytes(whole.subarray(1, 4), bytes(1, 2, 3))).toBe(true);
    expect(equalBytes(bytes(), bytes())).toBe(true);
    expect(equalBytes(bytes(1, 2), bytes(1, 2, 0))).toBe(false);
    for (let i = 0; i < 3; i++) expect(equalBytes(whole.subarray(1, 4), bytes(1, 2, 3).with(i, 77))).toBe(false);
  });

  it('[BYTES-EQUAL] joins into an array of its own', () => {
    const part = bytes(1, 2);
    const joined = concatBytes(part, bytes(), part);
    part[0] = 9;
    expect(joined).toEqual(bytes(1, 2, 1, 2));
    expect(concatBytes()).toEqual(bytes());
  });
});
