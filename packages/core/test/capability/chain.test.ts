import { describe, expect, it } from 'vitest';
import { importEd25519SecretKey, sha256 } from '#suite';
import { encodeBase64url } from '../../src/bytes/base64url.ts';
import { encodeUtf8 } from '../../src/bytes/utf8.ts';
import {
  admit,
  anyArgs,
  attenuateCapability,
  didKeys,
  inProcessAudience,
  issueInvocation,
  len,
  memoryReplayStore,
  subpath,
  toolGrants,
  verifyInvocation,
  type AdmitContext,
  type CapabilityRequest,
  type IssuerKeys,
  type LinkRequest,
  type ToolGrant,
} from '../../src/capability/index.ts';
import { CapabilityError } from '../../src/errors/capability-error.ts';
import { formatAgentId, keyThumbprint } from '../../src/identity/agent-id.ts';
import { localSigner } from '../../src/identity/signer.ts';
import type { Ed25519SecretKey } from '../../src/primitives/keys.ts';
import { agent, claims, forge, goodHeader, grant, holder, issuer, refusalOf, root, start, stranger, world } from './support.ts';

const seconds = start / 1000;
const place = 'mcp://files.example/';
const keyOf = (fill: number): Ed25519SecretKey => importEd25519SecretKey(new Uint8Array(32).fill(fill));
const jwk = (key: Ed25519SecretKey) => ({ jwk: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(key.publicKey.bytes) } });
const hashOf = (token: string): string => encodeBase64url(sha256(encodeUtf8(token.split('.').slice(0, 2).join('.'))));

/** A root that may be passed on twice, and what a holder makes of it, properly signed and wrong in one place. */
const rootClaims = (changes: object = {}) => claims({ aud: place, del_max_depth: 2, max_stale: 300, ...changes } as never);
const childClaims = (parent: string, changes: object = {}) =>
  claims({
    iss: keyThumbprint(agent.publicKey),
    aud: place,
    cnf: jwk(stranger),
    del_depth: 1,
    del_max_depth: 1,
    par_hash: hashOf(parent),
    max_stale: 300,
    ...changes,
  } as never);
const rootLink = (changes: object = {}): string => forge({ payload: rootClaims(changes) });
const childLink = (parent: string, changes: object = {}, key = agent): string => forge({ payload: childClaims(parent, changes), header: goodHeader(key), key });

/** The verifier at that place, asked by the holder of the second link. */
const at = (overrides: Partial<AdmitContext> = {}) => world({ audience: place, holder: stranger.publicKey, ...overrides });

function countingKeys(): IssuerKeys & { asked: string[] } {
  const keys = didKeys();
  const asked: string[] = [];
  return {
    asked,
    resolve: (who, kid) => (asked.push('root'), keys.resolve(who, kid)),
    holder: (x) => (asked.push('holder'), keys.holder?.(x)),
  };
}

describe('a chain', () => {
  it('[CAP-CHAIN] is admitted for the holder of its last link, as one text or as a list', async () => {
    const parent = rootLink();
    const child = childLink(parent);
    for (const token of [`${parent}~${child}`, [parent, child]]) {
      const handle = await at().admitted(token as string);
      expect(handle.claims.del_depth).toBe(1);
      expect(handle.cap).toBe(encodeBase64url(sha256(encodeUtf8(child))));
      expect(refusalOf(handle, 'search', { q: 'x' })).toBeUndefined();
      expect(refusalOf(handle, 'drop', {})).toMatchObject({ code: 'TOOL_UNGRANTED', link: 1 });
    }
    expect(await world({ audience: place }).refusal(`${parent}~${child}`)).toMatchObject({ code: 'POP_BAD', link: 1 });
  });

  const parent = rootLink();
  const good = childLink(parent);
  const other = rootLink({ jti: encodeBase64url(new Uint8Array(16).fill(9)) });
  it.each<[string, () => string | readonly string[], object, Partial<AdmitContext>?]>([
    ['no proof: the child alone', () => good, { code: 'LINK_BROKEN' }],
    [
      'a missing link in the middle',
      () => [
        parent,
        forge({
          payload: childClaims(good, { iss: keyThumbprint(stranger.publicKey), del_depth: 2, del_max_depth: 2 }),
          header: goodHeader(stranger),
          key: stranger,
        }),
      ],
      { code: 'LINK_BROKEN', link: 1 },
    ],
    ['the right child of another root', () => [other, good], { code: 'LINK_BROKEN', link: 1, constraint: 'par_hash' }],
    ['the links the other way round', () => [good, parent], { code: 'LINK_BROKEN', link: 0 }],
    ['a root twice', () => [parent, parent], { code: 'LINK_BROKEN', link: 1 }],
    ['a child issued under a DID', () => [parent, childLink(parent, { iss: holder })], { code: 'LINK_BROKEN', link: 1, constraint: 'iss' }],
    [
      'a child of a key that does not hold the root',
      () => [parent, childLink(parent, { iss: keyThumbprint(stranger.publicKey) }, stranger)],
      { code: 'LINK_BROKEN', link: 1 },
    ],
    [
      'a header that names another key than the issuer',
      () => [parent, forge({ payload: childClaims(parent), header: goodHeader(root), key: root })],
      { code: 'LINK_BROKEN', link: 1, constraint: 'iss' },
    ],
    [
      'a depth that skips one',
      () => [parent, childLink(parent, { del_depth: 2, del_max_depth: 2 })],
      { code: 'LINK_BROKEN', link: 1, constraint: 'del_depth' },
    ],
    [
      'an expired leaf',
      () => [parent, childLink(parent, { iat: seconds - 100, nbf: seconds - 100, exp: seconds - 50 })],
      { code: 'WIDENED', link: 1, constraint: 'nbf' },
    ],
    ['an expired root', () => [rootLink({ iat: seconds - 500, nbf: seconds - 500, exp: seconds - 100 }), good], { code: 'LINK_BROKEN' }],
    [
      'a chain that is not yet valid',
      () => {
        const later = rootLink({ nbf: seconds + 100 });
        return [later, childLink(later, { nbf: seconds + 100 })];
      },
      { code: 'NOT_YET', link: 1 },
    ],
    [
      'a chain that has expired',
      () => {
        const early = rootLink({ iat: seconds - 500, nbf: seconds - 500, exp: seconds - 100 });
        return [early, childLink(early, { iat: seconds - 500, nbf: seconds - 500, exp: seconds - 100 })];
      },
      { code: 'EXPIRED', link: 1 },
    ],
    ['another subject', () => [parent, childLink(parent, { sub: holder })], { code: 'SUBJECT_CHANGED', link: 1 }],
    [
      'another principal: a root of somebody else',
      () => {
        const theirs = forge({ payload: rootClaims({ iss: holder }), header: goodHeader(agent), key: agent });
        return [theirs, childLink(theirs)];
      },
      { code: 'ISSUER_UNTRUSTED', link: 0 },
    ],
    [
      'a bad signature of the root',
      () => {
        const forged = forge({ payload: rootClaims(), key: stranger });
        return [forged, childLink(forged)];
      },
      { code: 'SIG_BAD', link: 0 },
    ],
    [
      'a bad signature of the child',
      () => [parent, forge({ payload: childClaims(parent), header: goodHeader(agent), key: stranger })],
      { code: 'SIG_BAD', link: 1 },
    ],
    ['a life beyond the parent', () => [parent, childLink(parent, { exp: seconds + 301 })], { code: 'WIDENED', link: 1, constraint: 'exp' }],
    ['revocations that may be older', () => [parent, childLink(parent, { max_stale: 301 })], { code: 'WIDENED', link: 1, constraint: 'max_stale' }],
    ['another audience', () => [parent, childLink(parent, { aud: [place, 'mcp://mail.example/'] })], { code: 'WIDENED', link: 1, constraint: 'aud' }],
    [
      'a process of its own, where the root names a server',
      () => [parent, childLink(parent, { aud: inProcessAudience(formatAgentId(stranger.publicKey)) })],
      { code: 'WIDENED', link: 1, constraint: 'aud' },
      { audience: inProcessAudience(formatAgentId(stranger.publicKey)) },
    ],
    ['more depth than the root allows', () => [parent, childLink(parent, { del_max_depth: 3 })], { code: 'WIDENED', link: 1, constraint: 'del_max_depth' }],
    [
      'a root that may not be passed on',
      () => {
        const closed = rootLink({ del_max_depth: 0 });
        return [closed, childLink(closed, { del_max_depth: 0 })];
      },
      { code: 'DEPTH_EXCEEDED', link: 1 },
    ],
    ['a verifier that takes no chains', () => [parent, good], { code: 'DEPTH_EXCEEDED', link: 1 }, { maxDepth: 0 }],
    [
      'a tool that the root does not grant',
      () => [parent, childLink(parent, { authorization_details: [grant('search'), grant('drop')] })],
      { code: 'WIDENED', link: 1, grant: 1 },
    ],
    ['a pattern over it', () => [parent, childLink(parent, { authorization_details: [grant('*')] })], { code: 'WIDENED', link: 1, grant: 0 }],
    ['nine links', () => Array.from({ length: 9 }, () => parent), { code: 'TOO_LARGE' }],
    ['no links', () => [], { code: 'MALFORMED' }],
    ['a hole', () => [parent, undefined as never], { code: 'MALFORMED', link: 1 }],
  ])('[CAP-CHAIN-REFUSED] %s', async (_title, token, denial, overrides = {}) => {
    expect(await at(overrides).refusal(token())).toMatchObject(denial);
  });

  const early = rootLink({ iat: seconds - 500, nbf: seconds - 500, exp: seconds - 100 });
  const later = rootLink({ nbf: seconds + 100 });
  it.each<[string, () => string | readonly string[], string]>([
    ['1 no proof: the child alone', () => good, 'LINK_BROKEN'],
    ['2 a missing proof: another root above', () => [other, good], 'LINK_BROKEN'],
    ['3 an expired proof', () => [early, childLink(early, { iat: seconds - 500, nbf: seconds - 500, exp: seconds - 100 })], 'EXPIRED'],
    ['4 a proof that is not valid yet', () => [later, childLink(later, { nbf: seconds + 100 })], 'NOT_YET'],
    ['5 principals that do not align', () => [parent, childLink(parent, { iss: keyThumbprint(stranger.publicKey) }, stranger)], 'LINK_BROKEN'],
    ['6 subjects that do not align', () => [parent, childLink(parent, { sub: holder })], 'SUBJECT_CHANGED'],
    [
      '7 a bad signature of the proof',
      () => [forge({ payload: rootClaims(), key: stranger }), childLink(forge({ payload: rootClaims(), key: stranger }))],
      'SIG_BAD',
    ],
    ['8 a bad signature of the child', () => [parent, forge({ payload: childClaims(parent), header: goodHeader(agent), key: stranger })], 'SIG_BAD'],
    [
      '9 an invalid root: by nobody who is trusted',
      () => {
        const theirs = forge({ payload: rootClaims({ iss: holder }), header: goodHeader(agent), key: agent });
        return [theirs, childLink(theirs)];
      },
      'ISSUER_UNTRUSTED',
    ],
    ['10 a policy that is violated: a wider grant', () => [parent, childLink(parent, { authorization_details: [grant('*')] })], 'WIDENED'],
    [
      '11 a right that may not be passed on',
      () => {
        const closed = rootLink({ del_max_depth: 0 });
        return [closed, childLink(closed, { del_max_depth: 0 })];
      },
      'DEPTH_EXCEEDED',
    ],
  ])('[CAP-THIRTEEN] %s', async (_title, token, code) => {
    expect(await at().refusal(token())).toMatchObject({ code });
  });

  it.each<[string, (of: { aud: string }) => object, number, object]>([
    ['12 an expired invocation', () => ({}), 61, { code: 'POP_WINDOW' }],
    ['13 an invocation for another audience', () => ({ aud: 'mcp://elsewhere/' }), 0, { code: 'POP_BAD', constraint: 'aud' }],
  ])('[CAP-THIRTEEN] %s', async (_title, changes, ageSeconds, denial) => {
    const { env, admitted } = at();
    const handle = await admitted([parent, good] as never);
    const request = { tool: 'search', input: {}, aud: place, cap: handle.cap, call: 'c1' };
    const proof = await issueInvocation({ ...request, ...changes(request) }, { signer: localSigner(stranger), env });
    env.advance(ageSeconds);
    const verify = () => verifyInvocation({ proof, handle, call: request, audience: place, replay: memoryReplayStore({ now: () => 0 }), env });
    expect((await verify()).denied).toMatchObject(denial);
  });

  it('[CAP-NARROWS] arguments and grants only ever narrow', async () => {
    const wide = rootLink({ authorization_details: [grant('read', { path: subpath('/data'), note: { len: { max: 10 }, optional: true } })] });
    const child = (args: object) => [wide, childLink(wide, { authorization_details: [grant('read', args as never)] })];
    const { refusal } = at();
    expect(await refusal(child({ path: subpath('/data/a') }))).toBeUndefined();
    expect(await refusal(child({ path: subpath('/data'), note: len({ max: 10 }) }))).toBeUndefined();
    for (const args of [
      { path: subpath('/') },
      { path: 'any' },
      {},
      { path: { ...subpath('/data/a'), optional: true } },
      { path: subpath('/data/a'), extra: 'any' },
      { path: subpath('/data/a'), '*': 'any' },
      { path: subpath('/data/a'), note: len({ max: 11 }) },
    ])
      expect(await refusal(child(args))).toMatchObject({ code: 'WIDENED', link: 1, grant: 0 });
  });

  it('[CAP-ONE-VERIFICATION] a forged chain costs one verification, and what can be refused cheaply none', async () => {
    const keys = countingKeys();
    const { refusal } = at({ keys });
    const forged = forge({ payload: rootClaims(), key: stranger });
    const cheap = [
      [parent, childLink(parent, { exp: seconds + 301 })],
      [parent, childLink(parent, { sub: 'x' })],
      [other, good],
    ];
    for (const token of cheap) expect(await refusal(token)).toBeDefined();
    expect(keys.asked).toEqual([]);
    expect(await refusal([forged, childLink(forged)])).toMatchObject({ code: 'SIG_BAD', link: 0 });
    expect(keys.asked).toEqual(['root']);
  });

  it('[CAP-CHAIN] a key that is no key has signed nothing', async () => {
    const weak = rootLink({ cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(new Uint8Array(32)) } } });
    const thumbprint = encodeBase64url(sha256(encodeUtf8(`{"crv":"Ed25519","kty":"OKP","x":"${encodeBase64url(new Uint8Array(32))}"}`)));
    const child = forge({ payload: childClaims(weak, { iss: thumbprint }), header: { ...goodHeader(), kid: thumbprint }, key: agent });
    expect(await at().refusal([weak, child])).toMatchObject({ code: 'KEY_UNRESOLVED', link: 1 });
    expect(await at({ keys: { resolve: (who, kid) => didKeys().resolve(who, kid) } }).refusal([weak, child])).toMatchObject({
      code: 'KEY_UNRESOLVED',
      link: 1,
    });
  });
});

describe('attenuateCapability', () => {
  const { env, issue } = world();
  const tools = (args: Parameters<typeof toolGrants>[0]): ToolGrant[] => toolGrants(args);
  const make = (request: Partial<CapabilityRequest> = {}) => issue(tools({ search: anyArgs(), read: { path: subpath('/data') } }), { delegate: 1, ...request });
  const pass = (token: string, request: Partial<LinkRequest> = {}, key = agent) =>
    attenuateCapability(token, { holder: stranger.publicKey, grants: tools({ search: anyArgs() }), ...request }, { signer: localSigner(key), env });
  const admitAt = (token: string, key = stranger, overrides: Partial<AdmitContext> = {}) =>
    admit(token, { trust: { issuers: [issuer] }, audience: inProcessAudience(formatAgentId(key.publicKey)), holder: key.publicKey, env, ...overrides });

  it('[CAP-DELEGATE] a holder passes on a narrower right without asking anybody', async () => {
    const { handle, denied } = await admitAt(await pass(await make({ task: 'trace-1', maxStaleSeconds: 60 })));
    expect(denied).toBeUndefined();
    expect(handle?.claims).toMatchObject({ sub: issuer, task: 'trace-1', max_stale: 60, del_depth: 1, del_max_depth: 1, exp: seconds + 300 });
    expect(refusalOf(handle!, 'search', { q: 1 })).toBeUndefined();
    expect(refusalOf(handle!, 'read', { path: '/data/a' })).toMatchObject({ code: 'TOOL_UNGRANTED' });
  });

  it('[CAP-DELEGATE] down to the depth that the issuer allows', async () => {
    const keys = [keyOf(21), keyOf(22), keyOf(23), keyOf(24)] as const;
    let token = await make({ delegate: 4 });
    let by = agent;
    for (const [i, to] of keys.entries()) {
      token = await pass(token, { holder: to.publicKey, delegate: 3 - i }, by);
      by = to;
      const { denied } = await admitAt(token, to, { maxDepth: 7 });
      expect(denied).toBeUndefined();
      expect((await admitAt(token, to)).denied?.code).toBe(i < 3 ? undefined : 'DEPTH_EXCEEDED');
    }
    await expect(pass(token, { holder: agent.publicKey }, by)).rejects.toThrow(/may not be passed on so often/);
  });

  it.each<[string, Partial<CapabilityRequest>, Partial<LinkRequest>, RegExp, Ed25519SecretKey?]>([
    ['that may not be passed on', { delegate: 0 }, {}, /passed on so often/],
    ['further than it may be', {}, { delegate: 1 }, /delegate is not provably within/],
    ['that somebody else holds', {}, {}, /signer does not hold/, stranger],
    ['with another tool', {}, { grants: [grant('drop')] }, /grant 0: authorization_details is not provably within/],
    ['with a wider argument', {}, { grants: [grant('read', { path: subpath('/') })] }, /not provably within/],
    ['for longer', {}, { lifetimeSeconds: 301 }, /lifetimeSeconds.*is not provably within/],
    ['from earlier on', { notBeforeSeconds: seconds + 10 }, { notBeforeSeconds: seconds }, /notBeforeSeconds.*is not provably within/],
    ['for another place', {}, { audience: place }, /audience is not provably within/],
    ['with staler revocations', { maxStaleSeconds: 60 }, { maxStaleSeconds: 61 }, /maxStaleSeconds is not provably within/],
    ['in a form that no verifier reads', {}, { grants: [{ type: 'talos_tool' } as never] }, /grant 0: tools/],
  ])('[CAP-DELEGATE-EARLY] refuses to pass on a right %s', async (_title, above, below, message, key) => {
    const passed = pass(await make(above), below, key);
    await expect(passed).rejects.toThrow(message);
    await expect(passed).rejects.toSatisfy((error) => CapabilityError.isInstance(error));
  });

  it('[CAP-DELEGATE-EARLY] refuses what is no capability', async () => {
    for (const token of ['', 'x', 'a.b.c', 'a~b']) await expect(pass(token)).rejects.toThrow(/cannot issue this capability/);
  });

  it('[CAP-DELEGATE-LIMITED] what is limited is counted in one place and does not move with its holder', async () => {
    const limited = [{ ...grant('search'), limit: { count: 5 } }, grant('read')];
    const moving = await issue(limited, { delegate: 1 });
    await expect(pass(moving)).rejects.toThrow(/audience is not provably within/);
    expect((await admitAt(await pass(moving, { grants: [grant('read')] }))).denied).toBeUndefined();
    const staying = await issue(limited, { delegate: 1, audience: place });
    expect((await admitAt(await pass(staying), stranger, { audience: place })).denied).toBeUndefined();
  });

  it('[CAP-DELEGATE-LIMITED] but between agents whose limits one store counts: who says so of others convinces nobody', async () => {
    const [from, to] = [holder, formatAgentId(stranger.publicKey)].map((did) => inProcessAudience(did)) as [string, string];
    const moving = await issue([{ ...grant('search'), limit: { count: 5 } }], { delegate: 1 });
    const passed = await attenuateCapability(
      moving,
      { holder: stranger.publicKey, grants: tools({ search: anyArgs() }) },
      { signer: localSigner(agent), env, home: () => true },
    );
    const codeAt = async (home: readonly string[]) => (await admitAt(passed, stranger, { home: (id) => home.includes(id) })).denied?.code;
    expect(await codeAt([from, to])).toBeUndefined();
    for (const home of [[], [from], [to]]) expect(await codeAt(home)).toBe('WIDENED');
    expect((await admitAt(passed)).denied).toMatchObject({ code: 'WIDENED', link: 1, constraint: 'aud' });
  });

  it('[CAP-TIME] a link ends with the shortest life above it', async () => {
    const clock = world();
    const token = await pass(await make(), { lifetimeSeconds: 60 });
    const { handle } = await admit(token, {
      trust: { issuers: [issuer] },
      audience: inProcessAudience(formatAgentId(stranger.publicKey)),
      holder: stranger.publicKey,
      env: clock.env,
    });
    clock.env.advance(89);
    expect(refusalOf(handle!, 'search')).toBeUndefined();
    clock.env.advance(1);
    expect(refusalOf(handle!, 'search')).toMatchObject({ code: 'EXPIRED', link: 1 });
  });
});

describe('terms of a chain', () => {
  const chainOf = async (above: object, below: object) => {
    const parent = rootLink({ authorization_details: [{ ...grant('search'), ...above }] });
    return at().admitted([parent, childLink(parent, { authorization_details: [{ ...grant('search'), ...below }] })] as never);
  };
  const shut = { when: { zone: 'UTC', windows: [{ from: '09:00', to: '10:00' }] } };

  it('[CAP-CHAIN-TERMS] every grant of the path binds the call, also where a link below does not repeat it', async () => {
    expect(refusalOf(await chainOf(shut, {}), 'search')).toMatchObject({ code: 'WINDOW_CLOSED', link: 0, grant: 0 });
    expect(refusalOf(await chainOf({}, shut), 'search')).toMatchObject({ code: 'WINDOW_CLOSED', link: 1, grant: 0 });
    expect(refusalOf(await chainOf({ tool_digest: 'ab'.repeat(32) }, {}), 'search')).toMatchObject({ code: 'TOOL_CHANGED', link: 0 });
    expect(refusalOf(await chainOf({ mode: 'delegate' }, {}), 'search')).toBeUndefined();
    expect(refusalOf(await chainOf({}, { mode: 'delegate' }), 'search')).toMatchObject({ code: 'MODE_NOT_EXECUTE', link: 1 });
  });
});
