import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/bytes/canonical-json.ts';
import type { JsonObject } from '../../src/bytes/json-value.ts';
import { any, email, eq, len, oneOf, optional, range, subpath, type Constraint, type ToolGrant } from '../../src/capability/index.ts';
import { rules } from './subsumption/pool.ts';
import { grant, refusalOf, world } from './support.ts';

const seed = 20260101;
const tool = fc.constantFrom('search', 'mail', 'fs/read', 'fs/write', 'query');
const name = fc.constantFrom('to', 'path', 'n', 'q', '__proto__', 'constructor');
const scalar = fc.oneof(
  fc.constantFrom('bob@acme.com', 'eve@evil.com', '/data/a', '/data/../b', '', 'EUR', '19.99'),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Number.isInteger(value) || Number.isSafeInteger(value)),
  fc.boolean(),
  fc.constant(null),
);
const value = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('node'), { maxLength: 3 }),
    fc.dictionary(fc.string({ unit: 'binary', maxLength: 4 }), tie('node'), { maxKeys: 3 }),
  ),
})).node as fc.Arbitrary<never>;
const call = fc.record({ tool, input: fc.dictionary(name, value, { maxKeys: 4 }) }) as fc.Arbitrary<{ tool: string; input: JsonObject }>;

const constraint: fc.Arbitrary<Constraint> = fc
  .record({
    rule: fc.constantFrom<Constraint>(
      ...rules,
      any(),
      eq('EUR'),
      oneOf(['EUR', 1, null]),
      range({ max: 100 }),
      range({ max: '20.00' }),
      len({ max: 5 }),
      subpath('/data'),
      email({ domains: ['acme.com'] }),
    ),
    optional: fc.boolean(),
  })
  .map(({ rule, optional: mayMiss }) => (mayMiss ? optional(rule) : rule));
const someGrant: fc.Arbitrary<ToolGrant> = fc
  .record({
    tools: fc.array(fc.oneof(tool, fc.constantFrom('*', '**', 'fs/*')), { maxLength: 2 }),
    args: fc.dictionary(name, constraint, { maxKeys: 4 }),
    open: fc.boolean(),
  })
  .map(({ tools, args, open }) => grant(tools, open ? { ...args, '*': 'any' } : args));

describe('missing', () => {
  it('[CAP-MISSING] once granted allows exactly the call that was refused', async () => {
    const { handleFor } = world();
    await fc.assert(
      fc.asyncProperty(fc.array(someGrant, { maxLength: 4 }), call, call, async (grants, refused, other) => {
        const missing = refusalOf(await handleFor(grants), refused.tool, refused.input)?.missing;
        if (missing === undefined) return;
        const handle = await handleFor([missing]);
        expect(refusalOf(handle, refused.tool, refused.input)).toBeUndefined();
        if (other.tool !== refused.tool || canonicalJson(other.input) !== canonicalJson(refused.input))
          expect(refusalOf(handle, other.tool, other.input)).toBeDefined();
        for (const near of neighbours(refused.input)) expect(refusalOf(handle, refused.tool, near)).toBeDefined();
      }),
      { seed, numRuns: 400 },
    );
  });

  it('[CAP-MISSING] stands on every refusal of a call that some token could allow', async () => {
    const handle = await world().handleFor([]);
    fc.assert(
      fc.property(call, ({ tool: called, input }) => {
        expect(refusalOf(handle, called, input)?.missing).toEqual({
          type: 'talos_tool',
          tools: [called],
          args: Object.fromEntries(Object.entries(input).map(([key, sent]) => [key, { eq: sent }])),
        });
      }),
      { seed, numRuns: 200 },
    );
  });

  it.each([
    ['an argument called *', { '*': 1 }],
    ['NaN', { n: Number.NaN }],
    ['an integer outside I-JSON', { n: 2 ** 53 }],
    ['a lone surrogate', { n: '\ud800' }],
    ['a lone surrogate in a name', { '\ud800': 1 }],
    ['undefined inside', { n: [undefined] }],
    ['a hole', { n: [, 1] }], // oxlint-disable-line no-sparse-arrays -- the case
    ['a function', { n: () => 1 }],
    ['a hidden member', Object.defineProperty({}, 'n', { value: 1 })],
    ['a symbol', { [Symbol('n')]: 1 }],
    ['a getter', Object.defineProperty({}, 'n', { get: () => 1, enumerable: true })],
    ['a BigInt', { n: 1n }],
    ['a Date', { n: new Date(0) }],
    ['more than fits a token', { n: 'x'.repeat(4096) }],
    ['more than fits in escapes', { n: '\0'.repeat(700) }],
    ['more arguments than constraints', Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`a${i}`, 1]))],
    ['nesting above the bound', { n: JSON.parse('['.repeat(12) + ']'.repeat(12)) as unknown }],
  ])('[CAP-MISSING] is left out for %s', async (_title, input) => {
    const denial = refusalOf(await world().handleFor([]), 'search', input);
    expect(denial).toMatchObject({ code: 'TOOL_UNGRANTED' });
    expect(denial).not.toHaveProperty('missing');
  });

  it('[CAP-MISSING] at the bounds still fits a token', async () => {
    const { handleFor } = world();
    for (const input of [
      { n: 'x'.repeat(4020) },
      { n: JSON.parse('['.repeat(11) + ']'.repeat(11)) as unknown },
      Object.fromEntries(Array.from({ length: 256 }, (_, i) => [`${i}`, 1])),
    ]) {
      const missing = refusalOf(await handleFor([]), 'search', input)?.missing;
      expect(refusalOf(await handleFor([missing!]), 'search', input)).toBeUndefined();
    }
  });
});

/** Calls one step away: one argument more, one less, one wrapped in a list. */
function* neighbours(input: JsonObject): Generator<JsonObject> {
  yield { ...input, extra: 1 };
  for (const [key, sent] of Object.entries(input)) {
    yield Object.fromEntries(Object.entries(input).filter(([other]) => other !== key));
    yield Object.fromEntries(Object.entries(input).map(([other, kept]) => [other, other === key ? [sent] : kept]));
  }
}
