import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/bytes/canonical-json.ts';
import type { JsonValue } from '../../src/bytes/json-value.ts';
import { parseStrictJson } from '../../src/bytes/strict-json.ts';
import { codeOf } from '../errors/code-of.ts';

/** RFC 8785 appendix B: the bits of the binary64 value, and its text. */
const numbers: readonly (readonly [bits: string, text: string])[] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
];
const refusedNumbers = ['7fffffffffffffff', '7ff0000000000000', 'fff0000000000000'];

function fromBits(bits: string): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${bits}`));
  return view.getFloat64(0);
}

const nested = (depth: number): JsonValue => (depth === 0 ? 0 : [nested(depth - 1)]);
const loop: { self?: unknown } = {};
loop.self = loop;

describe('canonical JSON', () => {
  it.each(numbers)('[JSON-CANONICAL] writes the number %s as %s (RFC 8785 appendix B)', (bits, text) => {
    expect(canonicalJson(fromBits(bits))).toBe(text);
    expect(Number(text)).toBe(fromBits(bits) + 0);
  });

  it.each(refusedNumbers)('[JSON-CANONICAL] refuses the number %s', (bits) => {
    expect(codeOf(() => canonicalJson(fromBits(bits)))).toBe('TALOS_ENCODING_JSON');
  });

  it('[JSON-CANONICAL] writes the example of RFC 8785 §3.2.2', () => {
    const text = String.raw`{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}`;
    const expected = String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`;
    expect(canonicalJson(JSON.parse(text) as JsonValue)).toBe(expected);
  });

  it('[JSON-CANONICAL] sorts names by UTF-16 units (RFC 8785 §3.2.3)', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\u{1f600}': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    // By code point the emoji (U+1F600) would come after U+FB33; by unit its surrogate D83D comes before.
    const order = [
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ];
    expect(Object.values(JSON.parse(canonicalJson(value)) as object).toSorted()).toEqual(order.toSorted());
    const positions = order.map((title) => canonicalJson(value).indexOf(title));
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  });

  it('[JSON-CANONICAL] sorts names that engines list first or last', () => {
    expect(canonicalJson({ b: 1, '10': 2, '9': 3, a: 4, '': 5 })).toBe('{"":5,"10":2,"9":3,"a":4,"b":1}');
    expect(canonicalJson(JSON.parse('{"z":1,"__proto__":2,"constructor":3}') as JsonValue)).toBe('{"__proto__":2,"constructor":3,"z":1}');
    expect(canonicalJson([{ a: { '1': [{ '20': 1, '3': 2, '!': 3, '-1': 4, '01': 5, '4294967295': 6 }] }, '0': 7 }])).toBe(
      '[{"0":7,"a":{"1":[{"!":3,"-1":4,"01":5,"20":1,"3":2,"4294967295":6}]}}]',
    );
    expect(canonicalJson(Object.assign(Object.create(null) as object, { b: 1, a: 2 }) as JsonValue)).toBe('{"a":2,"b":1}');
  });

  it('[JSON-CANONICAL] asks no value how it wants to be written', () => {
    const toJSON = 'toJSON';
    expect(canonicalJson({ [toJSON]: 'text' })).toBe('{"toJSON":"text"}');
    expect(codeOf(() => canonicalJson({ [toJSON]: () => 'other' } as unknown as JsonValue))).toBe('TALOS_ENCODING_JSON');
    try {
      Reflect.defineProperty(Object.prototype, toJSON, { configurable: true, value: () => 'other' });
      expect(canonicalJson({ a: { b: 1 } })).toBe('{"a":{"b":1}}');
    } finally {
      Reflect.deleteProperty(Object.prototype, toJSON);
    }
  });

  it('[JSON-CANONICAL] escapes as RFC 8785 §3.2.2.2 says and no more', () => {
    expect(canonicalJson('\b\t\n\f\r"\\/\u0000\u001f\u007f\u2028\u2029é')).toBe('"\\b\\t\\n\\f\\r\\"\\\\/\\u0000\\u001f\u007f\u2028\u2029é"');
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['undefined in an object', { a: undefined }],
    ['undefined in an array', [undefined]],
    // oxlint-disable-next-line no-sparse-arrays -- the hole is the case
    ['a hole in an array', [1, , 2]],
    ['a bigint', 1n],
    ['a function', () => 1],
    ['an object with a function', { toJSON: () => 'other' }],
    ['a symbol', Symbol.iterator],
    ['a Date', new Date(0)],
    ['a Map', new Map()],
    ['bytes', new Uint8Array(1)],
    ['a class instance', new (class Thing {})()],
    ['NaN', Number.NaN],
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate in a name', { '\udfff': 1 }],
    ['65 levels', nested(65)],
    ['a loop', loop],
  ])('[JSON-CANONICAL] refuses %s', (_why, value) => {
    expect(codeOf(() => canonicalJson(value as JsonValue))).toBe('TALOS_ENCODING_JSON');
  });

  it('[JSON-CANONICAL] takes 64 levels, and the reader reads them back', () => {
    expect(parseStrictJson(canonicalJson(nested(64)), { maxDepth: 64 })).toEqual(nested(64));
  });
});
