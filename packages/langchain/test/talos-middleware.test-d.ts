import { trace } from '@opentelemetry/api';
import { createAgent, createMiddleware, fakeModel, tool, type AgentMiddleware } from 'langchain';
import { createDeepAgent, type SubAgent } from 'deepagents';
import type { TalosClient } from '@talosprotocol/core';
import type { BaseMessage } from '@langchain/core/messages';
import { expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { talosGuard, type TalosGuard } from '../src/index.ts';

declare const guard: TalosGuard;
declare const client: TalosClient;
const add = tool(async ({ a }) => a + 1, { name: 'add', description: '', schema: z.object({ a: z.number() }) });

it('[LANGCHAIN-TYPES] middleware, sub-agents and context fit', () => {
  expectTypeOf(guard.middleware()).toExtend<AgentMiddleware>();
  const counting = createMiddleware({ name: 'Counting', stateSchema: z.object({ count: z.number().default(0) }) });
  const agent = createAgent({ model: fakeModel(), tools: guard.tools([add]), middleware: [counting, guard.middleware()] });
  const run = async () => agent.invoke({ messages: [], count: 1 }, { context: { ...guard.context('') } });
  expectTypeOf(run).returns.resolves.toHaveProperty('messages').toExtend<BaseMessage[]>();
  expectTypeOf(run).returns.resolves.toHaveProperty('count').toEqualTypeOf<number>();
  const spec = { name: 'sub', description: '', systemPrompt: '', tools: [add] } satisfies SubAgent;
  expectTypeOf(guard.subagent(spec)).toEqualTypeOf<typeof spec>();
  createDeepAgent({ model: fakeModel(), tools: guard.tools([add]), subagents: [guard.subagent(spec)], middleware: [guard.middleware()] });
});

it('[LANGCHAIN-TYPES] a client and a tracer of OpenTelemetry fit', () => {
  expectTypeOf(talosGuard({ client, approvals: 'interrupt', spans: { tracer: trace.getTracer('test') } })).toEqualTypeOf<TalosGuard>();
});
