import { Agent, type AgentExecutionOptions } from '@mastra/core/agent';
import { createTool } from '@mastra/core/tools';
import { expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import type { TalosGuard } from '../src/index.ts';

declare const guard: TalosGuard;
declare const options: AgentExecutionOptions;

it('[MASTRA-TYPES] guarded configs, options and tools keep their types', () => {
  const read = createTool({ id: 'read', description: 'Reads.', inputSchema: z.object({ path: z.string() }), execute: async ({ path }) => path });
  expectTypeOf(guard.tools({ read })).toEqualTypeOf<{ read: typeof read }>();
  const config = { id: 'ops', name: 'Ops', instructions: 'Do.', model: 'openai/gpt-5', tools: { read } } as const;
  expectTypeOf(guard.agent(config)).toEqualTypeOf<typeof config>();
  expectTypeOf(new Agent(guard.agent(config)).id).toEqualTypeOf<'ops'>();
  expectTypeOf(guard.options(options)).toEqualTypeOf<AgentExecutionOptions>();
  expectTypeOf(guard.processor()).toExtend<NonNullable<AgentExecutionOptions['outputProcessors']>[number]>();
});
