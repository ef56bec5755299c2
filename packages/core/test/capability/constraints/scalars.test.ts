import { describe, expect, it } from 'vitest';
import { any, eq, len, oneOf, range } from '../../../src/capability/index.ts';
import { claims, forge, grant, takes, world } from '../support.ts';

describe('any', () => {
  it('[CAP-ANY] takes every JSON value', async () => {
    const allowed = await takes(any());
    for (const value of [null, false, 0, -1.5, '', 'x', [], [[]], {}, { a: { b: 1 } }]) expect(allowed(value)).toBe(true);
  });
});

describe('eq', () => {
  it.each([
    ['text', 'a', ['b', 'A', '', 'a ', ['a'], null]],
    ['composed text', '\u00e9', ['e\u0301']],
    ['an integer', 1, ['1', 1.5, true, [1]]],
    ['zero', 0, ['', null, false, '0']],
    ['true', true, [1, 'true', false]],
    ['null', null, [0, '', false, {}]],
    ['a list', ['a', 1], [['a'], [1, 'a'], ['a', 1, 2], 'a', { 0: 'a', 1: 1 }]],
    ['an empty list', [], [[[]], {}, null, '']],
    ['an object', { a: { b: [1] } }, [{ a: { b: [2] } }, { a: { b: [1] }, c: 1 }, {}, [{ a: { b: [1] } }], { a: null }]],
    ['an empty object', {}, [[], { a: 1 }, null]],
  ])('[CAP-EQ] %s is equal to itself only', async (_title, value, others) => {
    const allowed = await takes(eq(value));
    expect(allowed(structuredClone(value))).toBe(true);
    for (const other of others) expect(allowed(other)).toBe(false);
  });

  it('[CAP-EQ] member order does not matter, inherited members do not count', async () => {
    const allowed = await takes(eq({ a: 1, b: 2 }));
    expect(allowed({ b: 2, a: 1 })).toBe(true);
    expect(allowed(Object.assign(Object.create({ a: 1 }), { b: 2 }))).toBe(false);
    expect((await takes(eq({ a: 1 })))(Object.assign(Object.create({ a: 1 }), { b: 2 }))).toBe(false);
  });
});

describe('in', () => {
  it('[CAP-IN] takes the listed scalars, without conversion', async () => {
    const allowed = await takes(oneOf(['EUR', 1, true, null]));
    for (const value of ['EUR', 1, true, null, ['EUR', 1]]) expect(allowed(value)).toBe(true);
    for (const value of ['eur', '1', 'true', false, 0, undefined, {}, ['EUR', 'USD']]) expect(allowed(value)).toBe(false);
    expect((await takes(oneOf([])))('x')).toBe(false);
  });

  it.each([{ in: 'EUR' }, { in: [['EUR']] }, { in: [{}] }, { in: { 0: 'EUR' } }])('[CAP-IN] %j is malformed', async (rule) => {
    expect(await world().refusal(forge({ payload: claims({ authorization_details: [grant('t', { q: rule as never })] } as never) }))).toMatchObject({
      code: 'MALFORMED',
      constraint: 'in',
    });
  });
});

describe('range', () => {
  it('[CAP-RANGE] integers are compared as safe integers, bounds included', async () => {
    const allowed = await takes(range({ min: -5, max: 100 }));
    for (const value of [-5, 0, -0, 100, [1, 2]]) expect(allowed(value)).toBe(true);
    for (const value of [-6, 101, 99.5, '50', true, null, Number.NaN, Infinity, -Infinity, 2 ** 53, 1n, [1, 101], { valueOf: () => 5 }])
      expect(allowed(value)).toBe(false);
    const least = await takes(range({ min: 1 }));
    expect(least(Number.MAX_SAFE_INTEGER)).toBe(true);
    expect(least(2 ** 53)).toBe(false);
  });

  it('[CAP-RANGE] steps count from min, or from zero', async () => {
    const fromMin = await takes(range({ min: -7, max: 100, step: 10 }));
    for (const value of [-7, 3, 93]) expect(fromMin(value)).toBe(true);
    for (const value of [-6, 0, 10, 103]) expect(fromMin(value)).toBe(false);
    const fromZero = await takes(range({ step: 5 }));
    for (const value of [0, -5, 10, Number.MAX_SAFE_INTEGER - (Number.MAX_SAFE_INTEGER % 5)]) expect(fromZero(value)).toBe(true);
    for (const value of [4, '5', 5.5, 2 ** 53 + 5]) expect(fromZero(value)).toBe(false);
  });

  it('[CAP-RANGE] decimal text is compared digit by digit, never as a float', async () => {
    const allowed = await takes(range({ min: '0.1', max: '9007199254740993.10' }));
    for (const value of ['0.1', '0.10', '9007199254740993.1', '9007199254740992.999', 0.1, 1, ['0.2', 3]]) expect(allowed(value)).toBe(true);
    for (const value of ['0.0999999999999999999999', '9007199254740993.11', '-0.1', 0.09, '-1']) expect(allowed(value)).toBe(false);
    const cents = await takes(range({ min: '0', step: '0.05' }));
    expect(cents('19.95')).toBe(true);
    expect(cents('19.96')).toBe(false);
    expect((await takes(range({ max: '1' })))('-1000')).toBe(true);
    expect((await takes(range({ max: '1' })))(`0.${'1'.repeat(38)}`)).toBe(true);
    expect((await takes(range({ max: '1' })))(`0.${'1'.repeat(39)}`)).toBe(false);
  });

  it.each([
    '',
    ' 1',
    '1 ',
    '+1',
    '1.',
    '.5',
    '01',
    '1e3',
    '1E3',
    '0x1',
    '1_000',
    '1,5',
    '--1',
    '\uff11',
    'NaN',
    'Infinity',
    '1'.repeat(41),
    1e21,
    1e-7,
    Number.NaN,
    null,
    true,
    {},
    [],
  ])('[CAP-RANGE] %j is no decimal number', async (value) => {
    expect((await takes(range({ min: '-1000', max: '1' })))(value)).toBe(false);
  });

  it.each([
    {},
    { max: 1.5 },
    { max: '1', min: 0 },
    { max: null },
    { max: 'x' },
    { max: '1e3' },
    { step: 0 },
    { step: -1 },
    { step: '0' },
    { step: '-1' },
    { maximum: 1 },
    [],
    5,
    null,
  ])('[CAP-RANGE] %j is malformed', async (rule) => {
    const details = [grant('t', { q: { range: rule } as never })];
    expect(await world().refusal(forge({ payload: claims({ authorization_details: details } as never) }))).toMatchObject({
      code: 'MALFORMED',
      constraint: 'range',
    });
  });
});

describe('len', () => {
  it('[CAP-LEN] counts code points, bounds included', async () => {
    const allowed = await takes(len({ min: 2, max: 3 }));
    for (const value of ['ab', 'abc', '\u{1f600}\u{1f600}', '\u{1f600}\u{1f600}\u{1f600}', 'e\u0301a', ['ab', 'abc']]) expect(allowed(value)).toBe(true);
    for (const value of ['', 'a', 'abcd', '\u{1f600}', '\u{1f600}'.repeat(4), ['ab', 'a'], 12, null, { length: 2 }]) expect(allowed(value)).toBe(false);
    expect((await takes(len({ max: 2 })))('\ud83d\ud83d\ude00')).toBe(true);
    expect((await takes(len({ max: 0 })))('')).toBe(true);
  });

  it.each([{}, { max: -1 }, { max: 1.5 }, { max: '3' }, { max: 1, unit: 'bytes' }, 3, [], null])('[CAP-LEN] %j is malformed', async (rule) => {
    const details = [grant('t', { q: { len: rule } as never })];
    expect(await world().refusal(forge({ payload: claims({ authorization_details: details } as never) }))).toMatchObject({
      code: 'MALFORMED',
      constraint: 'len',
    });
  });
});
