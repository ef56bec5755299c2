import { describe, expect, it } from 'vitest';
import { subpath } from '../../../src/capability/index.ts';
import { claims, forge, grant, takes, world } from '../support.ts';

describe('subpath', () => {
  it.each([
    ['/data', ['/data', '/data/', '/data/a', '/data//a', '/data/./a', '/data/a/b.txt', '/data/...', '/data/.hidden', '/data/a b', '/data/%', '/data/100%']],
    ['/data/', ['/data', '/data/a']],
    ['/', ['/', '/etc/passwd']],
    ['docs', ['docs', './docs/a', 'docs/a', 'docs/.//a', 'docs/\u00e9t\u00e9.md', ['docs/a', 'docs/b']]],
    ['.', ['a', './a', '.', 'a/b']],
    ['docs/\u00e9t\u00e9', ['docs/\u00e9t\u00e9/a']],
  ] as const)('[CAP-SUBPATH] posix: below %s', async (root, values) => {
    const allowed = await takes(subpath({ root, os: 'posix' }));
    for (const value of values) expect(allowed(value)).toBe(true);
  });

  const everywhere: readonly (readonly [string, unknown])[] = [
    ['dot dot', '/data/../etc/passwd'],
    ['dot dot that comes back', '/data/a/../b'],
    ['dot dot at the end', '/data/a/..'],
    ['dot dot before', '/../data/a'],
    ['a sibling that begins the same', '/data-old/a'],
    ['the parent', '/'],
    ['another root', '/etc/passwd'],
    ['a relative path', 'data/a'],
    ['nothing', ''],
    ['NUL', '/data/a\0/../../etc'],
    ['a line feed', '/data/a\n'],
    ['DEL', '/data/a\u007f'],
    ['encoded dots', '/data/%2e%2e/etc'],
    ['encoded dots, upper case', '/data/%2E%2E/etc'],
    ['one encoded dot', '/data/.%2e/etc'],
    ['an encoded slash', '/data/..%2fetc'],
    ['encoded twice', '/data/%252e%252e/etc'],
    ['an IIS escape', '/data/%u002e%u002e/etc'],
    ['backslashes', '/data/..\\..\\etc'],
    ['a mixture', '/data\\..\\etc'],
    ['home', '~/data'],
    ['a home of another', '~root/data'],
    ['other case', '/DATA/a'],
    ['a fullwidth slash', '/data\uff0fa'],
    ['fullwidth dots', '/data/\uff0e\uff0e/etc'],
    ['a two dot leader', '/data/\u2025/etc'],
    ['one dot leaders', '/data/\u2024\u2024/etc'],
    ['dots around a zero-width space', '/data/.\u200b./etc'],
    ['dots around a soft hyphen', '/data/.\u00ad./etc'],
    ['a lookalike of the root', '/d\u0430ta/a'],
    ['a fullwidth root', '/\uff44ata/a'],
    ['more than 4,096', `/data/${'a/'.repeat(2048)}`],
    ['a URL', 'file:///data/a'],
    ['a number', 1],
    ['an object', { path: '/data/a' }],
    ['null', null],
    ['a list in a list', [['/data/a']]],
  ];

  describe.each(['posix', 'any'] as const)('%s', (os) => {
    it.each(everywhere)('[CAP-SUBPATH] refuses %s', async (_title, value) => {
      const allowed = await takes(subpath({ root: '/data', os }));
      expect(allowed(value)).toBe(false);
      expect(allowed(['/data/a', value])).toBe(false);
    });
  });

  it.each([
    ['docs', ['../../etc/passwd', '../docs/a', 'docs/../a', '/docs/a', 'docsx', 'a/docs', '.', './', 'docs\\..\\a', '~/docs', 'C:docs']],
    ['.', ['..', '../a', '/', '/etc', 'a/../../b', '~', '~/.ssh/id_ed25519']],
  ] as const)('[CAP-SUBPATH] a relative root %s refuses what leaves it', async (root, values) => {
    for (const os of ['posix', 'any'] as const) {
      const allowed = await takes(subpath({ root, os }));
      for (const value of values) expect(allowed(value)).toBe(false);
    }
  });

  it('[CAP-SUBPATH] any, the default, takes what is inside for both systems', async () => {
    const allowed = await takes(subpath('/data'));
    for (const value of ['/data/a', '/data/a/b.txt', '/data/auxiliary', '/data/com10']) expect(allowed(value)).toBe(true);
    for (const value of [
      '/data/a:b',
      '/data/a.',
      '/data/a ',
      '/data/con',
      '/data/AUX.txt',
      '/data/com1',
      '/data/lpt\u00b9',
      '//server/data',
      '/data\\a',
      '/data/a\\b',
    ]) {
      expect(allowed(value)).toBe(false);
    }
  });

  it('[CAP-SUBPATH] two slashes at the start are a server to one system: only posix takes them', async () => {
    expect((await takes(subpath('/')))('//server/share')).toBe(false);
    expect((await takes(subpath({ root: '/', os: 'win32' })))('//server/share')).toBe(false);
    expect((await takes(subpath({ root: '/', os: 'posix' })))('//server/share')).toBe(true);
  });

  it('[CAP-SUBPATH] win32 reads drives, both separators and ASCII case as Windows does', async () => {
    const allowed = await takes(subpath({ root: 'C:\\Data', os: 'win32' }));
    for (const value of ['C:\\Data', 'c:/data/a', 'C:\\DATA\\a.txt', 'C:\\.\\data\\\\a']) expect(allowed(value)).toBe(true);
    const refused = [
      'D:\\Data\\a',
      'C:Data\\a',
      'C:',
      '\\Data\\a',
      'Data\\a',
      '\\\\server\\c$\\Data',
      '//server/data',
      '\\\\?\\C:\\Data\\a',
      '\\\\.\\C:\\Data',
      'C:\\Data\\..\\a',
      'C:/data/../a',
      'C:\\Data\\a::$DATA',
      'C:\\Data\\a:stream',
      'C:\\Data.\\a',
      'C:\\Data \\a',
      'C:\\Data\\.. \\a',
      'C:\\Data\\... \\a',
      'C:\\Data\\a.',
      'C:\\Data\\NUL',
      'C:\\Data\\con.txt',
      'C:\\Data\\COM1',
      '1:\\Data',
      'C:\\\u212aata',
    ];
    for (const value of refused) expect(allowed(value)).toBe(false);
    const rooted = await takes(subpath({ root: '\\Data', os: 'win32' }));
    expect(rooted('/data/a')).toBe(true);
    expect(rooted('C:\\Data\\a')).toBe(false);
    const kelvin = await takes(subpath({ root: 'k', os: 'win32' }));
    expect(kelvin('K\\a')).toBe(true);
    expect(kelvin('\u212a\\a')).toBe(false);
  });

  it.each([
    ['dot dot', { root: 'a/../b' }],
    ['nothing', { root: '' }],
    ['an escape', { root: '/data/%20' }],
    ['UNC', { root: '\\\\server\\share', os: 'win32' }],
    ['a drive without a root', { root: 'C:data', os: 'win32' }],
    ['home', { root: '~/docs' }],
    ['no root', {}],
    ['a number', { root: 1 }],
    ['another system', { root: '/data', os: 'vms' }],
    ['an unknown member', { root: '/data', follow: true }],
  ])('[CAP-SUBPATH] a grant with %s is malformed', async (_title, rule) => {
    const details = [grant('t', { path: { subpath: rule } as never })];
    expect(await world().refusal(forge({ payload: claims({ authorization_details: details } as never) }))).toMatchObject({
      code: 'MALFORMED',
      constraint: 'subpath',
    });
  });
});
