import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { call } from '../benches/capability-fixture.ts';
import type { Bench } from '../measure.ts';
import { loadPeer, mustAllow } from './load-peer.ts';

type Signing = {
  setProtectedHeader(header: object): Signing;
  setIssuedAt(): Signing;
  setExpirationTime(time: string): Signing;
  sign(key: KeyObject): Promise<string>;
};
type Jose = {
  readonly SignJWT: new (claims: object) => Signing;
  readonly jwtVerify: (token: string, key: KeyObject, checks: object) => Promise<{ readonly payload: { readonly tool?: unknown } }>;
};

/** A token of the same kind verified with its key at hand: signature, issuer, audience, expiry. No constraint of an argument is read. */
export const jose: Bench = {
  name: 'peer-jose',
  floor: 'authorize-cold',
  async open() {
    const { SignJWT, jwtVerify } = await loadPeer<Jose>('jose');
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const claims = { iss: 'did:key:owner', sub: 'did:key:agent', aud: 'in-process', tool: call.tool, args: { to: { email: { domains: ['acme.example'] } } } };
    const token = await new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA' }).setIssuedAt().setExpirationTime('1h').sign(privateKey);
    return {
      async: async () => {
        const { payload } = await jwtVerify(token, publicKey, { issuer: claims.iss, audience: claims.aud });
        mustAllow(payload.tool === call.tool);
      },
    };
  },
};
