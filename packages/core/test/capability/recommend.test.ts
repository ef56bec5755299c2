import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/bytes/json-value.ts';
import { recommend, simulate, toolGrants, type RecordedCall } from '../../src/capability/index.ts';
import { codeOf } from '../errors/code-of.ts';
import { grant, refusalOf, world } from './support.ts';

const calls = (tool: string, inputs: readonly JsonObject[]): RecordedCall[] => inputs.map((input) => ({ tool, input }));
const values = (list: readonly JsonValue[]): RecordedCall[] =>
  calls(
    'tool',
    list.map((value) => ({ value })),
  );
const ofValue = (list: readonly JsonValue[]) => recommend(values(list), { coverage: 1 }).grants[0]?.args['value'];
const many = <T>(length: number, make: (i: number) => T): T[] => Array.from({ length }, (_, i) => make(i));

describe('recommend', () => {
  it.each<[string, JsonValue[], unknown]>([
    ['one value', ['a', 'a', 'a'], { eq: 'a' }],
    [
      'one object',
      [
        { b: 1, a: 2 },
        { a: 2, b: 1 },
      ],
      { eq: { b: 1, a: 2 } },
    ],
    ['a few', ['b', 'a', true, 3], { in: ['a', 'b', 3, true] }],
    ['eight', many(8, (i) => `v${i}`), { in: many(8, (i) => `v${i}`) }],
    ['many numbers', many(20, (i) => i * 3), { range: { min: 0, max: 57 } }],
    ['paths', many(20, (i) => `/data/reports/${i % 3}/${i}.csv`), { subpath: { root: '/data/reports' } }],
    ['relative paths', many(20, (i) => `docs/${i}.md`), { subpath: { root: 'docs' } }],
    ['paths of which one climbs', [...many(20, (i) => `/data/${i}`), '/data/../etc/passwd'], 'any'],
    ['addresses on the web', many(20, (i) => `https://api.acme.example/v1/${i}`), { url: { hosts: ['api.acme.example'] } }],
    ['mail addresses', many(20, (i) => `user${i}@${i % 2 === 0 ? 'acme.example' : 'acme.org'}`), { email: { domains: ['acme.example', 'acme.org'] } }],
    ['a common beginning', many(20, (i) => `invoice-${i}`), { prefix: 'invoice-' }],
    ['nothing in common', many(20, (i) => `${i}${'x'.repeat(i)}`), 'any'],
    ['fractions', many(20, (i) => i + 0.5), 'any'],
    [
      'lists by their elements',
      [['a@acme.example'], ['b@acme.example', 'c@acme.example'], ...many(10, (i) => [`u${i}@acme.example`])],
      { email: { domains: ['acme.example'] } },
    ],
    ['objects', many(20, (i) => ({ i })), 'any'],
  ])('[STATE-RECOMMEND] joins %s', (_, list, constraint) => {
    expect(ofValue(list)).toEqual(constraint);
  });

  it('[STATE-RECOMMEND] what it recommends can be issued, and allows every call that it covers', async () => {
    const recorded = [
      ...calls(
        'read',
        many(60, (i) => ({ path: `/srv/data/${i}.txt`, ...(i % 2 === 0 ? { lines: i } : {}) })),
      ),
      ...calls(
        'mail',
        many(60, (i) => ({ to: [`u${i}@acme.example`], subject: `Report ${i}`, urgent: i % 2 === 0 })),
      ),
    ];
    const { grants, covered, calls: all } = recommend(recorded);
    expect([covered, all]).toEqual([120, 120]);
    const handle = await world().handleFor(grants);
    for (const { tool, input } of recorded) expect(refusalOf(handle, tool, input)).toBeUndefined();
    expect(refusalOf(handle, 'read', { path: '/etc/passwd' })).toMatchObject({ code: 'ARG_VIOLATES' });
    expect(refusalOf(handle, 'read', { path: '/srv/data/1', mode: 'w' })).toMatchObject({ code: 'ARG_UNLISTED' });
  });

  it('[STATE-RECOMMEND] leaves the rarest calls out, as far as the coverage lets it, and says so', () => {
    const recorded = [
      ...calls(
        'search',
        many(198, () => ({ q: 'x' })),
      ),
      ...calls('drop_database', [{ name: 'prod' }]),
      ...calls('search', [{ q: 'rm -rf' }]),
    ];
    const recommended = recommend(recorded);
    expect(recommended).toMatchObject({
      calls: 200,
      covered: 198,
      leftOut: [
        { tool: 'drop_database', calls: 1 },
        { tool: 'search', calls: 1 },
      ],
    });
    expect(recommended.grants).toEqual(toolGrants({ search: { q: { eq: 'x' } } }));
    expect(recommend(recorded, { coverage: 1 }).grants.map(({ tools }) => tools[0])).toEqual(['drop_database', 'search']);
    for (const coverage of [0, -1, 1.01, Number.NaN]) expect(codeOf(() => recommend(recorded, { coverage }))).toBe('TALOS_USAGE_ARGUMENT');
  });

  it('[STATE-RECOMMEND] lists what was granted and never called', () => {
    const granted = many(41, (i) => `tool_${i}`);
    const { unused } = recommend(
      calls(
        'tool_3',
        many(5, () => ({})),
      ),
      { granted },
    );
    expect(unused.length).toBe(40);
    expect(recommend([]).grants).toEqual([]);
  });

  it('[STATE-RECOMMEND] hostile names and arguments become no grant that nobody could read', () => {
    expect(
      recommend(
        calls(
          '../etc',
          many(3, () => ({})),
        ),
        { coverage: 1 },
      ).grants,
    ).toEqual([]);
    expect(recommend(calls('t', [{ '*': 1 }]), { coverage: 1 }).grants[0]?.args).toEqual({ '*': 'any' });
    const polluted = JSON.parse('{"__proto__":{"a":1}}') as JsonObject;
    expect(Object.keys(recommend(calls('t', [polluted]), { coverage: 1 }).grants[0]?.args ?? {})).toEqual(['__proto__']);
  });
});

describe('simulate', () => {
  it('[STATE-SIMULATE] says which recorded calls would be decided otherwise', () => {
    const recorded = [...values([1, 50, 500]), ...calls('other', [{}])];
    const before = toolGrants({ tool: { value: { range: { max: 100 } } } });
    const after = [...toolGrants({ tool: { value: { range: { min: 10, max: 1000 } } } }), grant('other')];
    expect(simulate(before, after, recorded)).toEqual({
      calls: 4,
      gained: [...values([500]), { tool: 'other', input: {} }],
      lost: values([1]),
      allowedBefore: 2,
      allowedAfter: 3,
    });
    expect(codeOf(() => simulate(before, [{ type: 'x' } as never], []))).toBe('TALOS_CAPABILITY_INVALID_GRANT');
  });
});
