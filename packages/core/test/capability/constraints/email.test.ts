import { describe, expect, it } from 'vitest';
import { email } from '../../../src/capability/index.ts';
import { claims, forge, grant, takes, world } from '../support.ts';

const local = 'a'.repeat(64);

describe('email', () => {
  it.each([
    'bob@acme.com',
    'bob@ACME.com',
    'b.o_b+tag@acme.com',
    "o'neil@acme.com",
    'a-b@acme.com',
    'BOB@acme.COM',
    'x=y&z@acme.com',
    '1@xn--bcher-kva.example',
    `${local}@acme.com`,
  ])('[CAP-EMAIL] %s is one address at a granted domain', async (value) => {
    expect((await takes(email({ domains: ['acme.com', 'xn--bcher-kva.example'] })))(value)).toBe(true);
  });

  it.each([
    ['another domain', 'bob@evil.com'],
    ['a subdomain', 'bob@mail.acme.com'],
    ['a domain that ends the same', 'bob@notacme.com'],
    ['a domain that begins the same', 'bob@acme.com.evil.com'],
    ['two at signs', 'bob@evil.com@acme.com'],
    ['a second at sign after', 'bob@acme.com@evil.com'],
    ['a list in one text', 'bob@acme.com,eve@evil.com'],
    ['a list by semicolon', 'bob@acme.com;eve@evil.com'],
    ['a list by space', 'eve@evil.com bob@acme.com'],
    ['a display name', 'Bob <bob@acme.com>'],
    ['a display name that hides one', '"bob@acme.com" <eve@evil.com>'],
    ['angle brackets', '<bob@acme.com>'],
    ['a comment', 'eve@evil.com(@acme.com)'],
    ['a comment in the domain', 'bob@(x)acme.com'],
    ['a quoted part', '"eve@evil.com"@acme.com'],
    ['a percent route', 'eve%evil.com@acme.com'],
    ['a bang path', 'evil.com!eve@acme.com'],
    ['a source route', '@evil.com:eve@acme.com'],
    ['an option to sendmail', '-oQ/tmp@acme.com'],
    ['a header by CRLF', 'bob@acme.com\r\nBcc: eve@evil.com'],
    ['a line feed at the end', 'bob@acme.com\n'],
    ['NUL', 'eve@evil.com\0@acme.com'],
    ['a space before', ' bob@acme.com'],
    ['a space inside', 'bob @acme.com'],
    ['a trailing dot', 'bob@acme.com.'],
    ['a leading dot', '.bob@acme.com'],
    ['a dot before the at sign', 'bob.@acme.com'],
    ['two dots', 'b..ob@acme.com'],
    ['nothing before the at sign', '@acme.com'],
    ['nothing after it', 'bob@'],
    ['no at sign', 'acme.com'],
    ['mailto', 'mailto:bob@acme.com'],
    ['parameters', 'bob@acme.com?cc=eve@evil.com'],
    ['an address literal', 'bob@[127.0.0.1]'],
    ['the Kelvin sign', 'bob@\u212aacme.com'],
    ['a Cyrillic letter', 'bob@\u0430cme.com'],
    ['a fullwidth at sign', 'bob\uff20acme.com'],
    ['a fullwidth dot', 'bob@acme\uff0ecom'],
    ['an ideographic dot', 'bob@acme\u3002com'],
    ['a soft hyphen', 'bob@ac\u00adme.com'],
    ['a long s that folds', 'bob@acme.com\u017f'],
    ['a letter beyond ASCII before the at sign', 'b\u00f6b@acme.com'],
    ['65 before the at sign', `a${local}@acme.com`],
    ['more than 254', `bob@${'a'.repeat(250)}.com`],
    ['a number', 1],
    ['an object', { address: 'bob@acme.com' }],
    ['null', null],
  ])('[CAP-EMAIL] %s is refused', async (_title, value) => {
    const allowed = await takes(email({ domains: ['acme.com', 'kacme.com'] }));
    expect(allowed(value)).toBe(false);
    expect(allowed(['bob@acme.com', value])).toBe(false);
  });

  it('[CAP-EMAIL] an address above 254 characters is refused even at a granted domain', async () => {
    const labels = ['a', 'b', 'c'].map((letter) => letter.repeat(63)).join('.');
    const domain = `${labels}.${'d'.repeat(59)}.e`;
    expect(domain).toHaveLength(253);
    expect((await takes(email({ domains: [domain] })))(`a@${domain}`)).toBe(false);
    expect((await takes(email({ domains: [domain.slice(1)] })))(`a@${domain.slice(1)}`)).toBe(true);
  });

  it('[CAP-EMAIL] no domains grant nothing', async () => {
    expect((await takes(email({ domains: [] })))('bob@acme.com')).toBe(false);
  });

  it.each([
    ['ACME.com'],
    ['*.acme.com'],
    ['acme'],
    ['b\u00fccher.example'],
    ['acme.com.'],
    ['.acme.com'],
    ['-a.com'],
    ['a-.com'],
    ['a_b.com'],
    ['@acme.com'],
    [''],
    [1],
    [`${'a'.repeat(64)}.com`],
  ])('[CAP-EMAIL] a grant of the domain %s is malformed', async (domain) => {
    const details = [grant('t', { to: { email: { domains: [domain] } } as never })];
    expect(await world().refusal(forge({ payload: claims({ authorization_details: details } as never) }))).toMatchObject({
      code: 'MALFORMED',
      constraint: 'email',
    });
  });

  it.each([{}, { domains: 'acme.com' }, { domains: ['acme.com'], addresses: [] }, ['acme.com'], null])('[CAP-EMAIL] %j is malformed', async (rule) => {
    const details = [grant('t', { to: { email: rule } as never })];
    expect(await world().refusal(forge({ payload: claims({ authorization_details: details } as never) }))).toMatchObject({
      code: 'MALFORMED',
      constraint: 'email',
    });
  });
});
