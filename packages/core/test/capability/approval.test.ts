import { describe, expect, it } from 'vitest';
import {
  answerApproval,
  ApprovalDesk,
  createReservations,
  memoryApprovalStore,
  settleGrant,
  spendGrant,
  verifyApprovalRequest,
  type Approve,
  type ApprovalStore,
  type CapabilityHandle,
  type OpenRequest,
  type ToolGrant,
} from '../../src/capability/index.ts';
import type { JsonObject } from '../../src/bytes/json-value.ts';
import { localSigner } from '../../src/identity/signer.ts';
import type { Ed25519SecretKey } from '../../src/primitives/keys.ts';
import { call, didOf, keyOf, limited, payPlace, place, start } from './state-support.ts';
import { agent, claims, forge, grant, issuer, root, stranger, world } from './support.ts';

const ann = keyOf(70);
const bob = keyOf(71);
const eve = keyOf(72);
const base: Approve = { when: 'always', by: [didOf(ann), didOf(bob)], m: 1, ttl: 120, reuse: 'exact' };
const transfer = { to: 'alice', amount: 100 };

async function asking(approve: Partial<Approve> = {}, options: { readonly more?: Partial<ToolGrant>; readonly store?: ApprovalStore } = {}) {
  const where = await payPlace();
  const store = options.store ?? memoryApprovalStore();
  const desk = new ApprovalDesk({ store, agent: didOf(agent), signer: localSigner(agent), audience: place, env: where.env });
  const reservations = createReservations({ limits: where.limits, approvals: desk });
  const handle = await where.handleAs(await where.issue([limited('pay', { approve: { ...base, ...approve }, ...options.more })]), agent);
  const pay = (input: JsonObject = transfer, of: CapabilityHandle = handle) => call(of, { reservations, input });
  const answer = async (request: OpenRequest, key: Ed25519SecretKey, verdict: 'allow' | 'deny' = 'allow') =>
    desk.submit(
      await answerApproval({ request: request.request, opening: request, verdict }, { issuer: didOf(key), signer: localSigner(key), env: where.env }),
    );
  const only = async (): Promise<OpenRequest> => {
    const open = await desk.open();
    expect(open.length).toBe(1);
    return open[0]!;
  };
  return { ...where, store, desk, reservations, handle, pay, answer, only };
}

describe('an approval', () => {
  it('[STATE-APPROVAL] is asked for with a signed request, and lets exactly that call run, once', async () => {
    const { pay, answer, only, env } = await asking();
    const { denied } = await pay();
    expect(denied).toMatchObject({ code: 'APPROVAL_REQUIRED', class: 'APPROVAL', link: 0, grant: 0 });
    expect(verifyApprovalRequest(denied?.request as string, { env })).toMatchObject({
      iss: didOf(agent),
      tool: 'pay',
      aud: place,
      m: 1,
      exp: start / 1000 + 120,
    });
    const request = await only();
    expect(request).toMatchObject({ input: transfer, shown: '{"arguments":{"amount":100,"to":"alice"},"tool":"pay"}', request: denied?.request });
    expect(await answer(request, ann)).toEqual({ verdict: 'allow' });
    const { grant: minted } = await pay();
    spendGrant(minted!);
    await settleGrant(minted!);
    expect((await pay()).denied).toMatchObject({ code: 'APPROVAL_REQUIRED' });
  });

  it('[STATE-APPROVAL] neither request nor answer holds the arguments, nor a hash that could be guessed', async () => {
    const { pay, desk } = await asking();
    const tokens = [(await pay()).denied?.request, (await (await asking()).pay()).denied?.request].map((token) =>
      Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString(),
    );
    for (const token of tokens) expect(token).not.toMatch(/alice|100/);
    const commitments = tokens.map((token) => (JSON.parse(token) as { args_commit: string }).args_commit);
    expect(commitments[0]).not.toBe(commitments[1]);
    expect((await desk.open())[0]?.salt.length).toBe(32);
  });

  it('[STATE-APPROVAL] a call that asks again is given the same request', async () => {
    const { pay, desk } = await asking();
    expect((await pay()).denied?.request).toBe((await pay()).denied?.request);
    expect((await desk.open()).length).toBe(1);
  });

  it.each([
    ['another amount', { ...transfer, amount: 101 }],
    ['another recipient', { ...transfer, to: 'mallory' }],
    ['one more argument', { ...transfer, note: '' }],
    ['one argument less', { to: 'alice' }],
  ])('[STATE-APPROVAL] does not cover %s', async (_, input) => {
    const { pay, answer, only } = await asking();
    await pay();
    await answer(await only(), ann);
    expect((await pay(input)).denied).toMatchObject({ code: 'APPROVAL_REQUIRED' });
    expect((await pay()).denied).toBeUndefined();
  });

  it('[STATE-APPROVAL] of one agent does not cover another that was passed the same right', async () => {
    const s = await asking();
    const parent = await s.issue([limited('pay', { approve: base })]);
    const handles = await Promise.all(
      [keyOf(81), keyOf(82)].map(async (key) => s.handleAs(await s.pass(parent, { from: agent, to: key, grants: [limited('pay', {})] }), key)),
    );
    expect((await s.pay(transfer, handles[0])).denied).toMatchObject({ code: 'APPROVAL_REQUIRED', link: 0 });
    await s.answer(await s.only(), ann);
    expect((await s.pay(transfer, handles[1])).denied).toMatchObject({ code: 'APPROVAL_REQUIRED' });
    expect((await s.pay(transfer, handles[0])).denied).toBeUndefined();
  });

  it('[STATE-APPROVAL-DENIED] a refusal is remembered for its ttl, whatever else was said', async () => {
    const { pay, answer, only, env } = await asking();
    await pay();
    const request = await only();
    expect(await answer(request, ann, 'deny')).toEqual({ verdict: 'deny' });
    expect(await answer(request, bob)).toEqual({ verdict: 'allow' });
    expect((await pay()).denied).toMatchObject({ code: 'APPROVAL_DENIED', class: 'APPROVAL', retryAfter: 120 });
    env.advance(119);
    expect((await pay()).denied).toMatchObject({ code: 'APPROVAL_DENIED', retryAfter: 1 });
    env.advance(1);
    expect((await pay()).denied).toMatchObject({ code: 'APPROVAL_REQUIRED' });
  });

  it('[STATE-APPROVAL-DENIED] an approver does not change its mind within one request', async () => {
    const { pay, answer, only } = await asking();
    await pay();
    const request = await only();
    await answer(request, ann, 'deny');
    expect((await answer(request, ann)).denied).toMatchObject({ code: 'APPROVAL_MISMATCH' });
    expect((await pay()).denied).toMatchObject({ code: 'APPROVAL_DENIED' });
  });

  it('[STATE-APPROVAL-M-OF-N] m different keys have to agree', async () => {
    const { pay, answer, only } = await asking({ m: 2 });
    await pay();
    const request = await only();
    await answer(request, ann);
    expect((await answer(request, ann)).denied).toMatchObject({ code: 'APPROVAL_MISMATCH' });
    expect((await pay()).denied).toMatchObject({ code: 'APPROVAL_REQUIRED', request: request.request });
    expect((await only()).answered).toEqual([didOf(ann)]);
    await answer(request, bob);
    expect((await pay()).denied).toBeUndefined();
  });

  it('[STATE-APPROVAL-EXPIRY] request and answer are good for the ttl', async () => {
    const { pay, answer, only, env } = await asking({ ttl: 60 });
    await pay();
    const request = await only();
    env.advance(59);
    await answer(request, ann);
    env.advance(59);
    expect((await pay()).denied).toBeUndefined();
    await pay();
    const second = await only();
    await answer(second, ann);
    env.advance(60);
    expect((await pay()).denied).toMatchObject({ code: 'APPROVAL_REQUIRED' });
    await expect(answer(second, bob)).rejects.toMatchObject({ code: 'TALOS_CAPABILITY_BAD_APPROVAL_REQUEST' });
  });

  it('[STATE-APPROVAL-PATTERN] covers so many calls of its tool, with any arguments of the grant', async () => {
    const { pay, answer, only } = await asking({ reuse: 'pattern', count: 3 });
    await pay();
    expect((await pay({ to: 'bob', amount: 1 })).denied?.request).toBe((await only()).request);
    await answer(await only(), ann);
    for (let i = 0; i < 3; i++) expect((await pay({ to: `x${i}`, amount: i })).denied).toBeUndefined();
    expect((await pay()).denied).toMatchObject({ code: 'APPROVAL_REQUIRED' });
  });

  it('[STATE-APPROVAL-SPENT] is spent with the limits: a call that a limit refuses leaves it, one that was not started gives it back', async () => {
    const { pay, answer, only, env } = await asking({}, { more: { limit: { rate: { n: 1, per_s: 60 }, count: 5 } } });
    await pay();
    await answer(await only(), ann);
    const { grant: minted } = await pay();
    await settleGrant(minted!);
    expect((await pay()).denied).toMatchObject({ code: 'RATE' });
    env.advance(60);
    expect((await pay()).denied).toBeUndefined();
    env.advance(60);
    expect((await pay()).denied).toMatchObject({ code: 'APPROVAL_REQUIRED' });
  });

  it('[STATE-APPROVAL-SPENT] of many calls at once one gets it', async () => {
    const { pay, answer, only } = await asking();
    await pay();
    await answer(await only(), ann);
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => pay()));
    expect(outcomes.filter(({ denied }) => denied === undefined).length).toBe(1);
  });

  it('[STATE-APPROVAL-LINKS] every link may ask, and all have to be answered', async () => {
    const s = await asking();
    const parent = await s.issue([limited('pay', { approve: base })]);
    const child = await s.pass(parent, { from: agent, to: keyOf(81), grants: [limited('pay', { approve: { ...base, by: [didOf(eve)] } })] });
    const handle = await s.handleAs(child, keyOf(81));
    expect((await s.pay(transfer, handle)).denied).toMatchObject({ code: 'APPROVAL_REQUIRED', link: 0 });
    await s.answer(await s.only(), ann);
    expect((await s.pay(transfer, handle)).denied).toMatchObject({ code: 'APPROVAL_REQUIRED', link: 1 });
    const second = (await s.desk.open()).find(({ by }) => by.includes(didOf(eve)))!;
    expect(await s.answer(second, eve)).toEqual({ verdict: 'allow' });
    expect((await s.pay(transfer, handle)).denied).toBeUndefined();
  });
});

describe('who may approve', () => {
  it('[STATE-APPROVER] the holder and those who passed the right on may not, even if the grant names them', async () => {
    const by = [didOf(agent), didOf(keyOf(81)), didOf(ann)];
    const s = await asking({ by });
    await s.pay();
    expect((await s.answer(await s.only(), agent)).denied).toMatchObject({ code: 'APPROVAL_MISMATCH', constraint: 'iss' });
    const parent = await s.issue([limited('pay', { approve: { ...base, by } })]);
    const child = await s.handleAs(await s.pass(parent, { from: agent, to: keyOf(81), grants: [limited('pay', {})] }), keyOf(81));
    await s.pay(transfer, child);
    for (const request of await s.desk.open()) for (const key of [agent, keyOf(81)]) await s.answer(request, key);
    expect((await s.pay(transfer, child)).denied).toMatchObject({ code: 'APPROVAL_REQUIRED' });
  });

  it('[STATE-APPROVER] the issuer may, if the grant names it; a stranger may not', async () => {
    const s = await asking({ by: [issuer] });
    await s.pay();
    const request = await s.only();
    await expect(s.answer(request, eve)).rejects.toMatchObject({ code: 'TALOS_CAPABILITY_BAD_APPROVAL_REQUEST' });
    await s.answer(request, root);
    expect((await s.pay()).denied).toBeUndefined();
  });

  const good = async (
    s: Awaited<ReturnType<typeof asking>>,
    changes: object = {},
    options: { readonly key?: Ed25519SecretKey; readonly typ?: string } = {},
  ) => {
    const { request, ...opening } = await s.only();
    const token = await answerApproval({ request, opening, verdict: 'allow' }, { issuer: didOf(ann), signer: localSigner(ann), env: s.env });
    const [header = '', payload = ''] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
    return forge({
      header: header.replace('talos-approval+jwt', options.typ ?? 'talos-approval+jwt'),
      payload: { ...(JSON.parse(payload) as object), ...changes },
      key: options.key ?? ann,
    });
  };

  it.each<[string, object, string]>([
    ['for another capability', { cap: 'A'.repeat(43) }, 'cap'],
    ['for another place', { aud: 'mcp://elsewhere/' }, 'aud'],
    ['for another tool', { tool: 'refund' }, 'tool'],
    ['for other arguments', { args_commit: 'A'.repeat(43) }, 'args_commit'],
    ['for another text', { shown: 'A'.repeat(43) }, 'shown'],
    ['for another request', { request: 'A'.repeat(43) }, 'request'],
    ['for another agent', { cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(stranger.publicKey.bytes).toString('base64url') } } }, 'cnf'],
    ['by somebody who was not asked', { iss: didOf(eve) }, 'iss'],
    ['for a pattern where a call was asked for', { reuse: 'pattern', count: 1000 }, 'reuse'],
    ['with a count of its own', { count: 5 }, 'count'],
    ['for longer than was asked', { exp: start / 1000 + 86_400 }, 'exp'],
    ['given after the request had ended', { iat: start / 1000 + 121, exp: start / 1000 + 200 }, 'exp'],
  ])('[STATE-APPROVAL-MISMATCH] an approval %s counts for nothing', async (_, changes, constraint) => {
    const s = await asking();
    await s.pay();
    expect((await s.desk.submit(await good(s, changes))).denied).toMatchObject({ code: 'APPROVAL_MISMATCH', class: 'APPROVAL', constraint });
    expect((await s.pay()).denied).toMatchObject({ code: 'APPROVAL_REQUIRED' });
  });

  it('[STATE-APPROVAL-MISMATCH] a forged, foreign or malformed answer counts for nothing', async () => {
    const s = await asking();
    await s.pay();
    expect((await s.desk.submit(await good(s, {}, { key: eve }))).denied).toMatchObject({ code: 'SIG_BAD' });
    expect((await s.desk.submit(await good(s, {}, { typ: 'talos-cap+jwt' }))).denied).toMatchObject({ code: 'MALFORMED' });
    expect((await s.desk.submit(await good(s, { verdict: 'yes' }))).denied).toMatchObject({ code: 'MALFORMED', constraint: 'verdict' });
    expect((await s.desk.submit(await good(s, { note: 'x' }))).denied).toMatchObject({ code: 'MALFORMED' });
    expect((await s.desk.submit(await s.issue([grant('pay')]))).denied).toMatchObject({ code: 'MALFORMED' });
    expect((await s.desk.submit((await s.only()).request)).denied).toMatchObject({ code: 'MALFORMED' });
    expect((await s.desk.submit(7 as never)).denied).toMatchObject({ code: 'MALFORMED' });
    expect((await s.desk.submit(await good(s))).denied).toBeUndefined();
  });

  it('[STATE-APPROVAL-MISMATCH] an answer that was put into the store past the desk is checked again', async () => {
    const s = await asking();
    await s.pay();
    const token = await good(s, { iss: didOf(eve) }, { key: eve });
    const { request } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { request: string };
    await s.store.addAnswer({ request, approver: didOf(ann), token });
    expect((await s.pay()).denied).toMatchObject({ code: 'APPROVAL_REQUIRED' });
  });

  it('[STATE-APPROVAL-KINDS] an approval is no capability and no link of a chain', async () => {
    const s = await asking();
    await s.pay();
    const approval = await good(s);
    expect((await s.admitAs(approval, agent)).denied).toMatchObject({ code: 'MALFORMED' });
    const parent = await s.issue([grant('pay')]);
    expect((await s.admitAs(`${parent}~${approval}`, agent)).denied).toMatchObject({ code: 'MALFORMED' });
  });

  it('[STATE-APPROVAL-KINDS] an approver signs only what it was shown', async () => {
    const s = await asking();
    await s.pay();
    const request = await s.only();
    const answer = (change: object) =>
      answerApproval(
        { request: request.request, opening: { ...request, ...change }, verdict: 'allow' },
        { issuer: didOf(ann), signer: localSigner(ann), env: s.env },
      );
    await expect(answer({ input: { to: 'mallory', amount: 1 } })).rejects.toMatchObject({ code: 'TALOS_CAPABILITY_BAD_APPROVAL_REQUEST' });
    await expect(answer({ shown: 'pay alice 1' })).rejects.toMatchObject({ code: 'TALOS_CAPABILITY_BAD_APPROVAL_REQUEST' });
    await expect(
      answerApproval({ request: 'x', opening: request, verdict: 'allow' }, { issuer: didOf(ann), signer: localSigner(ann), env: s.env }),
    ).rejects.toMatchObject({ code: 'TALOS_CAPABILITY_BAD_APPROVAL_REQUEST' });
  });

  it('[STATE-DENY] without a desk, or with one whose store fails, the call is refused', async () => {
    const s = await asking();
    expect((await call(s.handle, { reservations: createReservations({ limits: s.limits }), input: transfer })).denied).toMatchObject({
      code: 'APPROVAL_REQUIRED',
    });
    const failing = await asking({}, { store: { ...memoryApprovalStore(), requests: () => Promise.reject(new Error('disk')) } });
    expect((await failing.pay()).denied).toMatchObject({ code: 'LIMIT_STATE_LOST' });
  });

  it('[STATE-BOUNDED] an agent that tries variations cannot flood its approvers', async () => {
    const s = await asking();
    for (let i = 0; i < 70; i++) await s.pay({ to: `x${i}` });
    expect((await s.desk.open()).length).toBe(64);
    expect((await s.pay({ to: 'another' })).denied).toEqual({ code: 'APPROVAL_REQUIRED', class: 'APPROVAL', cap: s.handle.cap, link: 0, grant: 0 });
  });
});

describe('the approve member', () => {
  const above100 = { amount: { range: { min: 100 } } } as const;
  it.each<[string, JsonObject, boolean]>([
    ['at the bound', { amount: 100 }, true],
    ['above it', { amount: 1000 }, true],
    ['below it', { amount: 99 }, false],
    ['with the amount as text', { amount: '1000' }, true],
    ['with the amount in a list', { amount: [99, 1000] }, true],
    ['with the amount in an object', { amount: { value: 1000 } }, true],
    ['without the amount', { to: 'alice' }, true],
    ['with null', { amount: null }, true],
    ['with a fraction', { amount: 100.5 }, true],
    ['with a fraction below it, which a range of integers cannot judge', { amount: 9.5 }, true],
  ])('[STATE-APPROVE-WHEN] a call %s is asked for: %s → %s', async (_, input, asked) => {
    const { pay } = await asking({ when: above100 });
    expect((await pay(input)).denied?.code).toBe(asked ? 'APPROVAL_REQUIRED' : undefined);
  });

  it.each<[string, JsonObject, boolean]>([
    ['that is listed', { to: 'mallory' }, true],
    ['that is not', { to: 'alice' }, false],
    ['in a list', { to: ['mallory'] }, true],
    ['in an object', { to: { name: 'mallory' } }, true],
    ['that is absent', {}, true],
  ])('[STATE-APPROVE-WHEN] a recipient %s: %s → %s', async (_, input, asked) => {
    const { pay } = await asking({ when: { to: { in: ['mallory', 'eve'] } } });
    expect((await pay(input)).denied?.code).toBe(asked ? 'APPROVAL_REQUIRED' : undefined);
  });

  it('[STATE-APPROVE-WHEN] a range of decimals judges fractions and text', async () => {
    const { pay } = await asking({ when: { amount: { range: { min: '100.00' } } } });
    const codes = await Promise.all([99.5, '99.99', 100.5, '100', 'much', true].map(async (amount) => (await pay({ amount })).denied?.code));
    expect(codes.map((code) => code !== undefined)).toEqual([false, false, true, true, true, true]);
  });

  it.each<[string, object]>([
    ['without members', {}],
    ['with an unknown member', { ...base, roles: ['admin'] }],
    ['without approvers', { ...base, by: [] }],
    ['with one approver twice', { ...base, by: [didOf(ann), didOf(ann)] }],
    ['with an approver that is no key', { ...base, by: ['ann@acme.example'] }],
    ['that asks for more than there are', { ...base, m: 3 }],
    ['that asks for nobody', { ...base, m: 0 }],
    ['without an end', { ...base, ttl: 86_401 }],
    ['with a pattern without a count', { ...base, reuse: 'pattern' }],
    ['with a count that is exact', { ...base, count: 2 }],
    ['for an empty condition', { ...base, when: {} }],
    ['for sometimes', { ...base, when: 'sometimes' }],
    ['for an optional condition', { ...base, when: { amount: { range: { min: 1 }, optional: true } } }],
    // A path that is written otherwise does not satisfy: nobody would be asked.
    ['for a condition that fails where it should match', { ...base, when: { path: { subpath: { root: '/secret' } } } }],
  ])('[STATE-APPROVE-CLOSED] %s refuses the token', async (_, approve) => {
    const payload = claims({ authorization_details: [{ ...grant('pay'), approve }] } as never);
    expect(await world().refusal(forge({ payload }))).toMatchObject({ code: 'MALFORMED', grant: 0 });
  });
});
