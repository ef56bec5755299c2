import { anyArgs } from '@talosprotocol/core';
import { createReactAgent } from '@langchain/langgraph/prebuilt';
import { createHandoffTool, createSupervisor } from '@langchain/langgraph-supervisor';
import { createHandoffTool as createSwarmHandoff, createSwarm } from '@langchain/langgraph-swarm';
import { createAgent, tool } from 'langchain';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agentGranted, go, modelCalling } from '../support.ts';

const reader = (ran: string[]) =>
  tool(
    async ({ path }) => {
      ran.push(path);
      return `contents of ${path}`;
    },
    { name: 'read', description: '', schema: z.object({ path: z.string() }) },
  );
const granted = { read: { path: { subpath: { root: 'docs' } } } } as const;
const inside = { name: 'read', args: { path: 'docs/a.md' }, id: 'inside' };
const outside = { name: 'read', args: { path: '../../etc/passwd' }, id: 'outside' };
const transfer = [{ name: 'transfer_to_worker', args: {}, id: 'transfer' }];

describe('supervisor', () => {
  const supervising = (guard: Awaited<ReturnType<typeof agentGranted>>['guard'], ran: string[]) =>
    createSupervisor({
      agents: [createReactAgent({ llm: modelCalling([inside, outside]), tools: guard.tools([reader(ran)]), name: 'worker' }) as never],
      llm: modelCalling(transfer) as never,
      tools: guard.tools([createHandoffTool({ agentName: 'worker' })]),
    }).compile();

  it('[LANGCHAIN-HANDOFF] a worker’s tools are guarded, and the handoff is on record', async () => {
    const ran: string[] = [];
    const { guard, log } = await agentGranted({ ...granted, transfer_to_worker: anyArgs() });
    const { messages } = await supervising(guard, ran).invoke(go());
    expect(messages.at(-1)?.text).toBe('done');
    expect(ran).toEqual(['docs/a.md']);
    expect((await log()).filter(({ type }) => type === 'handoff')).toMatchObject([{ to: 'worker', 'gen_ai.tool.call.id': 'transfer', outcome: 'ok' }]);
    expect((await log()).find(({ type }) => type === 'policy.decision')).toMatchObject({ 'gen_ai.tool.call.id': 'outside' });
  });

  it('[LANGCHAIN-HANDOFF] a handoff that is not granted does not happen', async () => {
    const ran: string[] = [];
    const { guard, log } = await agentGranted(granted);
    await supervising(guard, ran).invoke(go());
    expect(ran).toEqual([]);
    expect((await log()).map(({ type }) => type)).toEqual(['policy.decision']);
  });
});

describe('swarm', () => {
  it('[LANGCHAIN-HANDOFF] both agents are guarded by middleware, and the handoff is on record', async () => {
    const ran: string[] = [];
    const { guard, log } = await agentGranted({ ...granted, transfer_to_worker: anyArgs() });
    const middleware = [guard.middleware()];
    const first = createAgent({ model: modelCalling(transfer), tools: [createSwarmHandoff({ agentName: 'worker' })], name: 'first', middleware });
    const worker = createAgent({ model: modelCalling([inside, outside]), tools: [reader(ran)], name: 'worker', middleware });
    const swarm = createSwarm({ agents: [first.graph, worker.graph] as never, defaultActiveAgent: 'first' }).compile();
    const { messages } = (await swarm.invoke(go())) as { messages: { text: string }[] };
    expect(messages.at(-1)?.text).toBe('done');
    expect(ran).toEqual(['docs/a.md']);
    const entries = await log();
    expect(entries.filter(({ type }) => type === 'handoff')).toMatchObject([{ to: 'worker', 'gen_ai.agent.name': 'first' }]);
    expect(entries.find(({ type }) => type === 'policy.decision')).toMatchObject({ 'gen_ai.agent.name': 'worker' });
  });

  it('[LANGCHAIN-HANDOFF] a tool that is not guarded hands off on record too, where the callback handler lets it pass', async () => {
    const { guard, log } = await agentGranted({ transfer_to_worker: anyArgs() });
    const first = createAgent({ model: modelCalling(transfer), tools: [createSwarmHandoff({ agentName: 'worker' })], name: 'first' });
    const worker = createAgent({ model: modelCalling(), tools: [], name: 'worker' });
    await createSwarm({ agents: [first.graph, worker.graph] as never, defaultActiveAgent: 'first' })
      .compile()
      .invoke(go(), { callbacks: [guard.callbacks()] });
    expect((await log()).filter(({ type }) => type === 'handoff')).toMatchObject([{ to: 'worker', framework: 'langchain/callback' }]);
  });
});
