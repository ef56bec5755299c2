import type { MCPServerStdio, RunContext, tool as sdkTool, handoff as sdkHandoff } from '@openai/agents';
import { expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import type { TalosGuard } from '../src/index.ts';

declare const guard: TalosGuard;
declare const server: MCPServerStdio;

it('[OPENAI-TYPES] guarded tools, servers and handoffs keep their types', () => {
  expectTypeOf(guard.tool).toEqualTypeOf<typeof sdkTool>();
  expectTypeOf(guard.handoff).toEqualTypeOf<typeof sdkHandoff>();
  const read = guard.tool({
    name: 'read',
    description: 'Reads.',
    parameters: z.object({ path: z.string(), limit: z.number() }),
    execute: async (input, context) => {
      expectTypeOf(input).toEqualTypeOf<{ path: string; limit: number }>();
      expectTypeOf(context).toEqualTypeOf<RunContext | undefined>();
      return input.path;
    },
  });
  expectTypeOf(guard.tools([read])).toEqualTypeOf<(typeof read)[]>();
  expectTypeOf(guard.mcpServer(server)).toEqualTypeOf<MCPServerStdio>();
});
