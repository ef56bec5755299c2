import { describe, expect, it } from 'vitest';
import { isToolName } from '../../src/capability/index.ts';
import { claims, forge, grant, refusalOf, world } from './support.ts';

const long = 'a'.repeat(128);

describe('tool names', () => {
  it.each(['search', 'send_mail', 'a', 'A.b-c_9', 'fs/read', 'a/b/c', '..a', '...', long, `${long}/${long}`])('[CAP-TOOL-NAME] %s is a name', (name) => {
    expect(isToolName(name)).toBe(true);
  });

  const bad = [
    ['nothing', ''],
    ['a leading slash', '/a'],
    ['a trailing slash', 'a/'],
    ['an empty segment', 'a//b'],
    ['one dot', 'a/.'],
    ['two dots', 'a/../b'],
    ['percent encoding', 'a%2fb'],
    ['white space', 'a b'],
    ['a line feed', 'search\n'],
    ['NUL', 'a\0'],
    ['a letter beyond ASCII', 'se\u0430rch'],
    ['a fullwidth letter', '\uff53earch'],
    ['a zero-width space', 'sea\u200brch'],
    ['a backslash', 'a\\b'],
    ['a hash', 'server#a'],
    ['a segment of 129', `${long}a`],
    ['more than 512', Array.from({ length: 5 }, () => long).join('/')],
  ] as const;

  it.each(bad)('[CAP-TOOL-NAME] %s is no name, neither in a grant nor in a call', async (_title, name) => {
    expect(isToolName(name)).toBe(false);
    expect(await world().refusal(forge({ payload: claims({ authorization_details: [grant(name)] } as never) }))).toMatchObject({
      code: 'MALFORMED',
      grant: 0,
      constraint: 'tools',
    });
    const denial = refusalOf(await world().handleFor([grant(['**', 'search'])]), name);
    expect(denial).toMatchObject({ code: 'TOOL_UNGRANTED' });
    expect(denial).not.toHaveProperty('missing');
  });

  it.each(['a*', '*a', 'a/b*', '**/a', 'a/**/b', '***', 'a/***', '*/', '/*', '**/**', '*.read', 'a/../*'])(
    '[CAP-TOOL-PATTERN] %s is no pattern',
    async (pattern) => {
      expect(await world().refusal(forge({ payload: claims({ authorization_details: [grant(pattern)] } as never) }))).toMatchObject({ code: 'MALFORMED' });
    },
  );

  it.each([
    ['search', ['search'], ['Search', 'searchx', 'sear', 'search/a']],
    ['fs', ['fs'], ['fs/read']],
    ['*', ['fs', 'search'], ['fs/read']],
    ['fs/*', ['fs/read'], ['fs', 'fs/a/b', 'fsx/read', 'ft/read']],
    ['*/read', ['fs/read', 'db/read'], ['read', 'fs/write', 'a/b/read', 'fs/readx']],
    ['fs/*/read', ['fs/a/read'], ['fs/read', 'fs/a/b/read']],
    ['a.b/*', ['a.b/c'], ['axb/c']],
    ['fs/**', ['fs/read', 'fs/a/b'], ['fs', 'fsx', 'fsx/a']],
    ['fs/*/**', ['fs/a/b', 'fs/a/b/c'], ['fs', 'fs/a']],
    ['**', ['fs', 'fs/read', 'a/b/c'], []],
  ])('[CAP-TOOL-PATTERN] %s matches whole segments', async (pattern, matching, others) => {
    const handle = await world().handleFor([grant(pattern)]);
    for (const name of matching) expect(refusalOf(handle, name)).toBeUndefined();
    for (const name of others) expect(refusalOf(handle, name)).toMatchObject({ code: 'TOOL_UNGRANTED' });
  });
});
