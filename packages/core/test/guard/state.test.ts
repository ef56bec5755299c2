import { describe, expect, it } from 'vitest';
import { openAuditLog, type AuditLog } from '../../src/audit/audit-log.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { observeMode, recommend, reportCost, type CapabilityHandle, type LimitStore, type ToolGrant } from '../../src/capability/index.ts';
import { createGuard, type GuardContext } from '../../src/guard/guard.ts';
import { recordedCalls } from '../../src/guard/recorded-calls.ts';
import { rootContext, limited, payPlace, start } from '../capability/state-support.ts';
import { agent, grant, holder, issuer } from '../capability/support.ts';
import { testSigner } from '../audit/support.ts';

async function guarded(grants: readonly ToolGrant[], more: Partial<GuardContext> & { readonly limits?: LimitStore } = {}) {
  const where = await payPlace(more.limits === undefined ? {} : { limits: more.limits });
  const handle = await where.handleAs(await where.issue(grants), agent);
  const log: AuditLog = await openAuditLog({ store: memoryAuditStore(), signer: testSigner(), origin: 'state.example', env: where.env });
  const guard = createGuard({ agent: holder, admit: async () => ({ handle }), capabilityHash: handle.cap, log, reservations: where.reservations, ...more });
  // Without the recorder's own first entry.
  const entries = async () => Promise.all(Array.from({ length: log.size - 1 }, async (_, i) => (await log.entry(i + 1)).entry));
  const revoke = (of: CapabilityHandle = handle) => where.revocations.revoke([{ iss: issuer, jti: of.claims.jti }], rootContext);
  const pay = (input: object = {}, run: Parameters<typeof guard.run>[1] = () => 'paid') => guard.run({ tool: 'pay', input }, run);
  return { ...where, handle, guard, log, entries, revoke, pay };
}

describe('limits in the guard', () => {
  it('[STATE-GUARD-SETTLE] a call that ran is spent, whether it succeeded or threw', async () => {
    const { pay } = await guarded([limited('pay', { limit: { count: 2 } })]);
    expect((await pay()).status).toBe('ok');
    expect(
      (
        await pay({}, () => {
          throw new Error('declined');
        })
      ).status,
    ).toBe('error');
    expect(await pay()).toMatchObject({
      status: 'denied',
      denial: { code: 'COUNT_SPENT' },
      refusal: { message: 'A limit of the capability is used up.', retryable: false },
    });
  });

  it('[STATE-GUARD-SETTLE] a call that could not be recorded is given back', async () => {
    let fail = true;
    const s = await guarded([limited('pay', { limit: { once: true } })]);
    const log = {
      append: (entry: Parameters<AuditLog['append']>[0]) => (fail && entry.type === 'tool.request' ? Promise.reject(new Error('disk')) : s.log.append(entry)),
    };
    const guard = createGuard({ agent: holder, admit: async () => ({ handle: s.handle }), capabilityHash: s.handle.cap, log, reservations: s.reservations });
    expect(await guard.run({ tool: 'pay', input: {} }, () => 'paid')).toMatchObject({ denial: { code: 'LOG_UNAVAILABLE' } });
    fail = false;
    expect((await guard.run({ tool: 'pay', input: {} }, () => 'paid')).status).toBe('ok');
  });

  it('[STATE-GUARD-SETTLE] slots are free when the tool has ended, also one that yields and is left early', async () => {
    const { guard, pay } = await guarded([limited('pay', { limit: { concurrent: 1 } })]);
    let inner: unknown;
    await pay({}, async () => (inner = await pay()));
    expect(inner).toMatchObject({ denial: { code: 'CONCURRENCY' }, refusal: { retryable: true } });
    for await (const _ of guard.iterate({ tool: 'pay', input: {} }, async function* () {
      yield 1;
      yield 2;
    }))
      break;
    expect((await pay()).status).toBe('ok');
  });

  it('[STATE-GUARD-SETTLE] the tool reports its cost', async () => {
    const { pay } = await guarded([limited('pay', { limit: { budget: { unit: 'USD', max: 100, decimals: 2, cost: 'reported', bound: 100 } } })]);
    for (let i = 0; i < 3; i++) expect((await pay({}, (_, minted) => reportCost(minted, { unit: 'USD', amount: 0 }))).status).toBe('ok');
    expect((await pay({}, (_, minted) => reportCost(minted, { unit: 'USD', amount: '0.01' }))).status).toBe('ok');
    expect((await pay()).status).toBe('denied');
  });

  it('[STATE-GUARD-SETTLE] a rate says when to come back', async () => {
    const { pay } = await guarded([limited('pay', { limit: { rate: { n: 1, per_s: 60 } } })]);
    await pay();
    expect(await pay()).toMatchObject({ refusal: { code: 'RATE', retryable: true, retryAfter: 60, message: 'Too many calls: try again later.' } });
  });

  it('[STATE-GUARD-SETTLE] if settling fails the result is kept, and what was reserved stays reserved', async () => {
    const limits: LimitStore = { reserve: async () => undefined, settle: () => Promise.reject(new Error('disk')) };
    const { pay } = await guarded([limited('pay', { limit: { count: 1 } })], { limits });
    expect(await pay()).toMatchObject({ status: 'ok', value: 'paid' });
  });
});

describe('a revocation while a tool runs', () => {
  it('[STATE-IN-FLIGHT] aborts its signal, says so in the result, and is spent', async () => {
    const s = await guarded([limited('pay', { limit: { count: 5 } })]);
    const result = await s.pay({}, async (_, __, signal) => {
      expect(signal.aborted).toBe(false);
      await s.revoke();
      expect(signal.aborted).toBe(true);
      signal.throwIfAborted();
    });
    expect(result).toMatchObject({ status: 'error' });
    expect((await s.entries())[1]).toMatchObject({ type: 'tool.result', outcome: 'cancelled', revoked_in_flight: true });
    expect(await s.pay()).toMatchObject({ denial: { code: 'REVOKED' } });
  });

  it('[STATE-IN-FLIGHT] what the tool did all the same stands, with the mark', async () => {
    const s = await guarded([grant('pay')]);
    expect(
      await s.pay({}, async () => {
        await s.revoke();
        return 'paid';
      }),
    ).toMatchObject({ status: 'ok', value: 'paid' });
    expect((await s.entries())[1]).toMatchObject({ outcome: 'ok', revoked_in_flight: true });
  });

  it("[STATE-IN-FLIGHT] an epoch does the same, and somebody else's revocation nothing", async () => {
    const s = await guarded([grant('pay')]);
    const seen: boolean[] = [];
    await s.pay({}, async (_, __, signal) => {
      await s.revocations.revoke([{ task: 'other' }], rootContext);
      seen.push(signal.aborted);
      await s.revocations.raiseEpoch(rootContext);
      seen.push(signal.aborted);
    });
    expect(seen).toEqual([false, true]);
  });

  it('[STATE-IN-FLIGHT] between the request and the start, the tool does not start and nothing is spent', async () => {
    const s = await guarded([limited('pay', { limit: { count: 1 } })]);
    const log = {
      append: async (entry: Parameters<AuditLog['append']>[0]) => {
        const appended = await s.log.append(entry);
        if (entry.type === 'tool.request') await s.revoke();
        return appended;
      },
    };
    const settled: number[] = [];
    const reservations = {
      take: async (call: Parameters<typeof s.reservations.take>[0]) => {
        const taken = await s.reservations.take(call);
        return taken.denied === undefined ? { commit: async () => void settled.push(1), release: async () => void settled.push(0) } : taken;
      },
    };
    const guard = createGuard({ agent: holder, admit: async () => ({ handle: s.handle }), capabilityHash: s.handle.cap, log, reservations });
    let ran = false;
    expect(await guard.run({ tool: 'pay', input: {} }, () => (ran = true))).toMatchObject({ status: 'denied', denial: { code: 'REVOKED' } });
    expect([ran, settled]).toEqual([false, [0]]);
    expect((await s.entries()).map(({ type, revoked_in_flight: mark }) => [type, mark])).toEqual([
      ['tool.request', undefined],
      ['tool.result', true],
      ['policy.decision', undefined],
    ]);
  });

  it("[STATE-IN-FLIGHT] the call's own signal reaches the tool too", async () => {
    const { guard } = await guarded([grant('pay')]);
    const own = new AbortController();
    const result = guard.run({ tool: 'pay', input: {}, signal: own.signal }, async (_, __, signal) => {
      own.abort(new Error('enough'));
      signal.throwIfAborted();
    });
    expect(await result).toMatchObject({ status: 'error', error: { message: 'enough' } });
    const before = await guard.run({ tool: 'pay', input: {}, signal: own.signal }, (_, __, signal) => signal.aborted);
    expect(before).toMatchObject({ value: true });
  });
});

describe('observe mode', () => {
  const observe = observeMode({ until: start + 60_000, enforce: ['pay', 'admin/**'] });
  const run = async (s: Awaited<ReturnType<typeof guarded>>, tool: string, input: object = {}) => s.guard.run({ tool, input }, () => 'ran');

  it('[STATE-OBSERVE] runs what would be refused, and records that it would', async () => {
    const s = await guarded([grant('search', { q: { len: { max: 3 } } })], { observe });
    expect(await run(s, 'search', { q: 'long' })).toMatchObject({ status: 'ok', value: 'ran' });
    expect(await run(s, 'mail', { to: 'x' })).toMatchObject({ status: 'ok' });
    expect(await run(s, 'search', { q: 'abc' })).toMatchObject({ status: 'ok' });
    const requests = (await s.entries()).filter(({ type }) => type === 'tool.request').map(({ policy }) => policy);
    expect(requests).toEqual([
      { decision: 'allow', mode: 'observe', would: 'deny', code: 'ARG_VIOLATES', arg: 'q', constraint: 'len' },
      { decision: 'allow', mode: 'observe', would: 'deny', code: 'TOOL_UNGRANTED' },
      { decision: 'allow' },
    ]);
    expect(await s.guard.check({ tool: 'mail', input: {} })).toEqual({ allowed: true });
  });

  it('[STATE-OBSERVE-ENFORCE] never for a tool that is enforced, nor one without a name', async () => {
    const s = await guarded([grant('search')], { observe });
    for (const tool of ['pay', 'admin/users/delete', '', 'a b', '../pay', undefined as never])
      expect(await run(s, tool)).toMatchObject({ status: 'denied', denial: { code: 'TOOL_UNGRANTED' } });
    expect((await s.guard.check({ tool: 'pay', input: {} })).allowed).toBe(false);
  });

  it('[STATE-OBSERVE-END] not from its end on', async () => {
    const s = await guarded([grant('search')], { observe });
    s.env.advance(59);
    expect(await run(s, 'mail')).toMatchObject({ status: 'ok' });
    s.env.advance(1);
    expect(await run(s, 'mail')).toMatchObject({ status: 'denied' });
    for (const until of [Number.NaN, Infinity, undefined as never]) expect(() => observeMode({ until })).toThrow('needs an end');
    expect(() => observeMode({ until: start, enforce: ['pay it'] })).toThrow('enforce');
  });

  it('[STATE-OBSERVE-RIGHT] not without a capability that holds, and not what cannot be recorded or copied', async () => {
    const s = await guarded([grant('search')], { observe });
    await s.revoke();
    expect(await run(s, 'mail')).toMatchObject({ denial: { code: 'REVOKED' } });
    const t = await guarded([grant('search')], { observe });
    expect(await run(t, 'mail', { at: new Date(0) })).toMatchObject({ denial: { code: 'ARG_VIOLATES' } });
    const none = createGuard({ agent: holder, admit: async () => ({ handle: {} as CapabilityHandle }), capabilityHash: '', log: t.log, observe });
    expect(await none.run({ tool: 'mail', input: {} }, () => 'ran')).toMatchObject({ denial: { code: 'HANDLE_UNKNOWN' } });
    const dead = { append: () => Promise.reject(new Error('disk')) };
    const unlogged = createGuard({ agent: holder, admit: async () => ({ handle: t.handle }), capabilityHash: '', log: dead, observe });
    expect(await unlogged.run({ tool: 'mail', input: {} }, () => 'ran')).toMatchObject({ denial: { code: 'LOG_UNAVAILABLE' } });
  });

  it('[STATE-OBSERVE] a limit that is spent is observed too', async () => {
    const s = await guarded([limited('search', { limit: { count: 1 } })], { observe });
    await run(s, 'search');
    expect(await run(s, 'search')).toMatchObject({ status: 'ok' });
    expect((await s.entries()).at(-2)?.['policy']).toMatchObject({ would: 'deny', code: 'COUNT_SPENT' });
  });
});

describe('recorded calls', () => {
  it('[STATE-RECORDED] come out of the log with their arguments, also those that were only observed', async () => {
    const s = await guarded([grant('search')], { observe: observeMode({ until: start + 60_000, enforce: ['pay'] }) });
    await s.guard.run({ tool: 'search', input: { q: 'a' } }, () => 'ran');
    await s.guard.run({ tool: 'mail', input: { to: 'b' } }, () => 'ran');
    await s.guard.run({ tool: 'pay', input: { to: 'c' } }, () => 'ran');
    const opened = await Promise.all(
      Array.from({ length: s.log.size }, async (_, i) => ({ entry: (await s.log.entry(i)).entry, openings: await s.log.openings(i) })),
    );
    const ran = [
      { tool: 'search', input: { q: 'a' } },
      { tool: 'mail', input: { to: 'b' } },
    ];
    expect(recordedCalls(opened)).toEqual(ran);
    expect(recordedCalls(opened, { refused: true })).toEqual([...ran, { tool: 'pay', input: { to: 'c' } }]);
    expect(recordedCalls(opened.map(({ entry }) => ({ entry, openings: [] })))).toEqual([]);
    expect(recommend(recordedCalls(opened), { coverage: 1, granted: ['search', 'drop'] })).toMatchObject({ covered: 2, unused: ['drop'] });
  });
});
