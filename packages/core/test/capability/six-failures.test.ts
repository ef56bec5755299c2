import { describe, expect, it } from 'vitest';
import { encodeBase64url } from '../../src/bytes/base64url.ts';
import { any, anyArgs, subpath, toolGrants } from '../../src/capability/index.ts';
import { formatAgentId, keyThumbprint } from '../../src/identity/agent-id.ts';
import { agent, claims, forge, goodHeader, grant, refusalOf, stranger, world } from './support.ts';

/** A link that the holder of a root capability made for somebody else. */
const child = (changes = {}) =>
  forge({
    key: agent,
    header: goodHeader(agent),
    payload: claims({
      iss: formatAgentId(agent.publicKey),
      cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(stranger.publicKey.bytes) } },
      ...changes,
    }),
  });

describe('the six failures of the earlier implementation', () => {
  it('[CAP-NO-WIDENING] 1 a delegated link never widens: alone, without the links above it, it is refused whole', async () => {
    const { refusal } = world({ holder: stranger.publicKey });
    expect(await refusal(child({ del_depth: 1 }))).toMatchObject({ code: 'LINK_BROKEN', class: 'DELEGATION_INVALID' });
    expect(await refusal(child({ del_depth: 1, par_hash: encodeBase64url(new Uint8Array(32)) }))).toMatchObject({ code: 'LINK_BROKEN' });
  });

  it('[CAP-SUBPATH] 2 /data does not let /data/../etc/passwd through', async () => {
    const handle = await world().handleFor(toolGrants({ read: { path: subpath('/data') } }));
    expect(refusalOf(handle, 'read', { path: '/data/../etc/passwd' })).toMatchObject({ code: 'ARG_VIOLATES', arg: 'path', constraint: 'subpath' });
    expect(refusalOf(handle, 'read', { path: '/data/report.txt' })).toBeUndefined();
  });

  it('[CAP-ARG-MISSING] 3 a call without the constrained argument is refused', async () => {
    const handle = await world().handleFor(toolGrants({ read: { path: subpath('/data') }, note: { text: any() } }));
    expect(refusalOf(handle, 'read', {})).toMatchObject({ code: 'ARG_MISSING', arg: 'path' });
    expect(refusalOf(handle, 'note', {})).toMatchObject({ code: 'ARG_MISSING', arg: 'text' });
  });

  it.each(['rate_limit', 'limit', 'approve', 'when', 'flow', 'tool_digest', 'mode'])(
    '[CAP-UNENFORCED-REFUSED] 4 a grant with %s, which this version does not enforce, is refused',
    async (member) => {
      const payload = claims({ authorization_details: [{ ...grant('search', anyArgs()), [member]: {} }] } as never);
      expect(await world().refusal(forge({ payload }))).toMatchObject({ code: 'MALFORMED' });
    },
  );

  it('[CAP-NO-WIDENING] 5 a child does not outlive its parent: without the parent it was never alive', async () => {
    const { refusal } = world({ holder: stranger.publicKey });
    expect(await refusal(child())).toMatchObject({ code: 'ISSUER_UNTRUSTED' });
  });

  it('[CAP-NO-WIDENING] 6 a link signed by the holder is not taken for one of the root', async () => {
    const { refusal } = world();
    expect(await refusal(forge({ key: agent }))).toMatchObject({ code: 'SIG_BAD' });
    expect(await refusal(forge({ key: agent, header: { ...goodHeader(), kid: keyThumbprint(agent.publicKey) } }))).toMatchObject({ code: 'KEY_UNRESOLVED' });
  });
});
