import { describe, expect, it } from 'vitest';
import {
  absent,
  any,
  anyOf,
  cidr,
  digest,
  each,
  eq,
  glob,
  keys,
  len,
  noneOf,
  ofType,
  oneOf,
  optional,
  prefix,
  size,
  suffix,
  url,
  type Constraint,
} from '../../../src/capability/index.ts';
import { claims, clockAt, forge, grant, refusalOf, takes, world } from '../support.ts';

/** The values that a constraint takes or refuses by mistake. */
async function mistakes(constraint: Constraint, { yes, no }: { readonly yes: readonly unknown[]; readonly no: readonly unknown[] }): Promise<unknown[]> {
  const allowed = await takes(constraint);
  return [...yes.filter((value) => !allowed(value)), ...no.filter((value) => allowed(value))];
}

const codeOf = async (constraint: unknown) => {
  const denial = await world().refusal(forge({ payload: claims({ authorization_details: [grant('tool', { value: constraint } as never)] } as never) }));
  return denial?.code;
};

describe('not_in', () => {
  it('[CAP-NOT-IN] takes what is not listed, of a listed type', async () => {
    expect(
      await mistakes(noneOf(['prod', 'live']), {
        yes: ['dev', 'Prod', ['dev', 'test']],
        no: ['prod', ['dev', 'prod'], [], 1, null, {}, ['dev', 1], [['dev']]],
      }),
    ).toEqual([]);
    expect(await mistakes(noneOf([0, 1]), { yes: [2, -1], no: [0, -0, 1, '2', Number.NaN, true] })).toEqual([]);
    for (const rule of [[], [null], [{}], 'prod', {}]) expect(await codeOf({ not_in: rule })).toBe('MALFORMED');
  });
});

describe('prefix and suffix', () => {
  it('[CAP-AFFIX] compare code units', async () => {
    expect(
      await mistakes(prefix('acme-'), {
        yes: ['acme-', 'acme-x', ['acme-1', 'acme-2']],
        no: ['Acme-x', ' acme-x', 'acme', '', [], 1, ['acme-1', 'x'], { 0: 'acme-' }],
      }),
    ).toEqual([]);
    expect(await mistakes(suffix('.pdf'), { yes: ['.pdf', 'a.pdf'], no: ['a.PDF', 'a.pdf ', 'a.pdf\0', 'a.pdf.exe', null] })).toEqual([]);
    expect(await mistakes(prefix('é'), { yes: ['été'], no: ['e\u0301te'] })).toEqual([]);
    for (const kind of ['prefix', 'suffix']) for (const rule of ['', 1, null, ['a']]) expect(await codeOf({ [kind]: rule })).toBe('MALFORMED');
  });
});

describe('glob', () => {
  it('[CAP-GLOB] a star is any run of characters within one segment', async () => {
    expect(
      await mistakes(glob('report-*.pdf'), {
        yes: ['report-.pdf', 'report-1.pdf', 'report-a.pdf.pdf', ['report-1.pdf']],
        no: ['report-1.pdf.exe', 'Report-1.pdf', 'report-a/b.pdf', 'report-a\\b.pdf', 'report-\0.pdf', 'report-1.pdf\n', '', [], 7],
      }),
    ).toEqual([]);
    expect(
      await mistakes(glob('acme/*'), {
        yes: ['acme/a', 'acme/', 'acme/...', 'acme/**'],
        no: ['acme', 'acme/a/b', 'acme/..', 'acme/.', 'acme/a/../b', '/acme/a'],
      }),
    ).toEqual([]);
    expect(await mistakes(glob('*/*/x'), { yes: ['a/b/x', '//x'], no: ['a/b/c/x', '../b/x', 'a/./x'] })).toEqual([]);
    expect(await mistakes(glob('a*b*c'), { yes: ['abc', 'aXbYc', 'abcbc', 'aabbcc'], no: ['acb', 'abcX'] })).toEqual([]);
    expect(await mistakes(glob('a?[b]{c}+$'), { yes: ['a?[b]{c}+$'], no: ['axb', 'ab'] })).toEqual([]);
    for (const rule of ['', 'a\\*', 'a\0', 'a/../b', './a', '..', 1, ['*']]) expect(await codeOf({ glob: rule })).toBe('MALFORMED');
  });

  it('[CAP-GLOB] is decided in no time, whatever the pattern', async () => {
    const allowed = await takes(glob(`${'*a'.repeat(500)}b`));
    const before = performance.now();
    expect(allowed('a'.repeat(4000))).toBe(false);
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});

describe('url', () => {
  it('[CAP-URL] takes https addresses of its hosts, with the scheme’s own port', async () => {
    expect(
      await mistakes(url({ hosts: ['acme.com', '*.acme.com'] }), {
        yes: [
          'https://acme.com',
          'https://acme.com/',
          'https://ACME.com/a?b=c#d',
          'https://x.acme.com/',
          'https://a.b.acme.com:443/',
          ['https://acme.com/', 'https://x.acme.com/'],
        ],
        no: [
          'http://acme.com/',
          'HTTPS://acme.com/',
          'ftp://acme.com/',
          'javascript://acme.com/%0aalert(1)',
          '//acme.com/',
          'acme.com',
          'https:acme.com',
          'https:/acme.com/',
          'https:///acme.com/',
          'https://acme.com:8443/',
          'https://acme.com:0443/',
          'https://acme.com:/',
          'https://acme.com:99999/',
          'https://evilacme.com/',
          'https://acme.com.evil.example/',
          'https://evil.example/acme.com',
          'https://evil.example/?acme.com',
          'https://evil.example#acme.com',
          [],
          ['https://acme.com/', 'https://evil.example/'],
          1,
          null,
          {},
        ],
      }),
    ).toEqual([]);
  });

  it.each([
    ['user information', 'https://acme.com@evil.example/'],
    ['user information with a password', 'https://acme.com:443@evil.example/'],
    ['user information of the host itself', 'https://user@acme.com/'],
    ['an escaped at sign', 'https://evil.example%40acme.com/'],
    ['a backslash', 'https://evil.example\\@acme.com/'],
    ['a backslash for a slash', 'https:\\\\acme.com/'],
    ['a backslash in the path', 'https://acme.com\\.evil.example/'],
    ['a tab that browsers drop', 'https://ac\tme.com/'],
    ['a line feed', 'https://acme.com/\n.evil.example'],
    ['white space before', ' https://acme.com/'],
    ['white space after', 'https://acme.com/ '],
    ['NUL', 'https://acme.com\0.evil.example/'],
    ['a fullwidth dot', 'https://acme\uff0ecom/'],
    ['an ideographic full stop', 'https://acme\u3002com/'],
    ['a Kelvin sign', 'https://\u212acme.com/'],
    ['a soft hyphen', 'https://ac\u00adme.com/'],
    ['Cyrillic letters', 'https://\u0430cme.com/'],
    ['a dot at the end', 'https://acme.com./'],
    ['two dots', 'https://x..acme.com/'],
    ['a dot before', 'https://.acme.com/'],
    ['an escape in the host', 'https://acme%2ecom/'],
    ['a space in the host', 'https://acme.com .evil.example/'],
    ['an underscore', 'https://x_y.acme.com/'],
    ['a hyphen at the end of a label', 'https://x-.acme.com/'],
    ['brackets', 'https://[::1]/'],
    ['brackets around a name', 'https://[acme.com]/'],
    ['more than 2,048 characters', `https://acme.com/${'a'.repeat(2048)}`],
  ])('[CAP-URL] an address with %s is refused', async (_title, text) => {
    expect(await mistakes(url({ hosts: ['acme.com', '*.acme.com'] }), { yes: [], no: [text] })).toEqual([]);
  });

  it.each(['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1', '1.2.3', '10.0.0.1', 'a.0x1', '256.1.1.1', '1.1.1.1.1'])(
    '[CAP-URL] the IP address %s is no name',
    async (host) => {
      expect(await mistakes(url({}), { yes: [], no: [`https://${host}/`] })).toEqual([]);
    },
  );

  it('[CAP-URL] an IP address counts only where it is named itself', async () => {
    expect(
      await mistakes(url({ schemes: ['http'], hosts: ['127.0.0.1'] }), {
        yes: ['http://127.0.0.1/'],
        no: ['http://127.1/', 'http://127.0.0.1:8080/', 'http://127.0.0.2/', 'http://0x7f.0.0.1/', 'http://127.000.0.1/'],
      }),
    ).toEqual([]);
    expect(
      await mistakes(url({ schemes: ['http'], hosts: ['127.0.0.1', 'db.internal', 'acme.com'], no_private: true }), {
        yes: ['http://acme.com/'],
        no: ['http://127.0.0.1/', 'http://db.internal/'],
      }),
    ).toEqual([]);
  });

  it('[CAP-URL] no_private refuses names of this machine and this network', async () => {
    expect(
      await mistakes(url({ no_private: true }), {
        yes: ['https://acme.com/', 'https://xn--bcher-kva.example/'],
        no: ['localhost', 'a.localhost', 'LOCALHOST', 'printer', 'nas.local', 'db.internal', 'router.lan', 'x.home.arpa', 'x.test', 'a.onion'].map(
          (host) => `https://${host}/`,
        ),
      }),
    ).toEqual([]);
  });

  it('[CAP-URL] a path prefix is whole segments that nobody folds away', async () => {
    expect(
      await mistakes(url({ hosts: ['acme.com'], path_prefix: '/api/v1' }), {
        yes: ['https://acme.com/api/v1', 'https://acme.com/api/v1/', 'https://acme.com/api/v1/a%20b?x=/../', 'https://acme.com/api/v1/a;b'],
        no: [
          '/',
          '',
          '/api',
          '/api/v10',
          '/API/v1',
          '/api/v1/../admin',
          '/api/v1/..',
          '/api/./v1',
          '/api//v1',
          '/api/v1/%2e%2e/admin',
          '/api/v1/%2E./x',
          '/api%2fv1',
          '/api/v1/..%2fadmin',
          '/api/v1/..;/admin',
          '/api/v1/%252e%252e/x',
          '/api/v1/%',
          '/api/v1/%zz',
          '/api/v1/%00',
          '/api/v1/%5c..',
        ].map((path) => `https://acme.com${path}`),
      }),
    ).toEqual([]);
  });

  it('[CAP-URL] ports and schemes are those that are named', async () => {
    expect(
      await mistakes(url({ schemes: ['https', 'wss'], ports: [8443] }), {
        yes: ['https://a.example:8443/', 'wss://a.example:8443'],
        no: ['https://a.example/', 'https://a.example:443/', 'ws://a.example:8443/'],
      }),
    ).toEqual([]);
    for (const rule of [
      { hosts: [] },
      { hosts: 'acme.com' },
      { hosts: ['*'] },
      { hosts: ['ACME.com'] },
      { hosts: ['a.*.com'] },
      { hosts: ['*.1.2.3.4'] },
      { hosts: ['0x7f.1'] },
      { hosts: ['acme.com.'] },
      { ports: [] },
      { ports: [0] },
      { ports: ['443'] },
      { ports: [65_536] },
      { schemes: ['file'] },
      { schemes: [] },
      { schemes: ['constructor'] },
      { path_prefix: 'api' },
      { path_prefix: '/a/../b' },
      { path_prefix: '/a?b' },
      { path_prefix: '' },
      { no_private: false },
      { nope: 1 },
      'https://acme.com',
      [],
    ])
      expect(await codeOf({ url: rule })).toBe('MALFORMED');
  });
});

describe('cidr', () => {
  it('[CAP-CIDR] takes addresses and blocks inside its blocks', async () => {
    expect(
      await mistakes(cidr('10.0.0.0/8', '192.168.1.0/24', '2001:db8::/32'), {
        yes: [
          '10.0.0.0',
          '10.255.255.255',
          '192.168.1.7',
          '10.1.0.0/16',
          '10.0.0.0/8',
          '2001:db8::1',
          '2001:DB8:0:0:0:0:0:1',
          '2001:db8:1::/48',
          ['10.0.0.1', '192.168.1.1'],
        ],
        no: [
          '11.0.0.0',
          '192.168.2.1',
          '0.0.0.0/0',
          '8.0.0.0/7',
          '10.1.0.1/16',
          '2001:db9::1',
          '2001:db8::/31',
          '::/0',
          '::1',
          [],
          ['10.0.0.1', '8.8.8.8'],
          167772161,
          null,
        ],
      }),
    ).toEqual([]);
  });

  it.each([
    '010.0.0.1',
    '10.1',
    '10.0.0',
    '167772161',
    '0x0a000001',
    '0xa.0.0.1',
    '10.0.0.1.',
    '10.0.0.256',
    ' 10.0.0.1',
    '10.0.0.1\n',
    '10.0.0.1/33',
    '10.0.0.1/',
    '10.0.0.1/08',
    '10.0.0.1/8/8',
    '10.0.0.1%eth0',
    '10.0.0.1:80',
    '١٠.0.0.1',
    '',
    '/8',
  ])('[CAP-CIDR] %j is no address', async (text) => {
    expect(await mistakes(cidr('0.0.0.0/0', '::/0'), { yes: ['10.0.0.1'], no: [text] })).toEqual([]);
  });

  it.each([
    '::ffff:10.0.0.1',
    '::ffff:a00:1',
    '::FFFF:0a00:0001',
    '::10.0.0.1',
    '::a00:1',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    '::ffff:0:a00:1',
    'fe80::1%eth0',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    ':::',
    '1:2:3:4:5:6:7::8',
    '12345::',
    'g::',
    '[::1]',
    ':1',
  ])('[CAP-CIDR] %s hides an IPv4 address or is none', async (text) => {
    expect(await mistakes(cidr('0.0.0.0/0', '::/0'), { yes: ['2001:db8::1', '::1', 'fe80::1'], no: [text] })).toEqual([]);
  });

  it('[CAP-CIDR] blocks have no stray bits', async () => {
    for (const rule of [[], ['10.0.0.1/8'], ['10.0.0.0/8', 'x'], '10.0.0.0/8', [1], ['::ffff:10.0.0.0/104']])
      expect(await codeOf({ cidr: rule })).toBe('MALFORMED');
  });
});

describe('type, size, absent', () => {
  it('[CAP-TYPE] names JSON types, a list by its own', async () => {
    expect(await mistakes(ofType('string'), { yes: ['', 'a'], no: [1, ['a'], [], null, {}] })).toEqual([]);
    expect(await mistakes(ofType('integer', 'null'), { yes: [1, -0, null], no: [1.5, 2 ** 53, Number.NaN, '1', []] })).toEqual([]);
    expect(await mistakes(ofType('number'), { yes: [1, 1.5], no: ['1', true, 1n] })).toEqual([]);
    expect(await mistakes(ofType('array', 'object'), { yes: [[], [1], {}], no: ['', null] })).toEqual([]);
    for (const rule of ['text', [], [1], null, 'undefined', {}]) expect(await codeOf({ type: rule })).toBe('MALFORMED');
  });

  it('[CAP-SIZE] counts elements', async () => {
    expect(await mistakes(size({ max: 2 }), { yes: [[1], [1, 'a'], [[]]], no: [[], [1, 2, 3], 'ab', { length: 1 }, 1] })).toEqual([]);
    expect(await mistakes(size({ min: 0, max: 1 }), { yes: [[], [1]], no: [[1, 2]] })).toEqual([]);
    expect(await mistakes({ ...size({ max: 2 }), ...len({ max: 3 }) }, { yes: [['abc', 'a']], no: ['abc', ['abcd'], ['a', 'b', 'c']] })).toEqual([]);
    for (const rule of [{}, { min: -1 }, { max: 1.5 }, { exactly: 1 }, 2]) expect(await codeOf({ size: rule })).toBe('MALFORMED');
  });

  it('[CAP-ABSENT-ARG] says what an open grant does not mean', async () => {
    const handle = await world().handleFor([grant('send', { bcc: absent(), '*': any() } as never)]);
    expect(refusalOf(handle, 'send', { to: 'a' })).toBeUndefined();
    for (const bcc of ['', null, [], 0])
      expect(refusalOf(handle, 'send', { to: 'a', bcc })).toMatchObject({ code: 'ARG_VIOLATES', arg: 'bcc', constraint: 'absent' });
    expect(await codeOf({ absent: false })).toBe('MALFORMED');
  });
});

describe('digest', () => {
  it('[CAP-DIGEST] takes one value that the token does not show', async () => {
    const { env } = world();
    const secret = digest({ iban: 'DE02', amount: 1 }, { env });
    expect(JSON.stringify(secret)).not.toContain('DE02');
    expect(
      await mistakes(secret, { yes: [{ amount: 1, iban: 'DE02' }], no: ['DE02', { iban: 'DE02' }, [{ iban: 'DE02', amount: 1 }], null, Number.NaN, 1n] }),
    ).toEqual([]);
    expect(digest('a', { env: clockAt() }).digest.hash).not.toBe(digest('a', { env: clockAt() }).digest.hash);
    const { salt, hash } = secret.digest;
    for (const rule of [{ salt }, { hash }, { salt, hash, alg: 'md5' }, { salt: 'AA', hash }, { salt, hash: hash.slice(1) }, hash])
      expect(await codeOf({ digest: rule })).toBe('MALFORMED');
  });
});

describe('each, keys, any_of', () => {
  it('[CAP-EACH-KIND] takes lists alone', async () => {
    expect(await mistakes(each(len({ max: 2 })), { yes: [['a'], ['a', 'bc'], [['a', 'b']]], no: ['a', [], ['abc'], ['a', 1], [[]], {}] })).toEqual([]);
    expect(await mistakes(optional(each(oneOf(['a']))), { yes: [[], ['a']], no: ['a', ['b']] })).toEqual([]);
    expect(await mistakes(each(each(oneOf([1]))), { yes: [[[1], [1, 1]]], no: [[1], [[]], [[2]]] })).toEqual([]);
    expect(await codeOf({ each: {} })).toBe('MALFORMED');
    expect(await codeOf({ each: 'all' })).toBe('MALFORMED');
  });

  it('[CAP-KEYS] constrains members like arguments', async () => {
    const rule = keys({ city: len({ max: 5 }), zip: optional(oneOf(['1', '2'])) });
    expect(
      await mistakes(rule, {
        yes: [{ city: 'Bonn' }, { city: 'Bonn', zip: '1' }, [{ city: 'Bonn' }, { city: 'Ulm' }]],
        no: [
          {},
          { zip: '1' },
          { city: 'Bonn', zip: '3' },
          { city: 'Bonn', extra: 1 },
          { city: 'Hamburg' },
          'Bonn',
          null,
          [],
          [{ city: 'Bonn' }, {}],
          ['Bonn'],
          JSON.parse('{"city":"Bonn","__proto__":1}'),
          Object.create({ city: 'Bonn' }),
          Object.defineProperty({}, 'city', { get: () => 'Bonn', enumerable: true }),
        ],
      }),
    ).toEqual([]);
    expect(await mistakes(keys({ a: keys({ b: eq(1) }), '*': 'any' }), { yes: [{ a: { b: 1 }, c: [] }], no: [{ a: { b: 1, c: 1 } }, { a: {} }] })).toEqual([]);
    for (const bad of [[], 'any', { a: {} }, { '*': { len: { max: 1 } } }]) expect(await codeOf({ keys: bad })).toBe('MALFORMED');
  });

  it('[CAP-ANY-OF] takes what one alternative takes as a whole', async () => {
    expect(await mistakes(anyOf([prefix('a'), oneOf(['x', 1])]), { yes: ['ab', 'x', 1, ['a', 'ab'], ['x', 1]], no: ['b', 2, ['a', 'x'], [], null] })).toEqual(
      [],
    );
    expect(await mistakes({ ...anyOf([oneOf(['a', 'b'])]), ...noneOf(['b']) }, { yes: ['a'], no: ['b'] })).toEqual([]);
    for (const rule of [[], ['any'], [{}], { prefix: 'a' }, [{ any_of: [{ prefix: 'a' }] }], [{ prefix: 'a', optional: true }], [{ absent: true }]])
      expect(await codeOf({ any_of: rule })).toBe('MALFORMED');
  });

  it('[CAP-BOUNDS] nested constraints count as well, and so does what is inside them', async () => {
    const { refusal } = world();
    const nested = (count: number) =>
      forge({
        payload: claims({
          authorization_details: [grant('tool', { v: { keys: Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'any'])) } })],
        } as never),
      });
    expect(await refusal(nested(255))).toBeUndefined();
    expect(await refusal(nested(256))).toMatchObject({ code: 'TOO_LARGE', grant: 0, arg: 'v' });
    expect(
      await refusal(forge({ payload: claims({ authorization_details: [grant('tool', { v: { each: { keys: { a: { regex: 'x' } } } } } as never)] } as never) })),
    ).toMatchObject({ code: 'CONSTRAINT_UNKNOWN', constraint: 'regex' });
  });
});
