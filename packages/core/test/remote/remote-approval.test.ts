import { describe, expect, it } from 'vitest';
import { anyArgs } from '../../src/capability/index.ts';
import { TalosClient } from '../../src/index.ts';
import { memoryHome } from '../../src/client/home.ts';
import { keyThumbprint, parseAgentId } from '../../src/identity/agent-id.ts';
import { verifyReceipt } from '../../src/receipt/index.ts';
import { makePair, tool } from './support.ts';

async function asked() {
  const boss = await TalosClient.create('boss', { stores: memoryHome() });
  let ran = 0;
  const pair = await makePair({ serve: [tool('pay', () => ++ran)] });
  const approve = { pay: { when: 'always', by: [boss.did, pair.a.did], m: 1, ttl: 60, reuse: 'exact' } } as const;
  const capability = await pair.b.grant({ to: pair.a.did, at: pair.b.did, tools: { pay: anyArgs() }, approve });
  const pay = (input = { to: 'alice' }) => pair.a.call(pair.b.did, 'pay', input, { capability });
  const answer = async (by: TalosClient, verdict: 'allow' | 'deny' = 'allow') => {
    const [request] = await pair.b.approvals.open();
    return by.answerApproval({ request: request!.request, opening: request!, verdict });
  };
  const close = async () => {
    await pair.close();
    await boss.close();
  };
  return { pair, boss, pay, answer, ran: () => ran, close };
}

const pending = { status: 'denied', denial: { code: 'APPROVAL_REQUIRED' } };

describe('a remote call that needs a person', () => {
  it('[REMOTE-APPROVAL] waits at the callee, whose approver decides, and runs once for one answer', async () => {
    const { pair, boss, pay, answer, ran, close } = await asked();
    const first = await pay();
    expect(first).toMatchObject(pending);
    expect(verifyReceipt(first.receipt, pair.keys)).toMatchObject({ state: 'both-signed', outcome: { decision: 'deny', code: 'APPROVAL_REQUIRED' } });
    expect(await pay()).toMatchObject(pending);
    const open = await pair.b.approvals.open();
    // The approver reads who calls; the caller is not told what was asked of whom.
    expect(open.map(({ shown }) => JSON.parse(shown) as unknown)).toEqual([
      { tool: 'pay', arguments: { to: 'alice' }, caller: keyThumbprint(parseAgentId(pair.a.did)) },
    ]);
    expect(JSON.stringify(first)).not.toContain(open[0]!.request);
    expect(await pair.a.approvals.open()).toEqual([]);
    expect(await pair.b.approvals.submit(await answer(boss))).toEqual({ verdict: 'allow' });
    // Other arguments are another call.
    expect(await pay({ to: 'mallory' })).toMatchObject(pending);
    const both = await Promise.all([pay(), pay()]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['denied', 'ok']);
    expect(ran()).toBe(1);
    expect(await pay()).toMatchObject(pending);
    await close();
  });

  it('[REMOTE-APPROVAL] is not approved by its caller, by the callee, or by nobody, and a no stays one', async () => {
    const { pair, boss, pay, answer, ran, close } = await asked();
    await pay();
    expect(await pair.b.approvals.submit(await answer(pair.a))).toEqual({ verdict: 'allow' });
    expect(await pay()).toMatchObject(pending);
    await expect(answer(pair.b)).rejects.toMatchObject({ code: 'TALOS_CAPABILITY_BAD_APPROVAL_REQUEST' });
    expect(await pair.b.approvals.submit(await answer(boss, 'deny'))).toEqual({ verdict: 'deny' });
    expect(await pay()).toMatchObject({ status: 'denied', denial: { code: 'APPROVAL_DENIED' } });
    expect(ran()).toBe(0);
    await close();
  });
});
