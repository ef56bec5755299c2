import { anyArgs } from '@talosprotocol/core';
import { AIMessage } from '@langchain/core/messages';
import { StateGraph, MessagesAnnotation } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { createAgent, tool } from 'langchain';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agentGranted, go, modelCalling, runAgent } from '../support.ts';

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

describe('a sub-agent', () => {
  it.each([
    ['as it is', {}],
    ['with its callbacks cut off', { callbacks: [] }],
  ])('[LANGCHAIN-NO-WAY-AROUND] as a tool, %s, two levels deep', async (_how, config) => {
    const ran: string[] = [];
    const { guard, log } = await agentGranted({ ...granted, ask: anyArgs() });
    const asking = (run: () => Promise<unknown>) =>
      guard.tools([
        tool(
          async () => {
            await run();
            return 'asked';
          },
          { name: 'ask', description: '', schema: z.object({}) },
        ),
      ]);
    const ask = [{ name: 'ask', args: {} }];
    const innermost = () => runAgent({ model: modelCalling([inside, outside]), tools: guard.tools([reader(ran)]), name: 'innermost' }, config);
    const middle = () => runAgent({ model: modelCalling(ask), tools: asking(innermost), name: 'middle' }, config);
    const { last } = await runAgent({ model: modelCalling(ask), tools: asking(middle), name: 'boss', middleware: [guard.middleware()] });
    expect([last, ran]).toEqual(['done', ['docs/a.md']]);
    const refused = (await log()).find(({ type }) => type === 'policy.decision');
    expect(refused).toMatchObject({ 'gen_ai.agent.name': 'innermost', 'gen_ai.tool.call.id': 'outside' });
  });

  it('[LANGCHAIN-NO-WAY-AROUND] that is not guarded is fenced by the callback handler, as long as callbacks reach it', async () => {
    const ran: string[] = [];
    const { guard } = await agentGranted({ ...granted, ask: anyArgs() });
    const ask = tool(async () => (await runAgent({ model: modelCalling([inside, outside]), tools: [reader(ran)] })).last, {
      name: 'ask',
      description: '',
      schema: z.object({}),
    });
    const error = console.error;
    console.error = () => undefined;
    try {
      await runAgent({ model: modelCalling([{ name: 'ask', args: {} }]), tools: guard.tools([ask]) }, { callbacks: [guard.callbacks()] });
    } finally {
      console.error = error;
    }
    expect(ran).toEqual(['docs/a.md']);
  });
});

describe('a graph of one’s own', () => {
  it('[LANGCHAIN-NO-WAY-AROUND] with a ToolNode', async () => {
    const ran: string[] = [];
    const { guard, log } = await agentGranted(granted);
    const model = modelCalling([inside, outside]);
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addNode('tools', new ToolNode(guard.tools([reader(ran)])))
      .addEdge('__start__', 'model')
      .addConditionalEdges('model', ({ messages }) => ((messages.at(-1) as AIMessage).tool_calls?.length ? 'tools' : '__end__'))
      .addEdge('tools', 'model')
      .compile();
    const { messages } = await graph.invoke(go(), { callbacks: [guard.callbacks()] });
    expect(messages.at(-1)?.text).toBe('done');
    expect(ran).toEqual(['docs/a.md']);
    expect((await log()).map(({ type }) => type).toSorted()).toEqual(['model.turn', 'model.turn', 'policy.decision', 'tool.request', 'tool.result']);
  });

  it('[LANGCHAIN-NO-WAY-AROUND] that calls the tool itself', async () => {
    const ran: string[] = [];
    const { guard } = await agentGranted(granted);
    const [read] = guard.tools([reader(ran)]);
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('work', async () => ({ messages: [new AIMessage(await read.invoke({ path: '../../etc/passwd' }))] }))
      .addEdge('__start__', 'work')
      .compile();
    await expect(graph.invoke(go())).rejects.toMatchObject({ code: 'TALOS_DENIED' });
    expect(ran).toEqual([]);
  });

  it('[LANGCHAIN-NO-WAY-AROUND] with an agent for a node', async () => {
    const ran: string[] = [];
    const { guard } = await agentGranted(granted);
    const agent = createAgent({ model: modelCalling([inside, outside]), tools: guard.tools([reader(ran)]), name: 'worker' });
    const graph = new StateGraph(MessagesAnnotation).addNode('worker', agent.graph).addEdge('__start__', 'worker').compile();
    await graph.invoke(go());
    expect(ran).toEqual(['docs/a.md']);
  });
});
