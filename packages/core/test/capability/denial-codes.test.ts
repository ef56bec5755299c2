import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  answerApproval,
  ApprovalDesk,
  attenuateCapability,
  authorize,
  createReservations,
  issueInvocation,
  memoryApprovalStore,
  memoryReplayStore,
  toolGrants,
  anyArgs,
  verificationBudget,
  verifyInvocation,
  type Approve,
  type Denial,
  type DenialCode,
  type Limit,
} from '../../src/capability/index.ts';
import { localSigner } from '../../src/identity/signer.ts';
import { world as guardWorld } from '../guard/support.ts';
import { call, didOf, keyOf, limited, payPlace, place, rootContext } from './state-support.ts';
import { agent, claims, forge, goodHeader, grant, issuer, refusalOf, stranger, world } from './support.ts';

const claimsOf = (token: string): object => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as object;
const admission = (token: unknown) => world().refusal(token);
const later = (days: number) =>
  claims({ iat: claims()['iat'] as number, nbf: (claims()['nbf'] as number) + days * 86_400, exp: (claims()['exp'] as number) + days * 86_400 } as never);
const decision = async (one: Parameters<typeof grant>[1] | object, tool: string, input: object = {}) =>
  refusalOf(await world().handleFor([{ ...grant('search', {}), ...one }]), tool, input);

/** A call that runs until nothing is left of this limit. */
async function spent(limit: Limit): Promise<Denial | undefined> {
  const where = await payPlace();
  const handle = await where.handleAs(await where.issue([limited('pay', { limit })]), agent);
  let denied: Denial | undefined;
  for (let i = 0; i < 3 && denied === undefined; i++) ({ denied } = await call(handle, where));
  return denied;
}

/** What is left when a link, an epoch or a parent was taken back. */
async function revoked(what: 'leaf' | 'parent' | 'epoch'): Promise<Denial | undefined> {
  const where = await payPlace();
  const parent = await where.issue([limited('pay', {})]);
  const [above, below] = [
    await where.handleAs(parent, agent),
    await where.handleAs(await where.pass(parent, { from: agent, to: stranger, grants: [limited('pay', {})] }), stranger),
  ];
  if (what === 'epoch') await where.revocations.raiseEpoch(rootContext);
  else await where.revocations.revoke([{ iss: issuer, jti: above.claims.jti }], rootContext);
  return refusalOf(what === 'leaf' ? above : below, 'pay');
}

async function passedOn(changes: object): Promise<Denial | undefined> {
  const { env, issue, refusal } = world({ holder: stranger.publicKey });
  const parent = await issue(toolGrants({ search: anyArgs() }), { delegate: 1, audience: 'mcp://x/' });
  const child = await attenuateCapability(
    parent,
    { holder: stranger.publicKey, grants: toolGrants({ search: anyArgs() }) },
    { signer: localSigner(agent), env },
  );
  return refusal(`${parent}~${forge({ key: agent, header: goodHeader(agent), payload: { ...claimsOf(child.split('~')[1]!), ...changes } })}`);
}

async function proved(change: (of: { readonly token: string; readonly salt: Uint8Array }) => unknown, ageSeconds = 0, times = 1): Promise<Denial | undefined> {
  const { env, context, handleFor } = world();
  const handle = await handleFor([grant('pay')]);
  const request = { tool: 'pay', input: {}, aud: context.audience, cap: handle.cap, call: 'c' };
  const proof = change(await issueInvocation(request, { signer: localSigner(agent), env }));
  env.advance(ageSeconds);
  const replay = memoryReplayStore({ now: () => 0 });
  let denied: Denial | undefined;
  for (let i = 0; i < times; i++)
    ({ denied } = await verifyInvocation({ proof: proof as never, handle, call: request, audience: context.audience, replay, env }));
  return denied;
}

/** A call that a person has to agree to, after this answer; `forged`: what becomes of an answer of somebody whom the grant does not name. */
async function asked(verdict?: 'deny' | 'forged'): Promise<Denial | undefined> {
  const where = await payPlace();
  const [ann, eve] = [keyOf(70), keyOf(71)];
  const approve: Approve = { when: 'always', by: [didOf(ann)], m: 1, ttl: 120, reuse: 'exact' };
  const desk = new ApprovalDesk({ store: memoryApprovalStore(), agent: didOf(agent), signer: localSigner(agent), audience: place, env: where.env });
  const reservations = createReservations({ limits: where.limits, approvals: desk });
  const handle = await where.handleAs(await where.issue([limited('pay', { approve })]), agent);
  const first = await call(handle, { reservations });
  if (verdict === undefined) return first.denied;
  const request = (await desk.open())[0]!;
  const answer = await answerApproval(
    { request: request.request, opening: request, verdict: verdict === 'deny' ? 'deny' : 'allow' },
    { issuer: didOf(ann), signer: localSigner(ann), env: where.env },
  );
  if (verdict === 'deny') {
    await desk.submit(answer);
    return (await call(handle, { reservations })).denied;
  }
  const payload = { ...claimsOf(answer), iss: didOf(eve) };
  const submitted = await desk.submit(forge({ key: eve, header: { ...goodHeader(eve), typ: 'talos-approval+jwt' }, payload }));
  return 'denied' in submitted ? submitted.denied : undefined;
}

/** One way to each code: the compiler asks for all of them, and the test asks for no more. */
const ways: { readonly [Code in DenialCode]: () => Promise<Denial | undefined> } = {
  CAP_ABSENT: () => admission(undefined),
  HANDLE_UNKNOWN: async () => authorize({} as never, { tool: 'search', input: {} }).denied,
  MALFORMED: () => admission('a.b.c'),
  TOO_LARGE: () => admission('x'.repeat(8193)),
  ALG_REFUSED: () => admission(forge({ header: { ...goodHeader(), alg: 'none' } })),
  SIG_BAD: () => admission(forge({ key: stranger })),
  ISSUER_UNTRUSTED: () => admission(forge({ payload: claims({ iss: didOf(stranger) }) })),
  KEY_UNRESOLVED: () => admission(forge({ header: goodHeader(stranger) })),
  EXPIRED: () => admission(forge({ payload: claims({ iat: 1, nbf: 1, exp: 2 } as never) })),
  NOT_YET: () => admission(forge({ payload: later(1 / 24) })),
  CLOCK_UNSAFE: async () => {
    const { env, handleFor } = world();
    const handle = await handleFor([grant('search')]);
    env.set(Number.NaN);
    return refusalOf(handle, 'search');
  },
  WINDOW_CLOSED: () => decision({ args: { '*': 'any' }, when: { zone: 'UTC', windows: [{ from: '09:00', to: '10:00' }] } }, 'search'),
  REVOKED: () => revoked('leaf'),
  EPOCH_OLD: () => revoked('epoch'),
  ANCESTOR_REVOKED: () => revoked('parent'),
  REVOCATION_STALE: () => admission(forge({ payload: claims({ max_stale: 0 }) })),
  LINK_BROKEN: () => passedOn({ del_depth: 2, aud: 'mcp://x/' }),
  DEPTH_EXCEEDED: async () => {
    const { env, context, issue } = world({ maxDepth: 0 });
    const token = await issue(toolGrants({ search: anyArgs() }), { delegate: 1 });
    const chain = await attenuateCapability(token, { holder: agent.publicKey, grants: toolGrants({ search: anyArgs() }) }, { signer: localSigner(agent), env });
    return world({ ...context }).refusal(chain);
  },
  WIDENED: () => passedOn({ del_max_depth: 7 }),
  SUBJECT_CHANGED: () => passedOn({ sub: 'mailto:eve@evil.example' }),
  MODE_NOT_EXECUTE: () => decision({ mode: 'delegate' }, 'search'),
  TOOL_UNGRANTED: () => decision({}, 'drop'),
  TOOL_CHANGED: () => decision({ tool_digest: 'ab'.repeat(32) }, 'search'),
  AUD_MISMATCH: () => admission(forge({ payload: claims({ aud: 'mcp://elsewhere/' }) })),
  ARG_MISSING: () => decision({ args: { q: 'any' } }, 'search'),
  ARG_UNLISTED: () => decision({ args: {} }, 'search', { q: 1 }),
  ARG_VIOLATES: () => decision({ args: { q: { eq: 1 } } }, 'search', { q: 2 }),
  CONSTRAINT_UNKNOWN: () => admission(forge({ payload: claims({ authorization_details: [grant('search', { q: { regex: '.*' } } as never)] } as never) })),
  POP_ABSENT: () => proved(() => undefined),
  POP_BAD: () => proved(({ token }) => ({ token, salt: new Uint8Array(32) })),
  POP_WINDOW: () => proved((proof) => proof, 61),
  POP_REPLAYED: () => proved((proof) => proof, 0, 2),
  RATE: async () => {
    const { context, env } = world();
    const budget = verificationBudget(env, { burst: 1 });
    await world({ ...context, budget }).refusal(forge({ key: stranger }));
    return world({ ...context, budget }).refusal(forge());
  },
  COUNT_SPENT: () => spent({ once: true }),
  BUDGET_SPENT: () => spent({ budget: { unit: 'EUR', max: 100, decimals: 2, cost: 60 } }),
  CONCURRENCY: () => spent({ concurrent: 1 }),
  LIMIT_STATE_LOST: async () => {
    const where = await payPlace();
    const reserve = async (): Promise<never> => Promise.reject(new Error('disk full'));
    const handle = await where.handleAs(await where.issue([limited('pay', { limit: { count: 5 } })]), agent);
    return (await call(handle, { reservations: createReservations({ limits: { ...where.limits, reserve } }) })).denied;
  },
  APPROVAL_REQUIRED: () => asked(),
  APPROVAL_DENIED: () => asked('deny'),
  APPROVAL_MISMATCH: () => asked('forged'),
  LOG_UNAVAILABLE: async () => {
    const { guard, failLogAfter } = await guardWorld({ search: anyArgs() });
    failLogAfter(0);
    const outcome = await guard.run({ tool: 'search', input: {} }, () => expect.unreachable());
    return outcome.status === 'denied' ? outcome.denial : undefined;
  },
};

const source = readFileSync(new URL('../../src/capability/denial.ts', import.meta.url), 'utf8');
const union = [...source.matchAll(/^ {2}(?:\| )?'([A-Z_]+)'/gm)].map(([, code = '']) => code as DenialCode);

describe('every denial code', () => {
  it('[CAP-DENIAL-CODES] has a way to it here', () => {
    expect(Object.keys(ways).toSorted()).toEqual(union.toSorted());
    expect(union.length).toBeGreaterThan(30);
  });

  it.each(union)('[CAP-DENIAL-CODES] %s is reached', async (code) => {
    expect(await ways[code]()).toMatchObject({ code });
  });
});
