import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { compactVerify, importJWK, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import { describe, expect, it } from 'vitest';
import { attenuateCapability } from '../../src/capability/index.ts';
import { keyThumbprint } from '../../src/identity/agent-id.ts';
import { localSigner } from '../../src/identity/signer.ts';
import { agent, claims, forge, goodHeader, grant, holder, issuer, refusalOf, root, start, stranger, world } from './support.ts';

const x = Buffer.from(root.publicKey.bytes).toString('base64url');
const jwk = { kty: 'OKP', crv: 'Ed25519', x } as const;
const privateKey = createPrivateKey({ key: { ...jwk, d: Buffer.from(root.seed.expose()).toString('base64url') }, format: 'jwk' });
const currentDate = new Date(start);

describe('jose', () => {
  it('[CAP-JOSE] verifies our tokens as plain JWS and as JWT', async () => {
    const token = await world().issue([grant('search')]);
    const key = await importJWK(jwk, 'Ed25519');
    const { protectedHeader } = await compactVerify(token, key, { algorithms: ['Ed25519'] });
    expect(protectedHeader.typ).toBe('talos-cap+jwt');
    const { payload } = await jwtVerify(token, createPublicKey({ key: jwk, format: 'jwk' }), {
      issuer,
      audience: `talos:${holder}`,
      typ: 'talos-cap+jwt',
      currentDate,
    });
    expect(payload['authorization_details']).toEqual([grant('search')]);
  });

  it.each(['Ed25519', 'EdDSA'])('[CAP-JOSE] tokens that jose signs with our claims as %s are admitted here', async (alg) => {
    const token = await new SignJWT(claims() as JWTPayload).setProtectedHeader({ ...goodHeader(), alg }).sign(privateKey);
    const handle = await world().admitted(token);
    expect(refusalOf(handle, 'search', { q: 'x' })).toBeUndefined();
  });

  it('[CAP-JOSE] refuses what we refuse: another payload under the same signature', async () => {
    const [header, , signature] = forge().split('.');
    const payload = Buffer.from(JSON.stringify(claims({ epoch: 9 }))).toString('base64url');
    await expect(compactVerify(`${header}.${payload}.${signature}`, await importJWK(jwk, 'Ed25519'))).rejects.toThrow();
    expect(await world().refusal(`${header}.${payload}.${signature}`)).toMatchObject({ code: 'SIG_BAD' });
  });

  it('[CAP-JOSE] a link that jose signs for a holder is admitted below ours, and ours are plain JWS to it', async () => {
    const parent = forge({ payload: claims({ del_max_depth: 1, aud: 'mcp://files.example/' }) });
    const below = {
      iss: keyThumbprint(agent.publicKey),
      aud: 'mcp://files.example/',
      cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(stranger.publicKey.bytes).toString('base64url') } },
      del_depth: 1,
      del_max_depth: 1,
      par_hash: createHash('sha256')
        .update(parent.slice(0, parent.lastIndexOf('.')))
        .digest('base64url'),
    };
    const holderJwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(agent.publicKey.bytes).toString('base64url') } as const;
    const holderKey = createPrivateKey({ key: { ...holderJwk, d: Buffer.from(agent.seed.expose()).toString('base64url') }, format: 'jwk' });
    const child = await new SignJWT(claims(below) as JWTPayload).setProtectedHeader({ ...goodHeader(agent), alg: 'Ed25519' }).sign(holderKey);
    expect(refusalOf(await world({ audience: 'mcp://files.example/', holder: stranger.publicKey }).admitted(`${parent}~${child}`), 'search')).toBeUndefined();

    const { env, issue } = world();
    const chain = await attenuateCapability(
      await issue([grant('search')], { delegate: 1 }),
      { holder: stranger.publicKey, grants: [grant('search')] },
      { signer: localSigner(agent), env },
    );
    const { protectedHeader } = await compactVerify(chain.split('~')[1]!, await importJWK(holderJwk, 'Ed25519'), { algorithms: ['Ed25519'] });
    expect(protectedHeader.kid).toBe(keyThumbprint(agent.publicKey));
  });
});
