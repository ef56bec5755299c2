import { describe, expect, it } from 'vitest';
import { importEd25519SecretKey } from '#suite';
import { encodeBase64url } from '../../src/bytes/base64url.ts';
import { admit, didKeys, verificationBudget, type IssuerKeys } from '../../src/capability/index.ts';
import { formatAgentId, keyThumbprint, parseAgentId } from '../../src/identity/agent-id.ts';
import { agent, claims, clockAt, forge, goodHeader, grant, holder, issuer, refusalOf, start, stranger, world } from './support.ts';

const seconds = start / 1000;
const other = formatAgentId(stranger.publicKey);

/** Counts what an attacker's token costs: keys asked for is signatures tried. */
function countingKeys(): IssuerKeys & { asked: number } {
  const keys = didKeys();
  return {
    asked: 0,
    resolve(who, kid) {
      this.asked++;
      return keys.resolve(who, kid);
    },
  };
}

describe('admit', () => {
  it('[CAP-ADMIT] gives a handle for a token of a trusted issuer, for this audience and holder', async () => {
    const { issue, admitted } = world();
    const handle = await admitted(await issue([grant('search')], { task: 'trace-1', purpose: 'to find things', ext: { free: [1] } }));
    expect(handle.claims).toMatchObject({ iss: issuer, sub: issuer, aud: `talos:${holder}`, task: 'trace-1', del_depth: 0, epoch: 0 });
    expect(handle.cap).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it.each([undefined, null, ''])('[CAP-DEFAULT-DENY] no capability (%s) is a refusal', async (token) => {
    expect(await world().refusal(token)).toMatchObject({ code: 'CAP_ABSENT', class: 'NO_CAPABILITY' });
  });

  it.each([
    ['an unknown claim', { nope: 1 }],
    ['a version we do not know', { v: 2 }],
    ['a version of the wrong type', { v: '1' }],
    ['an empty issuer', { iss: '' }],
    ['an issuer that is a list', { iss: [issuer] }],
    ['no subject', { sub: undefined }],
    ['no audience', { aud: undefined }],
    ['an empty list of audiences', { aud: [] }],
    ['more audiences than the bound', { aud: Array.from({ length: 9 }, () => `talos:${holder}`) }],
    ['an audience that is an object', { aud: { id: `talos:${holder}` } }],
    ['no holder key', { cnf: undefined }],
    ['a holder key by reference', { cnf: { kid: 'abc' } }],
    ['a holder key with a private part', { cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(agent.publicKey.bytes), d: 'AAAA' } } }],
    ['a holder key of another curve', { cnf: { jwk: { kty: 'OKP', crv: 'X25519', x: encodeBase64url(agent.publicKey.bytes) } } }],
    ['a holder key of another type', { cnf: { jwk: { kty: 'oct', crv: 'Ed25519', x: encodeBase64url(agent.publicKey.bytes) } } }],
    ['a jti of 64 bits', { jti: encodeBase64url(new Uint8Array(8)) }],
    ['a jti with stray bits', { jti: 'AAAAAAAAAAAAAAAAAAAAAB' }],
    ['a jti that is a number', { jti: 7 }],
    ['no expiry', { exp: undefined }],
    ['an expiry that is text', { exp: String(seconds + 300) }],
    ['a fraction of a second', { exp: seconds + 0.5 }],
    ['a negative time', { iat: -1 }],
    ['an end before its beginning', { exp: seconds }],
    ['a beginning before its issue', { nbf: seconds - 1 }],
    ['a life of more than a day', { exp: seconds + 86_401 }],
    ['a negative epoch', { epoch: -1 }],
    ['a negative depth', { del_depth: -1 }],
    ['a depth above the bound', { del_max_depth: 9 }],
    ['max_stale that is text', { max_stale: '300' }],
    ['a task that is a number', { task: 1 }],
    ['a purpose above the bound', { purpose: 'x'.repeat(1025) }],
    ['ext that is a list', { ext: [] }],
    ['grants that are an object', { authorization_details: {} }],
    ['a grant that is null', { authorization_details: [null] }],
    ['a grant of another type', { authorization_details: [{ ...grant('search'), type: 'payment' }] }],
    ['a grant with an unknown member', { authorization_details: [{ ...grant('search'), locations: [] }] }],
    ['a grant without args', { authorization_details: [{ type: 'talos_tool', tools: ['search'] }] }],
    ['a grant with one tool as text', { authorization_details: [{ ...grant('search'), tools: 'search' }] }],
    ['a tool that is a number', { authorization_details: [{ ...grant('search'), tools: [1] }] }],
    ['args that are a list', { authorization_details: [{ ...grant('search'), args: [] }] }],
    ['a lifted closed world with a constraint', { authorization_details: [grant('search', { '*': { len: { max: 1 } } })] }],
    ['an empty constraint', { authorization_details: [grant('search', { q: {} })] }],
    ['only optional', { authorization_details: [grant('search', { q: { optional: true } })] }],
    ['optional that is false', { authorization_details: [grant('search', { q: { len: { max: 1 }, optional: false } } as never)] }],
    ['a constraint that is a list', { authorization_details: [grant('search', { q: ['any'] } as never)] }],
    ['a constraint that is another word', { authorization_details: [grant('search', { q: 'all' } as never)] }],
  ])('[CAP-CLOSED-CLAIMS] %s is malformed', async (_title, changes) => {
    expect(await world().refusal(forge({ payload: claims(changes as never) }))).toMatchObject({ code: 'MALFORMED', class: 'SIGNATURE_INVALID' });
  });

  it('[CAP-CONSTRAINT-UNKNOWN] a constraint that this version does not know refuses the token', async () => {
    const payload = claims({ authorization_details: [grant('search'), grant('read', { q: { regex: '.*' } } as never)] } as never);
    expect(await world().refusal(forge({ payload }))).toEqual({ code: 'CONSTRAINT_UNKNOWN', class: 'SCOPE_MISMATCH', grant: 1, arg: 'q', constraint: 'regex' });
  });

  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])('[CAP-CONSTRAINT-UNKNOWN] %s is no constraint either', async (kind) => {
    const payload = JSON.stringify(claims({ authorization_details: [grant('search')] } as never)).replace('"*":"any"', `"q":{"${kind}":true}`);
    expect(await world().refusal(forge({ payload }))).toMatchObject({ code: 'CONSTRAINT_UNKNOWN', constraint: kind });
  });

  it('[CAP-BOUNDS] more grants or constraints than the bound are refused', async () => {
    const { refusal } = world();
    const grants = (count: number, args: object) =>
      forge({ payload: claims({ authorization_details: Array.from({ length: count }, () => ({ type: 'talos_tool', tools: [], args })) } as never) });
    const args = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [i, 'any']));
    expect(await refusal(grants(64, {}))).toBeUndefined();
    expect(await refusal(grants(65, {}))).toMatchObject({ code: 'TOO_LARGE' });
    expect(await refusal(grants(1, args(256)))).toBeUndefined();
    expect(await refusal(grants(1, args(257)))).toMatchObject({ code: 'TOO_LARGE' });
    expect(await refusal(grants(2, args(129)))).toMatchObject({ code: 'TOO_LARGE', grant: 1 });
  });

  it('[CAP-BOUNDS] a token above 8,192 characters is refused before it is parsed', async () => {
    const { refusal, context } = world({ keys: countingKeys() });
    const token = forge({ payload: claims({ ext: { pad: 'x'.repeat(5300) } }) });
    expect(token.length).toBeLessThan(8192);
    expect(await refusal(token)).toBeUndefined();
    expect(await refusal(forge({ payload: claims({ ext: { pad: 'x'.repeat(5800) } }) }))).toMatchObject({ code: 'TOO_LARGE' });
    expect(await refusal('x'.repeat(8193))).toMatchObject({ code: 'TOO_LARGE' });
    expect(context.keys).toMatchObject({ asked: 1 });
  });
});

describe('trust, audience, holder', () => {
  it('[CAP-TRUST] an issuer that is not trusted is refused, and an empty list trusts nobody', async () => {
    const token = await world().issue([grant('search')]);
    expect(await world({ trust: { issuers: [] } }).refusal(token)).toMatchObject({ code: 'ISSUER_UNTRUSTED' });
    expect(await world({ trust: { issuers: [other] } }).refusal(token)).toMatchObject({ code: 'ISSUER_UNTRUSTED' });
    expect(await world({ trust: { issuers: [other, issuer] } }).refusal(token)).toBeUndefined();
  });

  it('[CAP-TRUST] trust is by exact DID: case, fragments and prefixes are other issuers', async () => {
    for (const iss of [issuer.toUpperCase(), `${issuer}#key-1`, issuer.slice(0, -1), ` ${issuer}`]) {
      expect(await world().refusal(forge({ payload: claims({ iss }) }))).toMatchObject({ code: 'ISSUER_UNTRUSTED' });
    }
  });

  it.each([
    ['another process', 'talos:did:key:z6Mkother'],
    ['a longer id', `talos:${holder}/tool`],
    ['a shorter id', `talos:${holder.slice(0, -1)}`],
    ['other case', `TALOS:${holder}`],
    ['a wildcard', '*'],
    ['a list without it', ['a', 'b']],
  ])('[CAP-AUDIENCE] a token for %s is refused', async (_title, aud) => {
    expect(await world().refusal(forge({ payload: claims({ aud }) }))).toMatchObject({ code: 'AUD_MISMATCH', class: 'UNKNOWN_TOOL' });
  });

  it('[CAP-AUDIENCE] one of several audiences is enough', async () => {
    expect(await world().refusal(forge({ payload: claims({ aud: ['a', `talos:${holder}`] }) }))).toBeUndefined();
  });

  it('[CAP-HOLDER] a capability of another holder is refused: it never travels as bearer', async () => {
    const token = await world().issue([grant('search')]);
    expect(await world({ holder: stranger.publicKey }).refusal(token)).toMatchObject({ code: 'POP_BAD', class: 'REPLAY' });
  });

  it('[CAP-KEY] kid has to be the thumbprint of a key of the issuer', async () => {
    const header = { ...goodHeader(), kid: keyThumbprint(stranger.publicKey) };
    expect(await world().refusal(forge({ header }))).toMatchObject({ code: 'KEY_UNRESOLVED' });
    expect(await world().refusal(forge({ header, key: stranger }))).toMatchObject({ code: 'KEY_UNRESOLVED' });
    expect(await world({ trust: { issuers: ['did:key:z6MkNotAKey'] } }).refusal(forge({ payload: claims({ iss: 'did:key:z6MkNotAKey' }) }))).toMatchObject({
      code: 'KEY_UNRESOLVED',
    });
  });

  it('[CAP-KEY] a resolver of ours decides which key speaks for an issuer', async () => {
    const keys: IssuerKeys = { resolve: (_issuer, kid) => (kid === keyThumbprint(stranger.publicKey) ? stranger.publicKey : undefined) };
    const { refusal } = world({ keys });
    expect(await refusal(forge({ header: goodHeader(stranger), key: stranger }))).toBeUndefined();
    expect(await refusal(forge())).toMatchObject({ code: 'KEY_UNRESOLVED' });
  });

  it('[CAP-ONE-VERIFICATION] what can be refused cheaply never reaches a key, and a forged token asks for one', async () => {
    const keys = countingKeys();
    const { refusal, env } = world({ keys });
    const cheap = [
      'a.b.c',
      forge({ payload: claims({ aud: 'x' }) }),
      forge({ payload: claims({ iss: other }) }),
      forge({ payload: claims({ nope: 1 }) }),
      forge({ header: { ...goodHeader(), alg: 'none' } }),
      forge({ payload: claims({ cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(stranger.publicKey.bytes) } } }) }),
    ];
    for (const token of cheap) expect(await refusal(token)).toBeDefined();
    expect(keys.asked).toBe(0);
    expect(await refusal(forge({ key: stranger }))).toMatchObject({ code: 'SIG_BAD' });
    expect(keys.asked).toBe(1);
    env.advance(400);
    expect(await refusal(forge({ key: stranger }))).toMatchObject({ code: 'EXPIRED' });
    expect(keys.asked).toBe(1);
  });

  it('[CAP-PEER-BUDGET] in front of admit as well: what is refused cheaply is free, and beyond the budget no signature is looked at', async () => {
    const env = clockAt();
    const { context } = world();
    const by = (peer?: string) => ({ ...context, env, budget, ...(peer === undefined ? {} : { peer }) });
    const budget = verificationBudget(env, { burst: 2, perSecond: 1 });
    const codeOf = async (token: string, peer?: string) => (await admit(token, by(peer))).denied?.code;
    for (let n = 0; n < 10; n++) expect(await codeOf(forge({ payload: claims({ aud: 'x' }) }), 'eve')).toBe('AUD_MISMATCH');
    for (let n = 0; n < 10; n++) expect(await codeOf(forge(), 'eve')).toBeUndefined();
    const forged = forge({ key: stranger });
    expect([await codeOf(forged, 'eve'), await codeOf(forged, 'eve')]).toEqual(['SIG_BAD', 'SIG_BAD']);
    expect((await admit(forged, by('eve'))).denied).toMatchObject({ code: 'RATE', class: 'LIMIT', retryAfter: 1 });
    expect(await codeOf(forge(), 'eve')).toBe('RATE');
    expect(await codeOf(forge(), 'bob')).toBeUndefined();
    expect([await codeOf(forged), await codeOf(forged), await codeOf(forged)]).toEqual(['SIG_BAD', 'SIG_BAD', 'RATE']);
    env.advance(1);
    expect(await codeOf(forge(), 'eve')).toBeUndefined();
  });

  it('[CAP-KEY] issuer keys are kept up to a bound, and a wrong kid neither enters nor evicts', () => {
    const issuers = [5, 6, 7].map((fill) => formatAgentId(importEd25519SecretKey(new Uint8Array(32).fill(fill)).publicKey));
    const kid = (index: number) => keyThumbprint(parseAgentId(issuers[index]!));
    const keys = didKeys({ maxKeys: 2 });
    const first = keys.resolve(issuers[0]!, kid(0));
    expect(first).toBeDefined();
    expect(keys.resolve(issuers[0]!, kid(1))).toBeUndefined();
    expect(keys.resolve(issuers[0]!, kid(0))).toBe(first);
    keys.resolve(issuers[1]!, kid(1));
    expect(keys.resolve(issuers[0]!, kid(0))).toBe(first);
    keys.resolve(issuers[2]!, kid(2));
    expect(keys.resolve(issuers[0]!, kid(0))).toBe(first);
    keys.resolve(issuers[1]!, kid(1));
    keys.resolve(issuers[2]!, kid(2));
    expect(keys.resolve(issuers[0]!, kid(0))).not.toBe(first);
  });
});

describe('time', () => {
  it.each([
    ['30 s before nbf', -30_000, undefined],
    ['30.001 s before nbf', -30_001, 'NOT_YET'],
    ['just before exp and its skew', 329_999, undefined],
    ['at exp and its skew', 330_000, 'EXPIRED'],
  ])('[CAP-TIME] %s', async (_title, offset, code) => {
    const { env, refusal } = world();
    env.set(start + offset);
    expect((await refusal(forge()))?.code).toBe(code);
  });

  it('[CAP-TIME] a handle is checked again at every call', async () => {
    const { env, handleFor } = world();
    const handle = await handleFor([grant('search')]);
    expect(refusalOf(handle, 'search')).toBeUndefined();
    env.advance(329);
    expect(refusalOf(handle, 'search')).toBeUndefined();
    env.advance(1);
    expect(refusalOf(handle, 'search')).toMatchObject({ code: 'EXPIRED', class: 'EXPIRED', cap: handle.cap });
  });

  it('[CAP-CLOCK] a clock that went back does not bring a capability back to life', async () => {
    const { env, handleFor } = world();
    const handle = await handleFor([grant('search')]);
    env.advance(200);
    expect(refusalOf(handle, 'search')).toBeUndefined();
    env.advance(-30);
    expect(refusalOf(handle, 'search')).toBeUndefined();
    env.advance(-1);
    expect(refusalOf(handle, 'search')).toMatchObject({ code: 'CLOCK_UNSAFE' });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, undefined])('[CAP-CLOCK] a clock that says %s denies', async (now) => {
    const { handleFor, env, refusal } = world();
    const handle = await handleFor([grant('search')]);
    env.set(now as number);
    expect(refusalOf(handle, 'search')).toMatchObject({ code: 'CLOCK_UNSAFE' });
    expect(await refusal(forge())).toMatchObject({ code: 'CLOCK_UNSAFE' });
  });

  it('[CAP-CLOCK] a clock that throws denies', async () => {
    const env = clockAt();
    const { handleFor } = world({ env });
    const handle = await handleFor([grant('search')]);
    env.now = () => {
      throw new Error('no clock');
    };
    expect(refusalOf(handle, 'search')).toMatchObject({ code: 'CLOCK_UNSAFE' });
  });

  it('[CAP-STALE] max_stale bounds a token for which no newer revocation state is known', async () => {
    const { env, issue, admitted, refusal } = world();
    const handle = await admitted(await issue([grant('search')], { maxStaleSeconds: 60 }));
    env.advance(89);
    expect(refusalOf(handle, 'search')).toBeUndefined();
    env.advance(1);
    expect(refusalOf(handle, 'search')).toMatchObject({ code: 'REVOCATION_STALE', class: 'REVOKED' });
    expect(await refusal(await issue([grant('search')], { maxStaleSeconds: 0 }))).toMatchObject({ code: 'REVOCATION_STALE' });
  });
});

describe('totality', () => {
  it.each([0, {}, [], 1n, Symbol('x'), () => 'x', true])('[CAP-TOTAL] a token that is %s is refused, not thrown at', async (token) => {
    expect(await world().refusal(token)).toMatchObject({ code: 'MALFORMED' });
  });

  it('[CAP-TOTAL] a resolver that throws is a refusal', async () => {
    const keys: IssuerKeys = {
      resolve: () => {
        throw new Error('resolver down');
      },
    };
    const { context } = world({ keys });
    expect((await admit(forge(), context)).denied).toBeDefined();
  });
});
