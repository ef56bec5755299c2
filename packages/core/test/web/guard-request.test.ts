import { describe, expect, it } from 'vitest';
import { any } from '../../src/capability/constraints/any.ts';
import { oneOf } from '../../src/capability/constraints/in.ts';
import { prefix } from '../../src/capability/constraints/affix.ts';
import { optional } from '../../src/capability/constraint.ts';
import { memoryHome } from '../../src/client/home.ts';
import { TalosClient } from '../../src/client/talos-client.ts';
import { encodeBase64url } from '../../src/bytes/base64url.ts';
import type { GrantOptions } from '../../src/client/client-capabilities.ts';
import { guardRequest, type RequestCaller } from '../../src/web/guard-request.ts';
import { signRequest } from '../../src/web/sign-request.ts';
import { clockAt } from '../capability/support.ts';
import { codeOf } from '../errors/code-of.ts';

const origin = 'https://api.example.com';
const tools = { http: { method: oneOf(['GET', 'POST', 'PUT']), path: prefix('/orders/'), query: optional(any()), body: optional(any()) } };

async function setting(options: { readonly origin?: string; readonly maxBodyBytes?: number } = {}) {
  const env = clockAt();
  const stores = memoryHome();
  const owner = await TalosClient.create('owner', { env });
  const server = await TalosClient.create('server', { env, stores, trust: { issuers: [owner.did] } });
  const caller = await TalosClient.create('caller', { env });
  // The replay set knows of no proof from before it began.
  env.advance(2);
  const granted = (more: Partial<GrantOptions> = {}): Promise<string> => owner.grant({ to: caller.did, at: server.did, for: '1h', tools, ...more });
  const capability = await granted();
  const guard = guardRequest({ client: server, ...options });
  const handled: { request: Request; caller: RequestCaller }[] = [];
  const handle = async (request: Request, peer?: string): Promise<{ status: number; code?: string; retryAfter: string | null }> => {
    const handler = (seen: Request, by: RequestCaller): Response => {
      handled.push({ request: seen, caller: by });
      return new Response('ok');
    };
    const response = await guard(request, handler, peer === undefined ? {} : { peer });
    const text = await response.text();
    const { code } = text === 'ok' ? {} : (JSON.parse(text) as { code: string });
    return { status: response.status, ...(code === undefined ? {} : { code }), retryAfter: response.headers.get('retry-after') };
  };
  const sign = (request: Request, more: Partial<Parameters<typeof signRequest>[1]> = {}): Promise<Request> =>
    signRequest(request, { client: caller, capability, at: server.did, ...more });
  const entries = async () => {
    const all: Record<string, unknown>[] = [];
    for (let index = 0; index < server.log.size; index++) all.push({ ...(await server.log.entry(index)).entry });
    return all.filter(({ type }) => /^(tool|policy)\./.test(String(type)));
  };
  return { env, owner, server, caller, granted, capability, handled, handle, sign, entries };
}

const post = (url = `${origin}/orders/7?full=1`, body = '{"n":1}', type = 'application/json'): Request =>
  new Request(url, { method: 'POST', body, headers: { 'content-type': type } });

/** The same headers on another request. */
function moved(signed: Request, to: Request): Request {
  const headers = new Headers(to.headers);
  for (const name of ['talos-capability', 'talos-invocation']) headers.set(name, signed.headers.get(name) ?? '');
  return new Request(to, { headers });
}

describe('a signed request', () => {
  it('[HTTP-SIGNED] runs its handler, who knows the caller and reads the body', async () => {
    const { sign, handle, handled, caller } = await setting();
    expect(await handle(await sign(post(), { call: 'order-7' }))).toMatchObject({ status: 200 });
    expect(await handle(await sign(new Request(`${origin}/orders/7`)))).toMatchObject({ status: 200 });
    expect(handled.map(({ caller: { did } }) => did)).toEqual([caller.did, caller.did]);
    expect(handled[0]?.caller.call).toBe('order-7');
    expect(await handled[0]?.request.text()).toBe('{"n":1}');
  });

  it('[HTTP-SIGNED] what the handler throws is thrown, and its answer is handed on as it is', async () => {
    const { sign, server } = await setting();
    const guard = guardRequest({ client: server });
    const failure = new Error('no orders today');
    await expect(guard(await sign(post()), () => Promise.reject(failure))).rejects.toBe(failure);
    const answer = new Response('teapot', { status: 418 });
    expect(await guard(await sign(post()), () => answer)).toBe(answer);
  });

  it('[HTTP-ABSENT] without a capability or a proof no handler runs', async () => {
    const { sign, handle, handled } = await setting();
    const strip = async (name: string): Promise<Request> => {
      const signed = await sign(post());
      signed.headers.delete(name);
      return signed;
    };
    expect(await handle(post())).toMatchObject({ status: 401, code: 'CAP_ABSENT' });
    expect(await handle(await strip('talos-capability'))).toMatchObject({ status: 401, code: 'CAP_ABSENT' });
    expect(await handle(await strip('talos-invocation'))).toMatchObject({ status: 401, code: 'POP_ABSENT' });
    expect(handled).toEqual([]);
  });

  it.each([
    ['method', () => new Request(post(), { method: 'PUT' })],
    ['path', () => post(`${origin}/orders/8?full=1`)],
    ['path in another spelling', () => post(`${origin}/orders/%37?full=1`)],
    ['query', () => post(`${origin}/orders/7?full=2`)],
    ['no query', () => post(`${origin}/orders/7`)],
    ['body', () => post(undefined, '{"n":2}')],
    ['longer body', () => post(undefined, '{"n":1} ')],
    ['no body', () => post(undefined, '')],
    ['type of the body', () => post(undefined, undefined, 'text/plain')],
    ['origin', () => post('https://admin.example.com/orders/7?full=1')],
    ['scheme', () => post('http://api.example.com/orders/7?full=1')],
    ['port', () => post('https://api.example.com:8443/orders/7?full=1')],
  ])('[HTTP-OTHER-REQUEST] [HTTP-OTHER-PLACE] is no proof for another %s', async (_, other) => {
    const { sign, handle, handled } = await setting();
    const signed = await sign(post());
    expect(await handle(moved(signed, other()))).toMatchObject({ status: 401, code: 'POP_BAD' });
    expect(handled).toEqual([]);
    // Nothing of it was used up.
    expect(await handle(signed)).toMatchObject({ status: 200 });
  });

  it('[HTTP-OTHER-PLACE] is no proof at another server, and the capability counts at one', async () => {
    const { sign, handle, caller, owner, granted } = await setting();
    expect(await handle(await sign(post(), { at: caller.did }))).toMatchObject({ status: 401, code: 'POP_BAD' });
    const elsewhere = await granted({ at: owner.did });
    expect(await handle(await sign(post(), { capability: elsewhere }))).toMatchObject({ status: 403, code: 'AUD_MISMATCH' });
  });

  it('[HTTP-OTHER-PLACE] behind a proxy the server says where it is reached', async () => {
    const { sign, handle } = await setting({ origin });
    const signed = await sign(post());
    expect(await handle(moved(signed, post('http://10.0.0.7:3000/orders/7?full=1')))).toMatchObject({ status: 200 });
    const other = await sign(post('https://evil.example/orders/7?full=1'));
    expect(await handle(moved(other, post('http://10.0.0.7:3000/orders/7?full=1')))).toMatchObject({ status: 401, code: 'POP_BAD' });
    expect(codeOf(() => guardRequest({ client: {} as never, origin: 'api.example.com' }))).toBe('TALOS_USAGE_OPTIONS');
  });

  it('[HTTP-REPLAY] counts once, and for a minute', async () => {
    const { sign, handle, env, handled } = await setting();
    const signed = await sign(post());
    const copies = [signed.clone(), signed.clone(), signed.clone()];
    const results = await Promise.all(copies.map((copy) => handle(copy)));
    expect(results.map(({ status }) => status).toSorted()).toEqual([200, 401, 401]);
    expect(await handle(signed)).toMatchObject({ status: 401, code: 'POP_REPLAYED' });
    const late = await sign(post());
    env.advance(61);
    expect(await handle(late)).toMatchObject({ status: 401, code: 'POP_WINDOW' });
    expect(handled).toHaveLength(1);
  });

  it('[HTTP-HEADERS] is refused when a header comes twice or in another form', async () => {
    const { sign, handle, handled } = await setting();
    const changed = async (name: string, change: (value: string) => string): Promise<Request> => {
      const signed = await sign(post());
      signed.headers.set(name, change(signed.headers.get(name) ?? ''));
      return signed;
    };
    const twice = await sign(post());
    twice.headers.append('talos-invocation', twice.headers.get('talos-invocation') ?? '');
    const both = await sign(post());
    both.headers.append('talos-capability', 'x');
    for (const request of [
      twice,
      both,
      await changed('talos-invocation', (value) => value.replace('~', ' ')),
      await changed('talos-invocation', (value) => `${value}A`),
      await changed('talos-invocation', (value) => value.slice(0, -2)),
      await changed('talos-invocation', (value) => value.slice(0, value.indexOf('~'))),
      await changed('talos-capability', (value) => `Bearer ${value}`),
      await changed('talos-capability', () => ''),
      await changed('talos-invocation', () => ''),
    ])
      expect((await handle(request)).status).toBe(401);
    expect(handled).toEqual([]);
  });

  it('[HTTP-STOLEN] a capability of another, with a proof of one’s own, is refused', async () => {
    const { sign, handle, env, server, handled } = await setting();
    const thief = await TalosClient.create('thief', { env });
    expect(await handle(await sign(post(), { client: thief }))).toMatchObject({ status: 401, code: 'POP_BAD' });
    // A token that the thief made for itself, of an issuer that nobody trusts.
    const signed = await sign(post());
    const own = await thief.grant({ to: thief.did, at: server.did, for: '1h', tools });
    signed.headers.set('talos-capability', own);
    expect(await handle(signed)).toMatchObject({ status: 401, code: 'ISSUER_UNTRUSTED' });
    const unsigned = await sign(post());
    unsigned.headers.set('talos-invocation', `${(unsigned.headers.get('talos-invocation') ?? '').split('~')[0]}~${encodeBase64url(new Uint8Array(32))}`);
    expect(await handle(unsigned)).toMatchObject({ status: 401, code: 'POP_BAD' });
    expect(handled).toEqual([]);
  });

  it('[HTTP-DECIDED] is decided by the guard: paths, members, limits and revocations', async () => {
    const { sign, handle, granted, owner, server, capability, handled } = await setting();
    expect(await handle(await sign(post(`${origin}/admin`)))).toMatchObject({ status: 403, code: 'ARG_VIOLATES' });
    expect(await handle(await sign(post(`${origin}/orders/../admin`)))).toMatchObject({ status: 403, code: 'ARG_VIOLATES' });
    const bare = await granted({ tools: { http: { method: oneOf(['GET']), path: prefix('/orders/') } } });
    expect(await handle(await sign(new Request(`${origin}/orders/7?all=1`), { capability: bare }))).toMatchObject({ status: 403, code: 'ARG_UNLISTED' });
    const once = await granted({ limits: { http: { count: 1 } } });
    expect(await handle(await sign(post(), { capability: once }))).toMatchObject({ status: 200 });
    expect(await handle(await sign(post(), { capability: once }))).toMatchObject({ status: 403, code: 'COUNT_SPENT' });
    await owner.revoke(capability);
    await server.importRevocations(await owner.exportRevocations());
    expect(await handle(await sign(post()))).toMatchObject({ status: 401, code: 'REVOKED' });
    expect(handled).toHaveLength(1);
  });

  it('[HTTP-DECIDED] tells its handler when the capability is revoked', async () => {
    const { sign, server, owner, capability } = await setting();
    const aborted = await guardRequest({ client: server })(await sign(post()), async (_, { signal }) => {
      await owner.revoke(capability);
      await server.importRevocations(await owner.exportRevocations());
      return new Response(String(signal.aborted));
    });
    expect(await aborted.text()).toBe('true');
  });

  it('[HTTP-RECORD] leaves commitments under its caller’s id; strangers leave nothing', async () => {
    const { sign, handle, entries, caller } = await setting();
    await handle(post());
    await handle(moved(await sign(post()), post(`${origin}/orders/8`)));
    expect(await entries()).toEqual([]);
    await handle(await sign(post(`${origin}/orders/secret-path`), { call: 'order-7' }));
    await handle(await sign(post(`${origin}/admin`)));
    const logged = await entries();
    expect(logged.map(({ type }) => type)).toEqual(['tool.request', 'tool.result', 'policy.decision']);
    expect(logged[0]).toMatchObject({ 'gen_ai.tool.name': 'http', call: 'order-7', 'gen_ai.agent.name': caller.did, framework: 'http' });
    expect(JSON.stringify(logged)).not.toMatch(/secret-path|orders/);
  });

  it('[HTTP-BODY-BOUND] a body above the bound is refused, and cannot be signed', async () => {
    const { sign, handle, handled } = await setting({ maxBodyBytes: 8 });
    expect(await handle(await sign(post(undefined, '12345678')))).toMatchObject({ status: 200 });
    expect(await handle(await sign(post(undefined, '123456789')))).toMatchObject({ status: 413 });
    const long = await sign(post(undefined, 'x'.repeat(1_048_576))).then(() => 'signed');
    expect(long).toBe('signed');
    await expect(sign(post(undefined, 'x'.repeat(1_048_577)))).rejects.toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    const read = post();
    await read.text();
    await expect(sign(read)).rejects.toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    expect(handled).toHaveLength(1);
  });

  it('[HTTP-BUDGET] bounds what the forgeries of one sender cost', async () => {
    const { sign, handle } = await setting();
    const forged = async (): Promise<Request> => {
      const signed = await sign(post());
      const token = signed.headers.get('talos-capability') ?? '';
      signed.headers.set('talos-capability', `${token.slice(0, -8)}AAAAAAAA`.replace(/.$/, 'A'));
      return signed;
    };
    const codes = new Set<string | undefined>();
    for (let i = 0; i < 20; i++) codes.add((await handle(await forged(), 'mallory')).code);
    expect([...codes]).toEqual(['SIG_BAD']);
    expect(await handle(await forged(), 'mallory')).toMatchObject({ status: 429, code: 'RATE', retryAfter: '1' });
    expect(await handle(await sign(post()), 'alice')).toMatchObject({ status: 200 });
  });

  it('[HTTP-NO-REDIRECT] follows no redirect', async () => {
    const { sign } = await setting();
    expect((await sign(post())).redirect).toBe('error');
  });
});
