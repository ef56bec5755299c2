import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  admit,
  anyArgs,
  attenuateCapability,
  authorize,
  createReservations,
  len,
  toolGrants,
  verificationBudget,
  type Denial,
} from '../../src/capability/index.ts';
import { memoryHome } from '../../src/client/home.ts';
import { TalosClient } from '../../src/client/talos-client.ts';
import { createGuard, type GuardContext } from '../../src/guard/guard.ts';
import { localSigner } from '../../src/identity/signer.ts';
import { world as guardWorld } from '../guard/support.ts';
import { call, limited, payPlace } from './state-support.ts';
import { agent, claims, forge, goodHeader, grant, holder, refusalOf, stranger, world } from './support.ts';

const search = { tool: 'search', input: {} };
const mustNotRun = () => expect.unreachable('the tool ran');
const denialOf = (outcome: object): Denial | undefined => ('denial' in outcome ? (outcome.denial as Denial) : undefined);
/** A token with one grant as it is given here, properly signed. */
const withGrant = (more: object) => forge({ payload: claims({ authorization_details: [{ ...grant('search'), ...more }] } as never) });

describe('default deny', () => {
  it('[CAP-DENY-01] no capability', async () => {
    const { client } = await guardWorld({ search: anyArgs() });
    for (const capability of ['', undefined, null] as unknown as string[])
      expect(denialOf(await client.guard({ capability }).run(search, mustNotRun))).toMatchObject({ code: 'CAP_ABSENT' });
  });

  it.each<[string, () => unknown, string]>([
    ['issuer', () => forge({ payload: claims({ iss: 'did:key:z6MkUnknown' }) }), 'ISSUER_UNTRUSTED'],
    ['algorithm', () => forge({ header: { ...goodHeader(), alg: 'Ed25519ph' } }), 'ALG_REFUSED'],
    ['header member', () => forge({ header: { ...goodHeader(), crit: ['x'] } }), 'MALFORMED'],
    ['claim', () => forge({ payload: claims({ scope: 'all' }) }), 'MALFORMED'],
    ['type of grant', () => withGrant({ type: 'other' }), 'MALFORMED'],
    ['grant member', () => withGrant({ unless: {} }), 'MALFORMED'],
    ['constraint', () => withGrant({ args: { q: { regex: '.*' } } }), 'CONSTRAINT_UNKNOWN'],
    ['limit', () => withGrant({ limit: { per_day: 5 } }), 'MALFORMED'],
    ['unit', () => withGrant({ limit: { budget: { unit: '€', max: 1, decimals: 0, cost: 1 } } }), 'MALFORMED'],
    ['label', () => withGrant({ flow: { deny_if: ['private'] } }), 'MALFORMED'],
  ])('[CAP-DENY-02] an unknown %s', async (_, token, code) => {
    expect(await world().refusal(token())).toMatchObject({ code });
  });

  it('[CAP-DENY-03] any exception in the guard, and it is on record', async () => {
    const { client } = await guardWorld({ search: anyArgs() });
    const entries: object[] = [];
    const log = { append: async (entry: object) => (entries.push(entry), { id: `e${entries.length}` }) } as unknown as GuardContext['log'];
    const guard = createGuard({ agent: client.did, capabilityHash: '', log, admit: async () => Promise.reject(new TypeError('a bug')) });
    expect(denialOf(await guard.run(search, mustNotRun))).toMatchObject({ code: 'MALFORMED' });
    expect(entries).toMatchObject([{ type: 'policy.decision' }]);
  });

  it('[CAP-DENY-04] no tools, and no grants', async () => {
    const { handleFor } = world();
    expect(refusalOf(await handleFor([]), 'search')).toMatchObject({ code: 'TOOL_UNGRANTED' });
    expect(refusalOf(await handleFor([grant([])]), 'search')).toMatchObject({ code: 'TOOL_UNGRANTED' });
  });

  it('[CAP-DENY-05] an argument that is not listed, or missing', async () => {
    const handle = await world().handleFor([grant('search', { q: len({ max: 9 }) })]);
    expect(refusalOf(handle, 'search', { q: 'x', limit: 1 })).toMatchObject({ code: 'ARG_UNLISTED' });
    expect(refusalOf(handle, 'search', {})).toMatchObject({ code: 'ARG_MISSING' });
  });

  it('[CAP-DENY-06] no usable clock, limits or revocations', async () => {
    const { context, env, issue } = world();
    const token = await issue([grant('search')]);
    for (const now of [Number.NaN, Number.POSITIVE_INFINITY])
      expect((await admit(token, { ...context, env: { ...env, now: () => now } })).denied?.code).toMatch(/CLOCK_UNSAFE|EXPIRED/);
    const where = await payPlace();
    const handle = await where.handleAs(await where.issue([limited('pay', { limit: { count: 5 } })]), agent);
    const limits = { ...where.limits, reserve: async () => Promise.reject(new Error('unreadable')) };
    expect((await call(handle, { reservations: createReservations({ limits }) })).denied).toMatchObject({ code: 'LIMIT_STATE_LOST' });
    const home = memoryHome();
    const client = await TalosClient.create('agent', { stores: { ...home, state: (by) => broken(home.state!(by)) } });
    const guard = client.guard({ capability: await client.grant({ to: client.did, tools: { search: anyArgs() } }) });
    expect(denialOf(await guard.run(search, mustNotRun))).toMatchObject({ code: 'REVOCATION_STALE' });
  });

  it('[CAP-DENY-07] a child that is not provably inside its parent', async () => {
    const { env, issue, refusal } = world({ holder: stranger.publicKey, audience: 'mcp://x/' });
    const wide = toolGrants({ search: { q: len({ max: 9 }) } });
    const parent = await issue(wide, { delegate: 1, audience: 'mcp://x/' });
    const good = await attenuateCapability(parent, { holder: stranger.publicKey, grants: wide }, { signer: localSigner(agent), env });
    const payload = JSON.parse(Buffer.from(good.split('~')[1]!.split('.')[1]!, 'base64url').toString()) as object;
    for (const q of [{ glob: '*' }, { len: { max: 10 } }, 'any', { any_of: [{ len: { max: 9 } }, { eq: 'longer than nine' }] }])
      expect(
        await refusal(
          `${parent}~${forge({ key: agent, header: goodHeader(agent), payload: { ...payload, authorization_details: [grant('search', { q } as never)] } })}`,
        ),
      ).toMatchObject({ code: 'WIDENED' });
    expect(await refusal(good)).toBeUndefined();
  });

  it('[CAP-DENY-08] an audience that is absent or another', async () => {
    const { refusal } = world();
    const { aud: _, ...none } = claims();
    expect(await refusal(forge({ payload: none }))).toMatchObject({ code: 'MALFORMED' });
    for (const aud of ['talos:*', `talos:${holder}x`, 'TALOS:', ['mcp://a/', 'mcp://b/']])
      expect(await refusal(forge({ payload: claims({ aud } as never) }))).toMatchObject({ code: 'AUD_MISMATCH' });
  });

  it('[CAP-DENY-09] a handle of another process or worker', async () => {
    const handle = await world().handleFor([grant('search')]);
    expect(authorize(structuredClone(handle), search).denied).toMatchObject({ code: 'HANDLE_UNKNOWN' });
    const worker = new Worker("const { parentPort } = require('node:worker_threads'); parentPort.on('message', (handle) => parentPort.postMessage(handle));", {
      eval: true,
    });
    const back = await new Promise<unknown>((resolve) => {
      worker.once('message', resolve);
      worker.postMessage(handle); // oxlint-disable-line unicorn/require-post-message-target-origin -- a worker thread has no origin
    });
    await worker.terminate();
    expect(authorize(back as never, search).denied).toMatchObject({ code: 'HANDLE_UNKNOWN' });
    expect(authorize(handle, search).denied).toBeUndefined();
  });

  it('[CAP-DENY-10] whatever is parsed before the signature is checked only ever refuses', async () => {
    const { refusal, admitted } = world();
    const good = forge();
    await admitted(good);
    const [header, , signature] = good.split('.');
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom(...Object.keys(claims())), fc.jsonValue())), async (value) => {
        const payload = Buffer.from(JSON.stringify({ ...claims(), ...(typeof value === 'object' ? value : {}), jti: 'A'.repeat(22) })).toString('base64url');
        expect(await refusal(`${header}.${payload}.${signature}`)).toBeDefined();
      }),
      { seed: 20260101, numRuns: 300 },
    );
  });

  it('[CAP-DENY-11] a further agent starts with nothing', async () => {
    const stores = memoryHome();
    const owner = await TalosClient.create('owner', { stores });
    const below = await TalosClient.create('below', { stores, trust: { issuers: [owner.did] } });
    const capability = await owner.grant({ to: owner.did, tools: { search: anyArgs() }, delegate: 1 });
    expect((await owner.guard({ capability }).run(search, () => 'found')).status).toBe('ok');
    expect(denialOf(await below.guard({ capability }).run(search, mustNotRun))).toMatchObject({ code: 'AUD_MISMATCH' });
    expect(denialOf(await below.guard({ capability: '' }).run(search, mustNotRun))).toMatchObject({ code: 'CAP_ABSENT' });
    await Promise.all([owner.close(), below.close()]);
  });

  it('[CAP-DENY-12] a tool that is enforced, also while the guard observes', async () => {
    const { client } = await guardWorld({ search: anyArgs() });
    const capability = await client.grant({ to: client.did, tools: { search: anyArgs() } });
    const guard = client.guard({ capability, observe: { until: Date.now() + 60_000, enforce: ['drop'] } });
    expect((await guard.run({ tool: 'other', input: {} }, () => 'ran')).status).toBe('ok');
    expect(denialOf(await guard.run({ tool: 'drop', input: {} }, mustNotRun))).toMatchObject({ code: 'TOOL_UNGRANTED' });
  });

  it.each([
    ['a name that stands twice', JSON.stringify(claims()).replace('"v":1', '"v":1,"v":1')],
    ['a number outside I-JSON', JSON.stringify(claims()).replace('"epoch":0', '"epoch":9007199254740993')],
    ['a lone surrogate', JSON.stringify(claims({ task: 'X' })).replace('"X"', '"\\ud800"')],
  ])('[CAP-DENY-13] %s', async (_, payload) => {
    expect(await world().refusal(forge({ payload }))).toMatchObject({ code: 'MALFORMED' });
  });

  it('[CAP-DENY-14] a peer whose budget of forgeries is used up', async () => {
    const { context, env } = world();
    const budget = verificationBudget(env, { burst: 3 });
    const codes: unknown[] = [];
    for (let i = 0; i < 4; i++) codes.push((await admit(forge({ key: stranger }), { ...context, budget, peer: 'eve' })).denied?.code);
    expect(codes).toEqual(['SIG_BAD', 'SIG_BAD', 'SIG_BAD', 'RATE']);
  });
});

/** The state of a home whose file cannot be read any more. */
function broken(shared: ReturnType<NonNullable<ReturnType<typeof memoryHome>['state']>>) {
  return {
    ...shared,
    acquire: async () => {
      const state = await shared.acquire();
      state.revocations.refresh = () => Promise.reject(new Error('unreadable'));
      return state;
    },
  };
}
