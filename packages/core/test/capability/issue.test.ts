import { describe, expect, it } from 'vitest';
import { any, anyArgs, email, eq, issueCapability, len, toolGrants, type CapabilityRequest } from '../../src/capability/index.ts';
import { TalosError } from '../../src/errors/talos-error.ts';
import { keyThumbprint } from '../../src/identity/agent-id.ts';
import { agent, clockAt, grant, holder, issuer, root, start, world } from './support.ts';

const decode = (segment: string | undefined): Record<string, unknown> =>
  JSON.parse(Buffer.from(segment ?? '', 'base64url').toString()) as Record<string, unknown>;

/** The message of the refusal to issue. */
async function refused(request: Partial<CapabilityRequest>): Promise<string> {
  const error: unknown = await world()
    .issue(request.grants ?? [grant('search')], request)
    .catch((thrown: unknown) => thrown);
  if (!TalosError.isInstance(error)) throw new Error('issued');
  expect(error.code).toBe('TALOS_CAPABILITY_INVALID_GRANT');
  return error.message;
}

describe('issueCapability', () => {
  it('[CAP-ISSUE] writes one link with every claim, short-lived and for the holder’s own process', async () => {
    const [header, payload] = (await world().issue(toolGrants({ search: anyArgs(), mail: { to: email({ domains: ['acme.com'] }), body: any() } }))).split('.');
    expect(decode(header)).toEqual({ alg: 'Ed25519', typ: 'talos-cap+jwt', kid: keyThumbprint(root.publicKey) });
    const seconds = start / 1000;
    expect(decode(payload)).toEqual({
      v: 1,
      iss: issuer,
      sub: issuer,
      aud: `talos:${holder}`,
      cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(agent.publicKey.bytes).toString('base64url') } },
      jti: expect.stringMatching(/^[\w-]{22}$/) as string,
      iat: seconds,
      nbf: seconds,
      exp: seconds + 300,
      del_depth: 0,
      del_max_depth: 0,
      epoch: 0,
      authorization_details: [
        { type: 'talos_tool', tools: ['search'], args: { '*': 'any' } },
        { type: 'talos_tool', tools: ['mail'], args: { to: { email: { domains: ['acme.com'] } }, body: 'any' } },
      ],
    });
  });

  it('[CAP-ISSUE] what is asked for stands in the claims', async () => {
    const request = {
      audience: ['a', 'b'],
      subject: 'acme',
      lifetimeSeconds: 900,
      notBeforeSeconds: start / 1000 + 60,
      epoch: 7,
      maxStaleSeconds: 60,
      task: 't',
      purpose: 'p',
      ext: { x: 1 },
    };
    const claims = decode((await world().issue([], request)).split('.')[1]);
    expect(claims).toMatchObject({
      aud: ['a', 'b'],
      sub: 'acme',
      nbf: start / 1000 + 60,
      exp: start / 1000 + 960,
      epoch: 7,
      max_stale: 60,
      task: 't',
      purpose: 'p',
      ext: { x: 1 },
    });
  });

  it('[CAP-ISSUE] two tokens of one request differ in 128 random bits', async () => {
    const { issue } = world();
    expect(decode((await issue([])).split('.')[1])['jti']).not.toBe(decode((await issue([])).split('.')[1])['jti']);
  });

  it('[CAP-ISSUE] what a verifier would refuse is not issued, and the message names the member', async () => {
    expect(await refused({ grants: [grant('a b')] })).toContain('grant 0: tools');
    expect(await refused({ grants: [grant('a'), grant('b', { q: { regex: '.*' } as never })] })).toContain(
      'grant 1, argument "q": "regex" is no constraint of version 1',
    );
    expect(await refused({ grants: [grant('b', { to: email({ domains: ['B\u00fccher.example'] }) })] })).toContain('argument "to": email');
    expect(await refused({ grants: [grant('b', { to: len({}) })] })).toContain('argument "to": len');
    expect(await refused({ grants: [{ ...grant('b'), unless: {} } as never] })).toContain('grant 0: authorization_details');
    expect(await refused({ grants: [{ ...grant('b'), limit: { count: 0 } }] })).toContain('grant 0: count');
    expect(await refused({ grants: Array.from({ length: 65 }, () => grant('b')) })).toContain('more than a capability may hold');
    expect(await refused({ lifetimeSeconds: 86_401 })).toContain('lifetimeSeconds (at most 86400');
    expect(await refused({ lifetimeSeconds: 0 })).toContain('lifetimeSeconds');
    expect(await refused({ lifetimeSeconds: Number.NaN })).toContain('lifetimeSeconds');
    expect(await refused({ notBeforeSeconds: 1 })).toContain('notBeforeSeconds');
    expect(await refused({ audience: [] })).toContain('audience');
    expect(await refused({ audience: '' })).toContain('audience');
    expect(await refused({ maxStaleSeconds: -1 })).toContain('maxStaleSeconds');
    expect(await refused({ ext: { pad: 'x'.repeat(6000) } })).toContain('longer than 8192');
  });

  it.each([
    ['a BigInt', 1n],
    ['an integer outside I-JSON', 2 ** 53],
    ['a lone surrogate', '\ud800'],
  ])('[CAP-ISSUE] %s cannot be granted, and the message does not repeat the values', async (_title, value) => {
    const message = await refused({ grants: [grant('pay', { pin: eq('s3cret'), n: eq(value as never) })] });
    expect(message).toContain('not I-JSON');
    expect(message).not.toContain('s3cret');
  });

  it('[CAP-ISSUE] a signer elsewhere is waited for, and one that gives no signature is refused', async () => {
    const request = { holder: agent.publicKey, grants: [grant('search')] };
    const context = { issuer, env: clockAt() };
    const short = { publicKey: root.publicKey, sign: async () => new Uint8Array(63) };
    await expect(issueCapability(request, { ...context, signer: short })).rejects.toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    const broken = { publicKey: root.publicKey, sign: () => Promise.reject(new Error('HSM offline')) };
    await expect(issueCapability(request, { ...context, signer: broken })).rejects.toThrow('HSM offline');
  });
});
