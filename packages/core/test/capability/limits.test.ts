import { describe, expect, it } from 'vitest';
import { memoryLimitStore, reportCost, reserve, settleGrant, spendGrant, authorize, type Limit, type ToolGrant } from '../../src/capability/index.ts';
import { toSmallestParts } from '../../src/capability/limits.ts';
import { call, keyOf, limited, payPlace, place } from './state-support.ts';
import { agent, claims, forge, grant, world } from './support.ts';

async function single(limit: Limit, more: Partial<ToolGrant> = {}) {
  const where = await payPlace();
  const handle = await where.handleAs(await where.issue([limited('pay', { limit, ...more })]), agent);
  const pay = (input = {}) => call(handle, { reservations: where.reservations, input });
  const finished = async (input = {}) => {
    const { grant: minted, denied } = await pay(input);
    if (denied !== undefined) return denied.code;
    spendGrant(minted);
    await settleGrant(minted);
    return 'ok';
  };
  return { ...where, handle, pay, finished };
}

describe('limits charge every ancestor', () => {
  it('[STATE-ANCESTORS] ten children of a parent with count 5 give five calls in all', async () => {
    const where = await payPlace();
    const parent = await where.issue([limited('pay', { limit: { count: 5 } })]);
    let allowed = 0;
    for (let child = 0; child < 10; child++) {
      const key = keyOf(100 + child);
      const token = await where.pass(parent, { from: agent, to: key, grants: [limited('pay', { limit: { count: 5 } })] });
      const handle = await where.handleAs(token, key);
      for (let i = 0; i < 5; i++) {
        const { denied } = await call(handle, { reservations: where.reservations });
        if (denied === undefined) allowed++;
        else expect(denied).toMatchObject({ code: 'COUNT_SPENT', class: 'LIMIT', link: 0, grant: 0 });
      }
    }
    expect(allowed).toBe(5);
  });

  it('[STATE-ANCESTORS] a child without a limit draws on those above it, down to the last link', async () => {
    const where = await payPlace();
    let token = await where.issue([limited('pay', { limit: { count: 3 } })]);
    let from = agent;
    for (let depth = 1; depth <= 5; depth++) {
      const to = keyOf(50 + depth);
      token = await where.pass(token, { from, to, grants: [limited('pay', depth === 3 ? { limit: { count: 2 } } : {})], delegate: 5 - depth });
      from = to;
    }
    const handle = await where.handleAs(token, from);
    expect((await call(handle, where)).denied).toBeUndefined();
    expect((await call(handle, where)).denied).toBeUndefined();
    expect((await call(handle, where)).denied).toMatchObject({ code: 'COUNT_SPENT', link: 3 });
  });

  it('[STATE-COUNTED-ONCE] a limit is counted in one place: no token with two is issued, and one that was signed otherwise is refused', async () => {
    const grants = [limited('pay', { limit: { count: 1 } })];
    const where = await payPlace();
    await expect(where.issue(grants, { audience: [place, 'mcp://b/'] })).rejects.toThrow(/counted in one place/);
    await where.issue([limited('pay', {})], { audience: [place, 'mcp://b/'] });
    const handle = await where.handleAs(forge({ payload: claims({ aud: [place, 'mcp://b/'], authorization_details: grants } as never) }), agent);
    expect((await call(handle, where)).denied).toMatchObject({ code: 'AUD_MISMATCH', constraint: 'limit' });
  });

  it('[STATE-ALL-OR-NONE] a refusal by one link leaves the others as they were', async () => {
    const where = await payPlace();
    const parent = await where.issue([limited('pay', { limit: { count: 2 } })]);
    const narrow = await where.handleAs(await where.pass(parent, { from: agent, to: keyOf(61), grants: [limited('pay', { limit: { count: 1 } })] }), keyOf(61));
    const wide = await where.handleAs(await where.pass(parent, { from: agent, to: keyOf(62), grants: [limited('pay', {})] }), keyOf(62));
    expect((await call(narrow, where)).denied).toBeUndefined();
    for (let i = 0; i < 3; i++) expect((await call(narrow, where)).denied).toMatchObject({ code: 'COUNT_SPENT', link: 1 });
    expect((await call(wide, where)).denied).toBeUndefined();
    expect((await call(wide, where)).denied).toMatchObject({ code: 'COUNT_SPENT', link: 0 });
  });

  it('[STATE-ANCESTORS] a link that bears the jti of another issuer does not share its counter', async () => {
    const where = await payPlace();
    const random = (length: number) => new Uint8Array(length);
    // Every jti is the same from here on.
    Object.assign(where.env, { randomBytes: (length: number) => random(length).fill(7) });
    const parent = await where.issue([limited('pay', { limit: { count: 5 } })]);
    const child = await where.pass(parent, { from: agent, to: keyOf(61), grants: [limited('pay', { limit: { count: 2 } })] });
    const handle = await where.handleAs(child, keyOf(61));
    expect((await call(handle, where)).denied).toBeUndefined();
    expect((await call(handle, where)).denied).toBeUndefined();
    expect((await call(handle, where)).denied).toMatchObject({ code: 'COUNT_SPENT', link: 1 });
    const own = await where.handleAs(parent, agent);
    for (let i = 0; i < 3; i++) expect((await call(own, where)).denied).toBeUndefined();
    expect((await call(own, where)).denied).toMatchObject({ code: 'COUNT_SPENT', link: 0 });
  });

  it('[STATE-ANCESTORS] grants of one capability have limits of their own, and one grant shares its limit among its tools', async () => {
    const where = await payPlace();
    const grants: ToolGrant[] = [limited('pay', { tools: ['pay', 'refund'], limit: { count: 1 } }), limited('search', { limit: { count: 1 } })];
    const handle = await where.handleAs(await where.issue(grants), agent);
    expect((await call(handle, { ...where, tool: 'pay' })).denied).toBeUndefined();
    expect((await call(handle, { ...where, tool: 'refund' })).denied).toMatchObject({ code: 'COUNT_SPENT', grant: 0 });
    expect((await call(handle, { ...where, tool: 'search' })).denied).toBeUndefined();
  });
});

describe('each limit', () => {
  it('[STATE-COUNT] count and once', async () => {
    const { finished } = await single({ count: 2 });
    expect([await finished(), await finished(), await finished()]).toEqual(['ok', 'ok', 'COUNT_SPENT']);
    const once = await single({ once: true });
    expect([await once.finished(), await once.finished()]).toEqual(['ok', 'COUNT_SPENT']);
  });

  it('[STATE-RATE] a rate says when to try again, and its burst how many at once', async () => {
    const { finished, pay, env } = await single({ rate: { n: 2, per_s: 60, burst: 3 } });
    expect([await finished(), await finished(), await finished()]).toEqual(['ok', 'ok', 'ok']);
    expect((await pay()).denied).toMatchObject({ code: 'RATE', class: 'LIMIT', retryAfter: 30 });
    env.advance(29);
    expect((await pay()).denied).toMatchObject({ code: 'RATE', retryAfter: 1 });
    env.advance(1);
    expect([await finished(), await finished()]).toEqual(['ok', 'RATE']);
  });

  it('[STATE-RATE] without a burst, n at once', async () => {
    const { finished } = await single({ rate: { n: 2, per_s: 60 } });
    expect([await finished(), await finished(), await finished()]).toEqual(['ok', 'ok', 'RATE']);
  });

  it('[STATE-CONCURRENT] so many at one time, and one more when one has ended', async () => {
    const { pay } = await single({ concurrent: 2 });
    const [first, second, third] = [await pay(), await pay(), await pay()];
    expect(third.denied).toMatchObject({ code: 'CONCURRENCY' });
    spendGrant(first.grant!);
    await settleGrant(first.grant!);
    expect((await pay()).denied).toBeUndefined();
    expect((await pay()).denied).toMatchObject({ code: 'CONCURRENCY' });
    await settleGrant(second.grant!);
    expect((await pay()).denied).toBeUndefined();
  });

  const byArg: Limit = { budget: { unit: 'EUR', max: 1000, decimals: 2, cost: { arg: 'amount' } } };
  it('[STATE-BUDGET] a budget by an argument counts its smallest parts', async () => {
    const { finished } = await single(byArg);
    expect(await finished({ amount: '4.99' })).toBe('ok');
    expect(await finished({ amount: 5 })).toBe('ok');
    expect(await finished({ amount: 0.02 })).toBe('BUDGET_SPENT');
    expect(await finished({ amount: 0.01 })).toBe('ok');
    expect(await finished({ amount: '0.00' })).toBe('ok');
    expect(await finished({ amount: '0.01' })).toBe('BUDGET_SPENT');
  });

  it.each([
    ['negative', -5],
    ['negative text', '-5.00'],
    ['finer than the decimals', 0.001],
    ['written with an exponent', 1e21],
    ['with a sign', '+5'],
    ['with spaces', ' 5'],
    ['hexadecimal', '0x5'],
    ['text', 'five'],
    ['a list', [5]],
    ['an object', { valueOf: 5 }],
    ['null', null],
    ['true', true],
    ['beyond the safe integers', '90071992547409.92'],
  ])('[STATE-BUDGET] a cost that is %s is refused', async (_, amount) => {
    const { pay, finished } = await single(byArg);
    expect((await pay({ amount })).denied).toMatchObject({ code: 'ARG_VIOLATES', arg: 'amount', constraint: 'budget', link: 0, grant: 0 });
    expect(await finished({ amount: 10 })).toBe('ok');
  });

  it('[STATE-BUDGET] a cost that is absent is refused', async () => {
    const { pay } = await single(byArg);
    expect((await pay({})).denied).toMatchObject({ code: 'ARG_MISSING', arg: 'amount' });
    expect((await pay(Object.create({ amount: 5 }) as never)).denied).toBeDefined();
  });

  it('[STATE-BUDGET] a fixed tariff costs the same each time', async () => {
    const { finished } = await single({ budget: { unit: 'credits', max: 7, decimals: 0, cost: 3 } });
    expect([await finished(), await finished(), await finished()]).toEqual(['ok', 'ok', 'BUDGET_SPENT']);
  });

  it('[STATE-BUDGET-REPORTED] the bound is set aside until the tool has said what it cost', async () => {
    const { pay } = await single({ budget: { unit: 'USD', max: 100, decimals: 2, cost: 'reported', bound: 60 } });
    const first = (await pay()).grant!;
    expect((await pay()).denied).toMatchObject({ code: 'BUDGET_SPENT' });
    spendGrant(first);
    reportCost(first, { unit: 'USD', amount: '0.40' });
    await settleGrant(first);
    const second = (await pay()).grant!;
    expect((await pay()).denied).toMatchObject({ code: 'BUDGET_SPENT' });
    spendGrant(second);
    // Another unit, or no amount: the whole bound is spent.
    reportCost(second, { unit: 'EUR', amount: 0 });
    await settleGrant(second);
    expect((await pay()).denied).toMatchObject({ code: 'BUDGET_SPENT' });
  });

  it('[STATE-BUDGET-REPORTED] a negative report gives nothing back, and one above the bound is spent in full', async () => {
    const { pay, finished } = await single({ budget: { unit: 'USD', max: 10, decimals: 0, cost: 'reported', bound: 2 } });
    for (const amount of [-100, 7]) {
      const { grant: minted } = await pay();
      spendGrant(minted!);
      reportCost(minted!, { unit: 'USD', amount });
      await settleGrant(minted!);
    }
    // 2 for the report that was none, 7 for the other: 1 is left.
    expect(await finished()).toBe('BUDGET_SPENT');
  });

  it('[STATE-BUDGET] reads amounts as they are written, without rounding', () => {
    expect([toSmallestParts(0.1 + 0.2, 2), toSmallestParts('0.30', 1), toSmallestParts(19.99, 2), toSmallestParts('5', 15)]).toEqual([
      undefined,
      3,
      1999,
      5e15,
    ]);
  });
});

describe('reserve, commit, release', () => {
  it('[STATE-RELEASE] a call that was not started gives back what it took, once', async () => {
    const { pay } = await single({ count: 1, budget: { unit: 'USD', max: 5, decimals: 0, cost: 5 } });
    const { grant: minted } = await pay();
    await settleGrant(minted!);
    await settleGrant(minted!);
    expect((await pay()).denied).toBeUndefined();
    expect((await pay()).denied).toBeDefined();
  });

  it('[STATE-RELEASE] a grant that was given back can no longer start a tool', async () => {
    const { pay } = await single({ count: 1 });
    const { grant: minted } = await pay();
    await settleGrant(minted!);
    expect(() => spendGrant(minted!)).toThrow('unused grant');
  });

  it('[STATE-DENY] without anything that counts, a limited call is refused', async () => {
    const { handle } = await single({ count: 1 });
    const permit = authorize(handle, { tool: 'pay', input: {} });
    if (permit.denied) throw new Error('not permitted');
    expect((await reserve(permit)).denied).toMatchObject({ code: 'LIMIT_STATE_LOST', class: 'LIMIT' });
  });

  it('[STATE-DENY] a store that fails, or is younger than the capability, refuses', async () => {
    const { handle, env } = await single({ count: 1 });
    const failing = { take: () => Promise.reject(new Error('disk')) };
    expect((await call(handle, { reservations: failing })).denied).toMatchObject({ code: 'LIMIT_STATE_LOST' });
    env.advance(10);
    const young = await payPlace({ limits: memoryLimitStore(env) });
    expect((await call(handle, young)).denied).toMatchObject({ code: 'LIMIT_STATE_LOST', link: 0 });
  });
});

describe('the limit member', () => {
  it.each([
    ['that is empty', {}],
    ['that is a list', []],
    ['with an unknown member', { count: 1, quota: 5 }],
    ['with a count of zero', { count: 0 }],
    ['with a negative count', { count: -1 }],
    ['with a fraction', { count: 1.5 }],
    ['with text', { count: '5' }],
    ['with once: false', { once: false }],
    ['with a rate without its period', { rate: { n: 1 } }],
    ['with an unknown member of rate', { rate: { n: 1, per_s: 1, per_m: 1 } }],
    ['with a burst of zero', { rate: { n: 1, per_s: 1, burst: 0 } }],
    ['with a period above a day', { rate: { n: 1, per_s: 86_401 } }],
    ['with a budget without a unit', { budget: { max: 1, decimals: 0, cost: 1 } }],
    ['with a unit that is no word', { budget: { unit: '€', max: 1, decimals: 0, cost: 1 } }],
    ['with too many decimals', { budget: { unit: 'X', max: 1, decimals: 16, cost: 1 } }],
    ['with a cost that nobody knows', { budget: { unit: 'X', max: 1, decimals: 0, cost: 'guess' } }],
    ['with a negative cost', { budget: { unit: 'X', max: 1, decimals: 0, cost: -1 } }],
    ['with a reported cost without a bound', { budget: { unit: 'X', max: 1, decimals: 0, cost: 'reported' } }],
    ['with a bound that nothing reports', { budget: { unit: 'X', max: 1, decimals: 0, cost: 1, bound: 1 } }],
    ['with an unknown member of cost', { budget: { unit: 'X', max: 1, decimals: 0, cost: { arg: 'a', factor: 2 } } }],
  ])('[STATE-LIMIT-CLOSED] %s refuses the token', async (_, limit) => {
    const payload = claims({ authorization_details: [{ ...grant('pay'), limit }] } as never);
    expect(await world().refusal(forge({ payload }))).toMatchObject({ code: 'MALFORMED', grant: 0 });
  });
});
