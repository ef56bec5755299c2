import { describe, expect, it } from 'vitest';
import { encodeBase64url } from '../../src/bytes/base64url.ts';
import { encodeUtf8 } from '../../src/bytes/utf8.ts';
import { signEd25519 } from '#suite';
import { didKeys } from '../../src/capability/issuer-keys.ts';
import { issueInvocation, verifyInvocation, type Invocation, type InvocationRequest, type VerifyInvocation } from '../../src/capability/invocation.ts';
import { memoryReplayStore } from '../../src/capability/replay-store.ts';
import { verificationBudget } from '../../src/capability/verification-budget.ts';
import { keyThumbprint } from '../../src/identity/agent-id.ts';
import { localSigner } from '../../src/identity/signer.ts';
import type { Ed25519SecretKey } from '../../src/primitives/keys.ts';
import { codeOf } from '../errors/code-of.ts';
import { agent, grant, root, start, stranger, world } from './support.ts';

const call = { tool: 'pay', input: { to: 'alice', amount: 5 } };

async function setting() {
  const { env, context, handleFor, refusal } = world();
  const handle = await handleFor([grant('pay')]);
  const replay = memoryReplayStore(env);
  const request: InvocationRequest = { ...call, aud: context.audience, cap: handle.cap, call: 'call_1' };
  const prove = (changes: Partial<InvocationRequest> = {}, key: Ed25519SecretKey = agent): Promise<Invocation> =>
    issueInvocation({ ...request, ...changes }, { signer: localSigner(key), env });
  const verify = (proof: VerifyInvocation['proof'], changes: Partial<VerifyInvocation> = {}) =>
    verifyInvocation({ proof, handle, call, audience: context.audience, replay, env, keys: didKeys(), ...changes });
  return { env, handle, replay, prove, verify, context, refusal };
}

/** The same claims with changes, signed again by this key. */
function forged(token: string, changes: { readonly header?: object; readonly claims?: object; readonly key?: Ed25519SecretKey }): string {
  const { key = agent } = changes;
  const [, payload = ''] = token.split('.');
  const claims = { ...(JSON.parse(Buffer.from(payload, 'base64url').toString()) as object), ...changes.claims };
  const header = { alg: 'Ed25519', typ: 'talos-inv+jwt', kid: keyThumbprint(key.publicKey), ...changes.header };
  const input = `${encodeBase64url(encodeUtf8(JSON.stringify(header)))}.${encodeBase64url(encodeUtf8(JSON.stringify(claims)))}`;
  return `${input}.${encodeBase64url(signEd25519(key, encodeUtf8(input)))}`;
}

describe('proof of possession', () => {
  it('[STATE-POP] the holder proves this call to this verifier, once', async () => {
    const { prove, verify, handle } = await setting();
    const proof = await prove();
    expect((await verify(proof)).claims).toMatchObject({ cap: handle.cap, tool: 'pay', call: 'call_1', iat: start / 1000, exp: start / 1000 + 60 });
    expect((await verify(proof)).denied).toMatchObject({ code: 'POP_REPLAYED', class: 'REPLAY', cap: handle.cap });
    expect((await verify(await prove())).denied).toBeUndefined();
  });

  it('[STATE-POP] what is signed does not hold the arguments, nor a hash that could be guessed', async () => {
    const { prove } = await setting();
    const [first, second] = [await prove(), await prove()];
    const claims = ({ token }: Invocation) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { args_commit: string };
    expect(claims(first).args_commit).not.toBe(claims(second).args_commit);
    expect(JSON.stringify(claims(first))).not.toMatch(/alice|salt/);
  });

  it('[STATE-POP] a call without a proof is refused', async () => {
    const { verify } = await setting();
    expect((await verify(undefined)).denied).toMatchObject({ code: 'POP_ABSENT' });
    expect((await verify({ token: undefined, salt: undefined })).denied).toMatchObject({ code: 'POP_ABSENT' });
    expect((await verify({ token: 'x', salt: new Uint8Array(32) }, { handle: {} as never })).denied).toMatchObject({ code: 'HANDLE_UNKNOWN' });
  });

  it.each([
    ['of another key', async (s) => s.prove({}, stranger), 'kid'],
    ['of the issuer', async (s) => s.prove({}, root), 'kid'],
    ['for another verifier', async (s) => s.prove({ aud: 'talos:elsewhere' }), 'aud'],
    ['for another capability', async (s) => s.prove({ cap: 'A'.repeat(43) }), 'cap'],
    ['for another tool', async (s) => s.prove({ tool: 'refund' }), 'tool'],
    ['for other arguments', async (s) => s.prove({ input: { to: 'mallory', amount: 5 } }), 'args_commit'],
    ['with more arguments', async (s) => s.prove({ input: { ...call.input, note: '' } }), 'args_commit'],
    ['with another salt', async (s) => ({ ...(await s.prove()), salt: new Uint8Array(32) }), 'args_commit'],
    ['without its salt', async (s) => ({ ...(await s.prove()), salt: undefined }), 'args_commit'],
    ['with a salt of another type', async (s) => ({ ...(await s.prove()), salt: 'A'.repeat(32) }), 'args_commit'],
    ['with a broken signature', async (s) => flipLast(await s.prove()), 'signature'],
    ['signed by a key that only claims the kid', async (s) => forge(s, { key: stranger, header: { kid: keyThumbprint(agent.publicKey) } }), 'signature'],
    ['without a signature', async (s) => map(await s.prove(), (token) => token.replace(/[^.]+$/, '')), 'signature'],
    ['of algorithm none', async (s) => forge(s, { header: { alg: 'none' } }), 'header'],
    ['of algorithm HS256', async (s) => forge(s, { header: { alg: 'HS256' } }), 'header'],
    ['with a key in its header', async (s) => forge(s, { header: { jwk: {} } }), 'header'],
    ['of the capability type', async (s) => forge(s, { header: { typ: 'talos-cap+jwt' } }), 'header'],
    ['of the approval type', async (s) => forge(s, { header: { typ: 'talos-approval+jwt' } }), 'header'],
    ['of no type', async (s) => forge(s, { header: { typ: 'JWT' } }), 'header'],
    ['with an unknown claim', async (s) => forge(s, { claims: { nbf: 1 } }), 'payload'],
    ['of another version', async (s) => forge(s, { claims: { v: 2 } }), 'v'],
    ['with a short jti', async (s) => forge(s, { claims: { jti: 'AA' } }), 'jti'],
    ['with a list of audiences', async (s) => forge(s, { claims: { aud: [s.context.audience] } }), 'aud'],
    ['that is no text', async () => ({ token: 7, salt: new Uint8Array(32) }), 'token'],
    ['that is too long', async () => ({ token: 'a'.repeat(5000), salt: new Uint8Array(32) }), 'token'],
    ['of five parts', async (s) => map(await s.prove(), (token) => `${token}.a.b`), 'signature'],
  ] as [string, (s: Awaited<ReturnType<typeof setting>>) => Promise<{ token: unknown; salt: unknown }>, string][])(
    '[STATE-POP-BAD] a proof %s is refused',
    async (_, make, constraint) => {
      const s = await setting();
      expect((await s.verify(await make(s))).denied).toMatchObject({ code: 'POP_BAD', constraint });
    },
  );

  it('[STATE-POP-BAD] a capability is no proof, and a proof is no capability', async () => {
    const { prove, verify, refusal } = await setting();
    const { issue } = world();
    expect((await verify({ token: await issue([grant('pay')]), salt: new Uint8Array(32) })).denied).toMatchObject({ code: 'POP_BAD' });
    expect(await refusal((await prove()).token)).toMatchObject({ code: 'MALFORMED' });
  });

  it('[STATE-POP-WINDOW] a proof holds from a minute before it was made until it ends', async () => {
    const s = await setting();
    const proof = await s.prove();
    s.env.set(start - 60_001);
    expect((await s.verify(proof)).denied).toMatchObject({ code: 'POP_WINDOW' });
    s.env.set(start + 60_000);
    expect((await s.verify(proof)).denied).toMatchObject({ code: 'POP_WINDOW' });
    s.env.set(start + 59_999);
    expect((await s.verify(proof)).denied).toBeUndefined();
    const fresh = await s.prove();
    s.env.set(Number.NaN);
    expect((await s.verify(fresh)).denied).toMatchObject({ code: 'POP_WINDOW' });
  });

  it.each([
    ['after its capability', { exp: start / 1000 + 301 }],
    ['before it begins', { exp: start / 1000 }],
    ['later than a day', { iat: start / 1000 - 86_400, exp: start / 1000 + 60 }],
  ])('[STATE-POP-WINDOW] a proof that ends %s is refused', async (_, claims) => {
    const s = await setting();
    expect((await s.verify(await forge(s, { claims }))).denied).toMatchObject({ code: 'POP_WINDOW' });
  });

  it('[STATE-POP-WINDOW] a proof with a deadline waits until then', async () => {
    const s = await setting();
    const proof = await s.prove({ until: start / 1000 + 300 });
    s.env.set(start + 299_000);
    expect((await s.verify(proof)).denied).toBeUndefined();
    await expect(s.prove({ until: start / 1000 })).rejects.toSatisfy(
      (error) =>
        codeOf(() => {
          throw error;
        }) === 'TALOS_USAGE_ARGUMENT',
    );
  });

  it('[STATE-POP-START] after a start with a memory that did not last, proofs from before it are refused', async () => {
    const s = await setting();
    const proof = await s.prove();
    s.env.advance(1);
    expect((await s.verify(proof, { replay: memoryReplayStore(s.env) })).denied).toMatchObject({ code: 'POP_WINDOW' });
    s.env.set(start + 1500);
    // Made in the second in which the memory began: it may have been seen before.
    const same = await s.prove();
    expect((await s.verify(same, { replay: memoryReplayStore(s.env) })).denied).toMatchObject({ code: 'POP_WINDOW' });
    expect((await s.verify(same, { replay: memoryReplayStore(s.env, { since: 0 }) })).denied).toBeUndefined();
  });

  it('[STATE-POP-START] a memory that cannot be asked refuses', async () => {
    const s = await setting();
    expect((await s.verify(await s.prove(), { replay: { add: () => Promise.reject(new Error('disk')) } })).denied).toMatchObject({ code: 'POP_BAD' });
  });

  it('[STATE-POP-BUDGET] what one peer forges costs it at most its budget, and another peer nothing', async () => {
    const s = await setting();
    const budget = verificationBudget(s.env, { burst: 3, perSecond: 1 });
    const broken = flipLast(await s.prove());
    for (let i = 0; i < 3; i++) expect((await s.verify(broken, { budget, peer: 'eve' })).denied).toMatchObject({ code: 'POP_BAD', constraint: 'signature' });
    expect((await s.verify(broken, { budget, peer: 'eve' })).denied).toMatchObject({ code: 'RATE', retryAfter: 1 });
    expect((await s.verify(await s.prove(), { budget, peer: 'bob' })).denied).toBeUndefined();
    s.env.advance(1);
    expect((await s.verify(await s.prove(), { budget, peer: 'eve' })).denied).toBeUndefined();
    expect((await s.verify(await s.prove(), { budget, peer: 'eve' })).denied).toBeUndefined();
  });

  it('[STATE-POP-BUDGET] good proofs cost nothing, and invented names share one budget', async () => {
    const s = await setting();
    const budget = verificationBudget(s.env, { burst: 2, perSecond: 1, maxPeers: 2 });
    for (let i = 0; i < 10; i++) expect((await s.verify(await s.prove(), { budget, peer: 'bob' })).denied).toBeUndefined();
    const broken = flipLast(await s.prove());
    for (const peer of ['e1', 'e2', 'e3', 'e4']) await s.verify(broken, { budget, peer });
    const codes = await Promise.all(['e5', 'e6', 'e7'].map(async (peer) => (await s.verify(broken, { budget, peer })).denied?.code));
    expect(codes).toContain('RATE');
    expect(codes.filter((code) => code === 'POP_BAD').length).toBeLessThanOrEqual(1);
  });

  it('[STATE-BOUNDED] a full memory of proofs refuses until old ones have ended', async () => {
    const s = await setting();
    const replay = memoryReplayStore(s.env, { maxProofs: 2 });
    for (let i = 0; i < 2; i++) expect((await s.verify(await s.prove(), { replay })).denied).toBeUndefined();
    expect((await s.verify(await s.prove(), { replay })).denied).toMatchObject({ code: 'RATE' });
    s.env.advance(91);
    expect((await s.verify(await s.prove(), { replay })).denied).toBeUndefined();
  });
});

function map({ token, salt }: Invocation, change: (token: string) => string): Invocation {
  return { token: change(token), salt };
}

function flipLast({ token, salt }: Invocation): Invocation {
  const [header, payload, signature = ''] = token.split('.');
  return { token: `${header}.${payload}.${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}`, salt };
}

async function forge(s: Awaited<ReturnType<typeof setting>>, changes: Parameters<typeof forged>[1]): Promise<Invocation> {
  const proof = await s.prove();
  return { ...proof, token: forged(proof.token, changes) };
}
