import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase58, encodeBase58 } from '../../src/bytes/base58.ts';
import { decodeBase64, encodeBase64 } from '../../src/bytes/base64.ts';
import { decodeBase64url, encodeBase64url } from '../../src/bytes/base64url.ts';
import { canonicalJson } from '../../src/bytes/canonical-json.ts';
import { decodeHex, encodeHex } from '../../src/bytes/hex.ts';
import type { JsonValue } from '../../src/bytes/json-value.ts';
import { ByteReader } from '../../src/bytes/reader.ts';
import { parseStrictJson } from '../../src/bytes/strict-json.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/bytes/utf8.ts';
import { ByteWriter } from '../../src/bytes/writer.ts';
import { TalosError } from '../../src/errors/talos-error.ts';

const seeded = { seed: 20_260_101, numRuns: 500 };

/** I-JSON: no lone surrogates, no unsafe integers; -0 has the text of 0 and is left out. */
const iJson = fc.jsonValue({ maxDepth: 6, stringUnit: 'binary' }).filter((value) => isIJson(value)) as fc.Arbitrary<JsonValue>;

function isIJson(value: unknown): boolean {
  if (typeof value === 'number') return !Object.is(value, -0) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  if (typeof value === 'string') return value.isWellFormed();
  if (Array.isArray(value)) return value.every((item) => isIJson(item));
  return typeof value !== 'object' || value === null || Object.entries(value).every(([name, member]) => name.isWellFormed() && isIJson(member));
}

const textEncodings = [
  { name: 'hex', encode: encodeHex, decode: decodeHex },
  { name: 'base64', encode: encodeBase64, decode: decodeBase64 },
  { name: 'base64url', encode: encodeBase64url, decode: decodeBase64url },
  { name: 'base58', encode: encodeBase58, decode: decodeBase58 },
];

describe.each(textEncodings)('$name', ({ encode, decode }) => {
  it('[BYTES-CANONICAL-TEXT] bytes come back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void expect(decode(encode(bytes))).toEqual(bytes)),
      seeded,
    );
  });

  it('[BYTES-CANONICAL-TEXT] a text that is taken is the one text of its value', () => {
    const alphabet = fc.constantFrom(...'ABab01fz+/-_= \n');
    fc.assert(
      fc.property(fc.string({ unit: alphabet, maxLength: 8 }), (text) => {
        try {
          expect(encode(decode(text))).toBe(text);
        } catch (error) {
          expect(TalosError.isInstance(error) && error.code).toBe('TALOS_ENCODING_TEXT');
        }
      }),
      { ...seeded, numRuns: 5000 },
    );
  });
});

describe('utf8', () => {
  it('[BYTES-UTF8] text comes back, and bytes that are taken are the one form of their text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => void expect(decodeUtf8(encodeUtf8(text))).toBe(text)),
      seeded,
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6 }), (bytes) => {
        try {
          expect(encodeUtf8(decodeUtf8(bytes))).toEqual(bytes);
        } catch (error) {
          expect(TalosError.isInstance(error) && error.code).toBe('TALOS_ENCODING_TEXT');
        }
      }),
      { ...seeded, numRuns: 5000 },
    );
  });
});

describe('JSON', () => {
  it('[JSON-CANONICAL] parse(canonical(x)) is x, and canonical is stable', () => {
    fc.assert(
      fc.property(iJson, (value) => {
        const text = canonicalJson(value);
        const parsed = parseStrictJson(text, { maxDepth: 64 });
        expect(parsed).toEqual(value);
        expect(canonicalJson(parsed)).toBe(text);
      }),
      seeded,
    );
  });

  it('[JSON-CANONICAL] the order in which members were added leaves no trace', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.integer()), (value) => {
        expect(canonicalJson(Object.fromEntries(Object.entries(value).toReversed()))).toBe(canonicalJson({ ...value }));
      }),
      seeded,
    );
  });

  it('[JSON-STRICT] agrees with JSON.parse on every text it takes, and refuses with one code', () => {
    const unit = fc.constantFrom('{', '}', '[', ']', ':', ',', '"a"', String.raw`"\u0061"`, '"', '\\', '1', '-', 'e9', 'null', ' ');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 14 }), (text) => {
        try {
          expect(parseStrictJson(text)).toEqual(JSON.parse(text));
        } catch (error) {
          expect(TalosError.isInstance(error) && error.code).toBe('TALOS_ENCODING_JSON');
        }
      }),
      { ...seeded, numRuns: 10_000 },
    );
  });

  it('[JSON-STRICT] a member repeated anywhere is refused', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('[', '{"k":'), { maxLength: 8 }), fc.string({ unit: 'grapheme' }), (openings, name) => {
        const close = openings.map((opening) => (opening === '[' ? ']' : '}')).toReversed();
        const wrap = (inner: string): string => openings.join('') + inner + close.join('');
        const written = JSON.stringify(name);
        expect(() => parseStrictJson(wrap(`{${written}:0}`))).not.toThrow();
        expect(() => parseStrictJson(wrap(`{${written}:0,${written}:0}`))).toThrow('two members of one name');
      }),
      seeded,
    );
  });
});

describe('reader and writer', () => {
  it('[BYTES-BINARY] fields come back, and every cut and every extra byte is refused', () => {
    const fields = fc.record({
      u8: fc.integer({ min: 0, max: 0xff }),
      u16: fc.integer({ min: 0, max: 0xffff }),
      u32: fc.integer({ min: 0, max: 0xffffffff }),
      u64: fc.maxSafeNat(),
      short: fc.uint8Array({ maxLength: 20 }),
      long: fc.uint8Array({ maxLength: 20 }),
    });
    fc.assert(
      fc.property(fields, (value) => {
        const written = new ByteWriter().u8(value.u8).u16(value.u16).u32(value.u32).u64(value.u64).short(value.short).long(value.long).finish();
        expect(read(written)).toEqual(value);
        for (let length = 0; length < written.length; length++) expect(() => read(written.subarray(0, length))).toThrow(TalosError);
        expect(() => read(Uint8Array.from([...written, 0]))).toThrow('goes on after its end');
      }),
      { ...seeded, numRuns: 100 },
    );
  });

  function read(bytes: Uint8Array): unknown {
    const reader = new ByteReader(bytes);
    const value = { u8: reader.u8(), u16: reader.u16(), u32: reader.u32(), u64: reader.u64(), short: reader.short(), long: reader.long(20) };
    reader.end();
    return value;
  }
});
