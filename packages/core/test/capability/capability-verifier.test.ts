import { describe, expect, it } from 'vitest';
import { importEd25519SecretKey } from '#suite';
import {
  anyArgs,
  attenuateCapability,
  capabilityVerifier,
  didKeys,
  inProcessAudience,
  issueCapability,
  policyCache,
  toolGrants,
  verificationBudget,
  type IssuerKeys,
} from '../../src/capability/index.ts';
import { CapabilityHandle } from '../../src/capability/capability-handle.ts';
import { formatAgentId } from '../../src/identity/agent-id.ts';
import { localSigner } from '../../src/identity/signer.ts';
import { agent, claims, forge, goodHeader, grant, refusalOf, stranger, world } from './support.ts';

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

describe('capabilityVerifier', () => {
  it('[CAP-CACHE] a token that comes again costs no signature, and each call is decided anew', async () => {
    const keys = countingKeys();
    const { context, issue, env } = world({ keys });
    const verifier = capabilityVerifier(context);
    const token = await issue([grant('search')]);
    const { handle } = await verifier.admit(token);
    expect((await verifier.admit(Buffer.from(token).toString())).handle).toBe(handle);
    expect(keys.asked).toBe(1);
    expect(refusalOf(handle!, 'search')).toBeUndefined();
    env.advance(330);
    expect(refusalOf((await verifier.admit(token)).handle!, 'search')).toMatchObject({ code: 'EXPIRED' });
  });

  it('[CAP-CACHE] a payload under the signature of another token is another token', async () => {
    const { context } = world();
    const verifier = capabilityVerifier(context);
    const [header, , signature] = forge().split('.');
    expect((await verifier.admit(forge())).handle).toBeDefined();
    const payload = Buffer.from(JSON.stringify(claims({ authorization_details: [grant('drop')] } as never))).toString('base64url');
    expect((await verifier.admit(`${header}.${payload}.${signature}`)).denied).toMatchObject({ code: 'SIG_BAD' });
  });

  it('[CAP-CACHE] a forgery that comes again costs no verification, and never drives out a good token', async () => {
    const keys = countingKeys();
    const verifier = capabilityVerifier(world({ keys }).context, { maxTokens: 2, maxRefused: 2 });
    const good = forge();
    const { handle } = await verifier.admit(good);
    const forged = (n: number): string => forge({ key: stranger, payload: claims({ epoch: n }) });
    for (const _ of [1, 2, 3]) expect((await verifier.admit(forged(0))).denied).toMatchObject({ code: 'SIG_BAD' });
    expect(keys.asked).toBe(2);
    for (let n = 1; n < 10; n++) await verifier.admit(forged(n));
    expect(keys.asked).toBe(11);
    await verifier.admit(forged(0));
    expect(keys.asked).toBe(12);
    expect((await verifier.admit(good)).handle).toBe(handle);
  });

  it('[CAP-PEER-BUDGET] a peer has only so many forgeries checked, and good tokens cost it nothing', async () => {
    const { context, env } = world();
    const verifier = capabilityVerifier({ ...context, budget: verificationBudget(env, { burst: 3, perSecond: 1 }) });
    const forged = (n: number): string => forge({ key: stranger, payload: claims({ epoch: n }) });
    const codeOf = async (token: string, peer: string) => (await verifier.admit(token, { peer })).denied?.code;
    for (let n = 0; n < 10; n++) expect(await codeOf(forge({ payload: claims({ epoch: 100 + n }) }), 'eve')).toBeUndefined();
    for (let n = 0; n < 3; n++) expect(await codeOf(forged(n), 'eve')).toBe('SIG_BAD');
    expect((await verifier.admit(forged(3), { peer: 'eve' })).denied).toMatchObject({ code: 'RATE', retryAfter: 1 });
    expect(await codeOf(forged(3), 'bob')).toBe('SIG_BAD');
    env.advance(1);
    expect(await codeOf(forged(4), 'eve')).toBe('SIG_BAD');
  });

  it('[CAP-PEER-BUDGET] a verifier has a budget without being told, and those without a name share one', async () => {
    const verifier = capabilityVerifier(world().context);
    const codes = await Promise.all(
      Array.from({ length: 30 }, async (_, n) => (await verifier.admit(forge({ key: stranger, payload: claims({ epoch: n }) }))).denied?.code),
    );
    expect(codes.filter((code) => code === 'SIG_BAD').length).toBe(20);
    expect(codes.filter((code) => code === 'RATE').length).toBe(10);
    expect((await verifier.admit(forge(), { peer: 'bob' })).denied).toBeUndefined();
  });

  it('[CAP-PEER-BUDGET] forgeries that nobody is named for, in the name of one issuer, deny no capability of another', async () => {
    const { context, env } = world();
    const other = importEd25519SecretKey(new Uint8Array(32).fill(4));
    const did = formatAgentId(other.publicKey);
    const trust = { issuers: [...context.trust.issuers, did] };
    const verifier = capabilityVerifier({ ...context, trust });
    for (let n = 0; n < 30; n++) await verifier.admit(forge({ key: stranger, payload: claims({ epoch: n }) }));
    expect((await verifier.admit(forge({ payload: claims({ epoch: 99 }) }))).denied).toMatchObject({ code: 'RATE' });
    const request = { holder: agent.publicKey, grants: toolGrants({ search: anyArgs() }) };
    const theirs = await issueCapability(request, { signer: localSigner(other), issuer: did, env });
    expect((await verifier.admit(theirs)).denied).toBeUndefined();
  });

  it('[CAP-PEER-BUDGET] any number of good tokens may come at once', async () => {
    const { context, env } = world();
    const verifier = capabilityVerifier({ ...context, budget: verificationBudget(env, { burst: 1 }) });
    const admitted = await Promise.all(Array.from({ length: 50 }, (_, n) => verifier.admit(forge({ payload: claims({ epoch: n }) }), { peer: 'bob' })));
    expect(admitted.map(({ denied }) => denied)).toEqual(admitted.map(() => undefined));
  });

  it('[CAP-PEER-BUDGET] a holder who signs what it may not pass on draws on it as well', async () => {
    const { context, env, issue } = world();
    const verifier = capabilityVerifier({
      ...context,
      holder: stranger.publicKey,
      audience: inProcessAudience(formatAgentId(stranger.publicKey)),
      budget: verificationBudget(env, { burst: 2 }),
    });
    const parent = await issue(toolGrants({ search: anyArgs() }), { delegate: 1 });
    const good = await attenuateCapability(
      parent,
      { holder: stranger.publicKey, grants: toolGrants({ search: anyArgs() }) },
      { signer: localSigner(agent), env },
    );
    const payload = JSON.parse(Buffer.from(good.split('~')[1]!.split('.')[1]!, 'base64url').toString()) as object;
    const wide = (n: number) =>
      `${parent}~${forge({ key: agent, header: goodHeader(agent), payload: { ...payload, epoch: n, authorization_details: [grant('drop')] } })}`;
    const codeOf = async (token: string) => (await verifier.admit(token, { peer: 'eve' })).denied?.code;
    expect([await codeOf(wide(0)), await codeOf(wide(1)), await codeOf(wide(2))]).toEqual(['WIDENED', 'WIDENED', 'RATE']);
  });

  it('[CAP-CACHE] what time may cure is asked again', async () => {
    const { context, env } = world();
    const verifier = capabilityVerifier(context);
    env.advance(-60);
    expect((await verifier.admit(forge())).denied).toMatchObject({ code: 'NOT_YET' });
    env.advance(60);
    expect((await verifier.admit(forge())).denied).toBeUndefined();
  });

  it('[CAP-CACHE] the oldest token goes, and comes back at the price of one admission', async () => {
    const verifier = capabilityVerifier(world().context, { maxTokens: 2 });
    const token = (n: number): string => forge({ payload: claims({ epoch: n }) });
    const { handle } = await verifier.admit(token(0));
    await verifier.admit(token(1));
    expect((await verifier.admit(token(0))).handle).toBe(handle);
    await verifier.admit(token(2));
    expect((await verifier.admit(token(0))).handle).not.toBe(handle);
  });

  it('[CAP-CACHE] a list of links is never found by name: it could have been changed', async () => {
    const { env, issue, context } = world();
    const chain = await attenuateCapability(
      await issue(toolGrants({ search: anyArgs() }), { delegate: 1 }),
      { holder: stranger.publicKey, grants: toolGrants({ search: anyArgs() }) },
      { signer: localSigner(agent), env },
    );
    const verifier = capabilityVerifier({ ...context, holder: stranger.publicKey, audience: inProcessAudience(formatAgentId(stranger.publicKey)) });
    const links = chain.split('~');
    expect((await verifier.admit(links as never)).handle).toBeDefined();
    links.pop();
    expect((await verifier.admit(links as never)).denied).toBeDefined();
    const { handle } = await verifier.admit(chain);
    expect((await verifier.admit(chain)).handle).toBe(handle);
  });

  it.each([undefined, null, '', 7, {}, '\ud800'.repeat(300)])('[CAP-TOTAL] %s is refused', async (token) => {
    expect((await capabilityVerifier(world().context).admit(token as never)).denied).toBeDefined();
  });
});

describe('policyCache', () => {
  it('[CAP-INTERN] equal grants are one object, and what differs in one place is not', async () => {
    const { issue, admitted } = world({ policies: policyCache() });
    const policyOf = async (grants: Parameters<typeof issue>[0]) => CapabilityHandle.open(await admitted(await issue(grants)))!.leaf.policy;
    const policy = await policyOf([grant('search', { q: 'any' })]);
    expect(await policyOf([grant('search', { q: 'any' })])).toBe(policy);
    for (const other of [
      [grant('search', { q: { len: { max: 1 } } })],
      [grant('search', { p: 'any' })],
      [grant('Search', { q: 'any' })],
      [grant('search', { q: 'any' }), grant('x')],
    ])
      expect(await policyOf(other)).not.toBe(policy);
  });

  it('[CAP-INTERN] only so many are kept', async () => {
    const { issue, admitted } = world({ policies: policyCache({ maxPolicies: 1 }) });
    const policyOf = async (tool: string) => CapabilityHandle.open(await admitted(await issue([grant(tool)])))!.leaf.policy;
    const policy = await policyOf('a');
    expect(await policyOf('a')).toBe(policy);
    await policyOf('b');
    expect(await policyOf('a')).not.toBe(policy);
  });
});
