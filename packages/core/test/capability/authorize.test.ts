import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { any, anyArgs, authorize, email, eq, len, oneOf, optional, range, toolGrants, type CapabilityHandle } from '../../src/capability/index.ts';
import { Permit } from '../../src/capability/permit.ts';
import { grant, refusalOf, world } from './support.ts';

const productGrants = toolGrants({
  search: anyArgs(),
  send_mail: { to: email({ domains: ['acme.com'] }), subject: len({ max: 120 }), body: any() },
  query_db: { sql: any(), limit: range({ max: 100 }) },
});
const mail = { to: 'bob@acme.com', subject: 'hello', body: 'text' };

describe('authorize', () => {
  it('[CAP-AUTHORIZE] allows what the grants of the product page allow', async () => {
    const handle = await world().handleFor(productGrants);
    const permit = authorize(handle, { tool: 'send_mail', input: mail });
    expect(permit).toBeInstanceOf(Permit);
    expect(permit).toMatchObject({ tool: 'send_mail', grant: 1 });
    expect(refusalOf(handle, 'search', { anything: [{ at: 'all' }] })).toBeUndefined();
    expect(refusalOf(handle, 'search')).toBeUndefined();
    expect(refusalOf(handle, 'query_db', { sql: 'select 1', limit: 100 })).toBeUndefined();
  });

  it('[CAP-CLOSED-WORLD] an argument that is not named is refused', async () => {
    const handle = await world().handleFor(productGrants);
    expect(refusalOf(handle, 'send_mail', { ...mail, bcc: 'eve@evil.com' })).toMatchObject({
      code: 'ARG_UNLISTED',
      class: 'SCOPE_MISMATCH',
      grant: 1,
      arg: 'bcc',
    });
  });

  it('[CAP-CLOSED-WORLD] a lifted closed world still holds the arguments that are named', async () => {
    const handle = await world().handleFor([grant('fetch', { '*': 'any', to: eq('a') })]);
    expect(refusalOf(handle, 'fetch', { to: 'a', depth: 3 })).toBeUndefined();
    expect(refusalOf(handle, 'fetch', { to: 'b', depth: 3 })).toMatchObject({ code: 'ARG_VIOLATES' });
    expect(refusalOf(handle, 'fetch', { depth: 3 })).toMatchObject({ code: 'ARG_MISSING' });
  });

  it('[CAP-ARG-MISSING] a missing argument is refused unless it is optional', async () => {
    const handle = await world().handleFor([grant('mail', { to: any(), cc: optional(email({ domains: ['acme.com'] })) })]);
    expect(refusalOf(handle, 'mail', {})).toMatchObject({ code: 'ARG_MISSING', arg: 'to' });
    expect(refusalOf(handle, 'mail', { to: 'x' })).toBeUndefined();
    expect(refusalOf(handle, 'mail', { to: 'x', cc: 'eve@evil.com' })).toMatchObject({ code: 'ARG_VIOLATES', arg: 'cc', constraint: 'email' });
  });

  it('[CAP-EACH] every element of a list has to satisfy, and an empty list stands for an absent value', async () => {
    const handle = await world().handleFor([grant('mail', { to: email({ domains: ['acme.com'] }) }), grant('tag', { tags: optional(oneOf(['a', 'b'])) })]);
    expect(refusalOf(handle, 'mail', { to: ['a@acme.com', 'b@acme.com'] })).toBeUndefined();
    expect(refusalOf(handle, 'mail', { to: ['a@acme.com', 'eve@evil.com'] })).toMatchObject({ code: 'ARG_VIOLATES' });
    expect(refusalOf(handle, 'mail', { to: [] })).toMatchObject({ code: 'ARG_VIOLATES' });
    expect(refusalOf(handle, 'mail', { to: [['a@acme.com']] })).toMatchObject({ code: 'ARG_VIOLATES' });
    expect(refusalOf(handle, 'mail', { to: Array.from({ length: 1 }) })).toMatchObject({ code: 'ARG_VIOLATES' });
    expect(refusalOf(handle, 'tag', { tags: [] })).toBeUndefined();
  });

  it('[CAP-GRANTS-APART] grants never combine their parts', async () => {
    const handle = await world().handleFor([
      grant('pay', { to: eq('a'), amount: range({ max: 5 }) }),
      grant('pay', { to: eq('b'), amount: range({ max: 500 }) }),
    ]);
    expect(refusalOf(handle, 'pay', { to: 'a', amount: 5 })).toBeUndefined();
    expect(refusalOf(handle, 'pay', { to: 'b', amount: 500 })).toBeUndefined();
    expect(refusalOf(handle, 'pay', { to: 'a', amount: 500 })).toMatchObject({ code: 'ARG_VIOLATES' });
  });

  it('[CAP-DEFAULT-DENY] no grants, and a grant of no tools, allow nothing', async () => {
    for (const grants of [[], [grant([])]]) {
      expect(refusalOf(await world().handleFor(grants), 'search')).toMatchObject({ code: 'TOOL_UNGRANTED', class: 'UNKNOWN_TOOL' });
    }
  });

  it('[CAP-AND] the constraints of one argument must all hold', async () => {
    const handle = await world().handleFor([grant('pick', { q: { ...oneOf(['a', 'abc']), ...len({ min: 2 }) } })]);
    expect(refusalOf(handle, 'pick', { q: 'abc' })).toBeUndefined();
    expect(refusalOf(handle, 'pick', { q: 'a' })).toMatchObject({ constraint: 'len' });
    expect(refusalOf(handle, 'pick', { q: 'xyz' })).toMatchObject({ constraint: 'in' });
  });

  it('[CAP-NEAREST] the first fault of the nearest grant is reported', async () => {
    const handle = await world().handleFor([
      grant('mail', { to: eq('a'), cc: eq('b'), body: eq('c') }),
      grant('mail', { to: eq('a'), body: eq('x') }),
      grant('*', { to: eq('z'), body: eq('z') }),
    ]);
    expect(refusalOf(handle, 'mail', { to: 'a', body: 'y' })).toMatchObject({ grant: 1, code: 'ARG_VIOLATES', arg: 'body', constraint: 'eq' });
    expect(refusalOf(handle, 'mail', { to: 'a', body: 'y', bcc: 'q' })).toMatchObject({ grant: 1, code: 'ARG_UNLISTED', arg: 'bcc' });
    expect(refusalOf(await world().handleFor([grant('*', { q: eq(1) }), grant('mail', { q: eq(2) })]), 'mail', { q: 3 })).toMatchObject({ grant: 0 });
    expect(refusalOf(handle, 'mail', { to: 'n' })).toMatchObject({ grant: 1, code: 'ARG_MISSING', arg: 'body' });
  });
});

describe('handles', () => {
  const input = {};

  it('[CAP-HANDLE] nothing but the object that admit gave is a handle', async () => {
    const handle = await world().handleFor([grant('search')]);
    const forged = [
      {},
      { ...handle },
      structuredClone(handle),
      Object.create(Object.getPrototypeOf(handle) as object),
      Object.create(handle),
      new Proxy(handle, {}),
      runInNewContext('({})'),
      JSON.parse(JSON.stringify(handle)),
      'handle',
      1,
      () => {},
    ];
    for (const value of forged) {
      expect(authorize(value as CapabilityHandle, { tool: 'search', input }).denied).toMatchObject({ code: 'HANDLE_UNKNOWN', class: 'NO_CAPABILITY' });
    }
  });

  it.each([undefined, null])('[CAP-DEFAULT-DENY] no handle (%s) is no capability', (handle) => {
    expect(authorize(handle as never, { tool: 'search', input }).denied).toMatchObject({ code: 'CAP_ABSENT' });
  });

  it('[CAP-HANDLE] changing the claims of a handle changes no decision', async () => {
    const { handleFor, env } = world();
    const handle = await handleFor([grant('search')]);
    Object.assign(handle.claims, { exp: handle.claims.exp + 3600 });
    (handle.claims.authorization_details as unknown[]).push(grant('**'));
    expect(refusalOf(handle, 'delete')).toMatchObject({ code: 'TOOL_UNGRANTED' });
    env.advance(330);
    expect(refusalOf(handle, 'search')).toMatchObject({ code: 'EXPIRED' });
  });
});

describe('hostile calls', () => {
  const closed = [grant('tool', { path: eq('ok'), n: optional(any()) })];

  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'])(
    '[CAP-POLLUTION] %s as an argument is an argument like any other',
    async (name) => {
      const input = JSON.parse(`{"path":"ok","${name}":"x"}`) as unknown;
      expect(refusalOf(await world().handleFor(closed), 'tool', input)).toMatchObject({ code: 'ARG_UNLISTED', arg: name });
      const named = await world().handleFor([grant('tool', JSON.parse(`{"${name}":{"eq":"x"}}`) as never)]);
      expect(refusalOf(named, 'tool', JSON.parse(`{"${name}":"x"}`))).toBeUndefined();
      expect(refusalOf(named, 'tool', JSON.parse(`{"${name}":"y"}`))).toMatchObject({ code: 'ARG_VIOLATES' });
      expect(refusalOf(named, 'tool', {})).toMatchObject({ code: 'ARG_MISSING' });
    },
  );

  it('[CAP-POLLUTION] what an input inherits is not sent', async () => {
    const handle = await world().handleFor(closed);
    expect(refusalOf(handle, 'tool', Object.create({ path: 'ok' }))).toMatchObject({ code: 'ARG_VIOLATES' });
    expect(refusalOf(handle, 'tool', JSON.parse('{"__proto__":{"path":"ok"}}'))).toMatchObject({ code: 'ARG_UNLISTED' });
    expect(refusalOf(handle, 'tool', Object.assign(Object.create(null), { path: 'ok' }))).toBeUndefined();
    Object.defineProperty(Object.prototype, 'path', { value: 'ok', configurable: true }); // oxlint-disable-line no-extend-native -- the attack
    try {
      expect(refusalOf(handle, 'tool', {})).toMatchObject({ code: 'ARG_MISSING' });
    } finally {
      delete (Object.prototype as { path?: unknown }).path;
    }
  });

  it('[CAP-PLAIN-JSON] getters, hidden members and symbols are refused: the tool could read something else', async () => {
    const handle = await world().handleFor(closed);
    let reads = 0;
    const getter = { get path() { return reads++ === 0 ? 'ok' : '/etc/passwd'; } }; // prettier-ignore
    expect(refusalOf(handle, 'tool', getter)).toMatchObject({ code: 'ARG_VIOLATES', arg: 'path' });
    expect(reads).toBe(0);
    expect(refusalOf(handle, 'tool', Object.defineProperty({ path: 'ok' }, 'hidden', { value: 1 }))).toMatchObject({ code: 'ARG_UNLISTED', arg: 'hidden' });
    expect(refusalOf(handle, 'tool', { path: 'ok', [Symbol('s')]: 1 })).toMatchObject({ code: 'ARG_UNLISTED' });
    expect(refusalOf(handle, 'tool', { path: 'ok', n: undefined })).toMatchObject({ code: 'ARG_VIOLATES', arg: 'n' });
  });

  it.each([
    ['a list', ['ok']],
    ['null', null],
    ['undefined', undefined],
    ['text', 'ok'],
    ['a Map', new Map([['path', 'ok']])],
    ['a Date', new Date(0)],
    ['a class instance', new (class { path = 'ok' })()], // prettier-ignore
    ['a function', Object.assign(() => {}, { path: 'ok' })],
  ])('[CAP-PLAIN-JSON] an input that is %s is refused', async (_title, input) => {
    const handle = await world().handleFor(closed);
    expect(authorize(handle, { tool: 'tool', input: input as never }).denied).toMatchObject({ code: 'ARG_VIOLATES' });
  });

  it('[CAP-TOTAL] an input that throws is refused, not thrown at', async () => {
    const handle = await world().handleFor([grant('tool', { path: eq({ a: 1 }) })]);
    const trap = (): never => {
      throw new Error('trap');
    };
    const inputs = [
      new Proxy({}, { getPrototypeOf: trap }),
      new Proxy({}, { getOwnPropertyDescriptor: trap }),
      new Proxy({}, { ownKeys: trap }),
      { path: new Proxy({}, { ownKeys: trap }) },
      { path: { get a(): never { return trap(); } } }, // prettier-ignore
    ];
    for (const input of inputs) expect(refusalOf(handle, 'tool', input)).toMatchObject({ code: 'ARG_VIOLATES' });
    expect(authorize(handle, undefined as never).denied).toMatchObject({ code: 'ARG_VIOLATES' });
    expect(authorize(handle, { get tool(): never { return trap(); }, input: {} }).denied).toMatchObject({ code: 'ARG_VIOLATES' }); // prettier-ignore
  });

  it.each([undefined, null, 1, {}, ['tool'], Symbol('tool')])('[CAP-TOTAL] a tool name that is no text is refused', async (tool) => {
    expect(refusalOf(await world().handleFor([grant('**')]), tool as string)).toMatchObject({ code: 'TOOL_UNGRANTED' });
  });
});
