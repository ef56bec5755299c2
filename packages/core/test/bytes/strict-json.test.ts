import { describe, expect, it } from 'vitest';
import { parseStrictJson } from '../../src/bytes/strict-json.ts';
import { EncodingError } from '../../src/errors/encoding-error.ts';
import { codeOf } from '../errors/code-of.ts';

const nested = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth);

/** Each row is one attack on a reader of signed text, and a neighbour of it that is fine. */
const attacks: readonly (readonly [why: string, attack: string, neighbour: string])[] = [
  ['a duplicate name', '{"a":1,"a":2}', '{"a":1,"b":2}'],
  ['a duplicate name with equal values', '{"a":1,"a":1}', '{"a":1,"A":1}'],
  ['a duplicate name one level down', '{"x":{"a":1,"a":2}}', '{"x":{"a":1},"a":2}'],
  ['a duplicate name three levels down', '{"x":[{"y":[{"a":1,"a":2}]}]}', '{"x":[{"y":[{"a":1},{"a":2}]}]}'],
  ['a duplicate name in the second of two objects', '[{"a":1},{"a":1,"a":2}]', '[{"a":1},{"a":2}]'],
  ['a name equal after unescaping', String.raw`{"\u0061":1,"a":2}`, String.raw`{"\u0061":1,"b":2}`],
  ['a name equal after unescaping, other case of hex', String.raw`{"\u00e9":1,"\u00E9":2}`, String.raw`{"\u00e9":1,"e":2}`],
  ['a name equal to an escaped solidus', String.raw`{"\/":1,"/":2}`, String.raw`{"\/":1,"\\":2}`],
  ['two empty names', '{"":1,"":2}', '{"":1," ":2}'],
  ['__proto__ twice', '{"__proto__":{"admin":true},"__proto__":1}', '{"__proto__":{"admin":true}}'],
  ['a duplicate hidden by a colon in a string', '{"a":":","a":1}', '{"a":":","b":1}'],
  ['a duplicate hidden by an escaped quote', String.raw`{"a\"":1,"a\"":2}`, String.raw`{"a\"":1,"a":2}`],
  ['a duplicate hidden by a final backslash', String.raw`{"a\\":1,"a\\":2}`, String.raw`{"a\\":1,"a":2}`],
  ['the integer 2^53', '9007199254740992', '9007199254740991'],
  ['the integer -2^53', '[-9007199254740992]', '[-9007199254740991]'],
  ['an integer that would be rounded', '{"n":9007199254740993}', '{"n":4503599627370497}'],
  ['an integer above 2^53 with an exponent', '1e16', '1e15'],
  ['a number beyond the largest', '1e400', '0.1'],
  ['a negative number beyond the largest', '-1e400', '-0.1'],
  ['a lone high surrogate', String.raw`"\ud800"`, String.raw`"\ud83d\ude00"`],
  ['a lone low surrogate', String.raw`"\udc00"`, String.raw`"\uffff"`],
  ['surrogates in the wrong order', String.raw`"\ude00\ud83d"`, '"\u{1f600}"'],
  ['a lone surrogate that is not escaped', '"\ud800"', '"\ud7ff"'],
  ['a lone surrogate in a name', String.raw`{"\ud800":1}`, String.raw`{"\ud7ff":1}`],
  ['a byte order mark', '\ufeff{}', ' {}'],
  ['a second value', '{}{}', '{}\n'],
  ['a second value after a line feed', '{}\n{}', '\t{}\r\n'],
  ['a trailing brace', '{"a":1}}', '{"a":{}}'],
  ['a trailing comma', '{"a":1,}', '{"a":1}'],
  ['a comment', '{/**/}', '{"/**/":0}'],
  ['single quotes', "{'a':1}", '{"a":1}'],
  ['a name without quotes', '{a:1}', '{"a":1}'],
  ['NaN', 'NaN', 'null'],
  ['Infinity', '[Infinity]', '[1]'],
  ['a leading zero', '01', '0'],
  ['a plus sign', '+1', '1'],
  ['hex', '0x10', '10'],
  ['a control character in a string', '"\u0001"', String.raw`"\u0001"`],
  ['a no-break space between tokens', '[\u00a01]', '[ 1]'],
  ['nothing', '', '0'],
  ['a string that does not end', '"abc', '"abc"'],
  ['a string that ends in an escape', String.raw`"abc\"`, String.raw`"abc\\"`],
  ['17 arrays', nested(17, '[', ']'), nested(16, '[', ']')],
  ['17 objects', `${'{"a":'.repeat(17)}1${'}'.repeat(17)}`, `${'{"a":'.repeat(16)}1${'}'.repeat(16)}`],
  ['depth behind closing brackets', `]]]]${nested(19, '[', ']')}`, `[${nested(15, '[', ']')}]`],
];

describe('strict JSON', () => {
  it.each(attacks)('[JSON-STRICT] refuses %s', (_why, attack) => {
    expect(codeOf(() => parseStrictJson(attack))).toBe('TALOS_ENCODING_JSON');
  });

  it.each(attacks)('[JSON-STRICT] takes the neighbour of %s', (_why, _attack, neighbour) => {
    expect(parseStrictJson(neighbour)).toEqual(JSON.parse(neighbour));
  });

  it('[JSON-STRICT] the platform itself would have taken the ambiguous ones', () => {
    // What this reader is for: JSON.parse keeps the last of two names and rounds, without a word.
    expect(JSON.parse('{"a":1,"a":2}')).toEqual({ a: 2 });
    expect(JSON.parse('9007199254740993')).toBe(9007199254740992);
  });

  it('[JSON-STRICT] __proto__ is a member like another and changes no prototype', () => {
    const value = parseStrictJson('{"__proto__":{"admin":true}}') as Record<string, unknown>;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(value['admin']).toBeUndefined();
  });

  it('[JSON-STRICT] a limit of the caller replaces the default depth', () => {
    expect(codeOf(() => parseStrictJson('{"a":[]}', { maxDepth: 1 }))).toBe('TALOS_ENCODING_JSON');
    expect(parseStrictJson('{"a":1}', { maxDepth: 1 })).toEqual({ a: 1 });
    expect(parseStrictJson('1', { maxDepth: 0 })).toBe(1);
  });

  it('[JSON-STRICT] a million brackets, names, quotes or backslashes cost no stack and no quadratic time', () => {
    const million = 1_000_000;
    expect(codeOf(() => parseStrictJson('['.repeat(million)))).toBe('TALOS_ENCODING_JSON');
    expect(codeOf(() => parseStrictJson('{"a":'.repeat(million)))).toBe('TALOS_ENCODING_JSON');
    expect(codeOf(() => parseStrictJson(`"${String.raw`\"`.repeat(million)}`))).toBe('TALOS_ENCODING_JSON');
    expect(parseStrictJson(`"${String.raw`\\`.repeat(million)}"`)).toHaveLength(million);
    expect(parseStrictJson(`[${'0,'.repeat(million)}0]`)).toHaveLength(million + 1);
  });

  it('[ERR-NO-CONTENT] a refusal quotes nothing of the text', () => {
    for (const text of ['{"S3cret":1,"S3cret":2}', '{"S3cret"', 'S3cret', '["S3cret\ud800"]']) {
      try {
        parseStrictJson(text);
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(EncodingError);
        expect(`${(error as Error).message}${String((error as Error).cause)}`).not.toContain('S3cret');
      }
    }
  });
});
