import { anyArgs, TalosClient } from '@talosprotocol/core';
import { talosGuard, type ApprovalInterrupt } from '@talosprotocol/langchain';
import type { BaseMessage } from '@langchain/core/messages';
import { Command, MemorySaver } from '@langchain/langgraph';
import { createAgent, humanInTheLoopMiddleware, tool } from 'langchain';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agentGranted, go, modelCalling, type Call } from '../support.ts';

const schema = z.object({ to: z.string(), amount: z.number() });
const pay = { name: 'pay', args: { to: 'bob', amount: 5 }, id: 'pay_1' };
const thread = { configurable: { thread_id: 't' } };

type State = { readonly messages: BaseMessage[]; readonly __interrupt__?: readonly { readonly value: ApprovalInterrupt }[] };

async function paying(calls: readonly Call[], options: { readonly m?: number; readonly checkpointer?: boolean } = {}) {
  const ran: string[] = [];
  const [boss, deputy] = [await TalosClient.create('boss'), await TalosClient.create('deputy')];
  const { client, log } = await agentGranted({});
  const approve = { pay: { when: 'always', by: [boss.did, deputy.did], m: options.m ?? 1, ttl: 600, reuse: 'exact' } } as const;
  const capability = await client.grant({ to: client.did, for: '15m', tools: { pay: anyArgs() }, approve });
  const guard = talosGuard({ client, capability, approvals: 'interrupt', turns: false });
  const transfer = tool(
    async ({ to, amount }) => {
      ran.push(`${amount} to ${to}`);
      return 'paid';
    },
    { name: 'pay', description: '', schema },
  );
  const tools = guard.tools([transfer]);
  const checkpointer = options.checkpointer === false ? {} : { checkpointer: new MemorySaver() };
  const agent = createAgent({ model: modelCalling(calls), tools, middleware: [guard.middleware()], ...checkpointer });
  const answer = async (by: TalosClient, verdict: 'allow' | 'deny'): Promise<string> => {
    const [opening] = await client.approvals.open();
    if (opening === undefined) throw new Error('nobody was asked');
    return by.answerApproval({ request: opening.request, opening, verdict });
  };
  const trail = async () => (await log()).map(({ type }) => type);
  const invoke = async (input: unknown) => (await agent.invoke(input as never, thread)) as unknown as State;
  return { ran, boss, deputy, client, invoke, answer, trail };
}

describe('approvals by interrupt', () => {
  it('[LANGCHAIN-APPROVAL] pause the graph, and the answer resumes it: one decision, one request, one result', async () => {
    const { ran, boss, client, invoke, answer, trail } = await paying([pay]);
    const paused = await invoke(go());
    expect(paused.__interrupt__).toMatchObject([{ value: { type: 'talos.approval', tool: 'pay', callId: 'pay_1' } }]);
    expect(paused.__interrupt__?.[0]?.value.request).toBe((await client.approvals.open())[0]?.request);
    expect([ran, await trail()]).toEqual([[], ['policy.decision']]);
    const { messages } = await invoke(new Command({ resume: await answer(boss, 'allow') }));
    expect(messages.map(({ text }) => text)).toContain('paid');
    expect([ran, await trail()]).toEqual([['5 to bob'], ['policy.decision', 'tool.request', 'tool.result']]);
  });

  it('[LANGCHAIN-APPROVAL] a refusal reaches the model, and nothing runs', async () => {
    const { ran, boss, invoke, answer, trail } = await paying([pay]);
    await invoke(go());
    const { messages } = await invoke(new Command({ resume: await answer(boss, 'deny') }));
    expect(messages.map(({ text }) => text).join()).toContain('APPROVAL_DENIED');
    expect([ran, await trail()]).toEqual([[], ['policy.decision', 'policy.decision']]);
  });

  it('[LANGCHAIN-APPROVAL] a forged answer asks again, and one that is no answer leaves the call refused', async () => {
    const { ran, invoke, answer, boss, trail } = await paying([pay]);
    await invoke(go());
    const forged = `${(await answer(boss, 'allow')).slice(0, -6)}AAAAAA`;
    expect((await invoke(new Command({ resume: forged }))).__interrupt__).toHaveLength(1);
    expect([ran, await trail()]).toEqual([[], ['policy.decision']]);
    const { messages } = await invoke(new Command({ resume: { approved: true } }));
    expect(messages.map(({ text }) => text).join()).toContain('APPROVAL_REQUIRED');
    expect(ran).toEqual([]);
  });

  it('[LANGCHAIN-APPROVAL] two of two are asked one after the other', async () => {
    const { ran, boss, deputy, invoke, answer, trail } = await paying([pay], { m: 2 });
    await invoke(go());
    expect((await invoke(new Command({ resume: await answer(boss, 'allow') }))).__interrupt__).toHaveLength(1);
    expect(ran).toEqual([]);
    await invoke(new Command({ resume: await answer(deputy, 'allow') }));
    expect([ran, await trail()]).toEqual([['5 to bob'], ['policy.decision', 'tool.request', 'tool.result']]);
  });

  it('[LANGCHAIN-APPROVAL] without a checkpointer the call is refused', async () => {
    const { ran, invoke } = await paying([pay], { checkpointer: false });
    expect((await invoke(go())).messages.map(({ text }) => text).join()).toContain('APPROVAL_REQUIRED');
    expect(ran).toEqual([]);
  });

  it('[LANGCHAIN-APPROVAL] an approval of one call runs no other', async () => {
    const { ran, boss, invoke, answer } = await paying([pay]);
    await invoke(go());
    const token = await answer(boss, 'allow');
    await invoke(new Command({ resume: token }));
    expect(ran).toEqual(['5 to bob']);
    const other = await paying([{ ...pay, args: { to: 'eve', amount: 5 } }]);
    await other.invoke(go());
    expect((await other.invoke(new Command({ resume: token }))).__interrupt__).toHaveLength(1);
    expect(other.ran).toEqual([]);
  });
});

it('[LANGCHAIN-HITL] LangChain’s own human in the loop and a guarded tool leave one record', async () => {
  const ran: string[] = [];
  const { guard, log } = await agentGranted({ pay: anyArgs() });
  const transfer = tool(async ({ to }) => ran.push(to), { name: 'pay', description: '', schema });
  const tools = guard.tools([transfer]);
  // Its own types do not fit under exactOptionalPropertyTypes.
  const middleware = [humanInTheLoopMiddleware({ interruptOn: { pay: true } } as never) as never, guard.middleware()];
  const agent = createAgent({ model: modelCalling([pay]), tools, middleware, checkpointer: new MemorySaver() });
  await agent.invoke(go(), thread);
  expect(ran).toEqual([]);
  await agent.invoke(new Command({ resume: { decisions: [{ type: 'approve' }] } }) as never, thread);
  expect(ran).toEqual(['bob']);
  expect((await log()).map(({ type }) => type)).toEqual(['model.turn', 'tool.request', 'tool.result', 'model.turn']);
});
