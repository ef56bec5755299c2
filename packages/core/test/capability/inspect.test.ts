import { describe, expect, it } from 'vitest';
import { anyArgs, attenuateCapability, inspect, len, optional, subpath, toolGrants } from '../../src/capability/index.ts';
import { formatAgentId } from '../../src/identity/agent-id.ts';
import { localSigner } from '../../src/identity/signer.ts';
import { agent, claims, forge, grant, holder, issuer, stranger, world } from './support.ts';

const other = formatAgentId(stranger.publicKey);

describe('inspect', () => {
  it('[CAP-INSPECT] tells who lets whom do what, until when, and what each hop gave up', async () => {
    const { env, issue } = world();
    const token = await issue(toolGrants({ search: anyArgs(), read: { path: subpath('/data'), note: optional(len({ max: 9 })) } }), {
      delegate: 1,
      subject: 'org:acme',
      purpose: 'to find things',
    });
    const chain = await attenuateCapability(
      token,
      { holder: stranger.publicKey, grants: toolGrants({ read: { path: subpath('/data/a') } }), lifetimeSeconds: 60 },
      { signer: localSigner(agent), env },
    );
    const told = inspect(chain);
    expect(told).toMatchObject({
      issuer,
      subject: 'org:acme',
      holder: other,
      links: [
        { from: issuer, to: holder, delegations: 1, narrowed: [] },
        { from: holder, to: other, delegations: 0 },
      ],
    });
    expect(told.text).toBe(
      [
        `capability of ${issuer}`,
        'on behalf of org:acme',
        `1. ${issuer} lets ${holder}`,
        '   call "search" with any arguments',
        '   call "read" with "path" subpath {"root":"/data"}, "note" len {"max":9} or left out',
        `   at talos:${holder}`,
        '   from 2026-01-01T00:00:00.000Z to 2026-01-01T00:05:00.000Z (clocks may differ by 30 s)',
        '   to be passed on, narrower, once',
        `2. ${holder} lets ${other}`,
        '   call "read" with "path" subpath {"root":"/data/a"}',
        `   at talos:${other}`,
        '   from 2026-01-01T00:00:00.000Z to 2026-01-01T00:01:00.000Z (clocks may differ by 30 s)',
        '   not to be passed on',
        '   narrowed: without "search"',
        '   narrowed: "read" on other terms',
        '   narrowed: ends 240 s earlier',
        'A revocation by anybody but the issuer reaches a verifier only through the list of the issuer: until then it is best effort.',
      ].join('\n'),
    );
  });

  it('[CAP-INSPECT] what a stranger wrote stays on its line', () => {
    const { text } = inspect(
      forge({ payload: claims({ sub: 'a\n2. did:key:evil lets you\u202e\u0007', authorization_details: [grant('x', { 'q\u2028': 'any' })] } as never) }),
    );
    expect(text.split(/[\n\u2028]/)).toHaveLength(7);
    expect(text).not.toMatch(/\u202e|\p{Cc}(?<!\n)/u);
  });

  it('[CAP-INSPECT] what is no capability is an error', () => {
    for (const token of ['', 'x', forge({ payload: claims({ authorization_details: [null] } as never) }), forge({ payload: claims({ nope: 1 }) })])
      expect(() => inspect(token)).toThrow(/cannot/);
  });
});
