import { any, toolArgs, type ToolArgs, type ToolArgsOf } from '@talosprotocol/core/capability';
import { dynamicTool, jsonSchema, tool } from 'ai';
import { expectTypeOf, it } from 'vitest';
import { z } from 'zod';

const inputSchema = z.object({ path: z.string(), lines: z.number().default(10) });
const readFile = tool({ description: '', inputSchema, execute: async ({ path }) => path });
const onClient = tool({ description: '', inputSchema });
const byJson = tool({ description: '', inputSchema: jsonSchema<{ path: string }>({ type: 'object' }), execute: async ({ path }) => path });
const unknown = dynamicTool({ description: '', inputSchema, execute: async () => 'read' });

it('[CAP-ARGUMENT-NAMES] of an AI SDK tool', () => {
  for (const read of [readFile, onClient]) toolArgs(read, { path: any(), lines: any() });
  expectTypeOf<keyof ToolArgsOf<typeof readFile>>().toEqualTypeOf<'path' | 'lines' | '*'>();
  toolArgs(byJson, { path: any() });
  // @ts-expect-error -- no such argument
  toolArgs(readFile, { file: any() });
  // @ts-expect-error -- no such argument
  toolArgs(onClient, { file: any() });
  // @ts-expect-error -- no such argument
  toolArgs(byJson, { file: any() });
  expectTypeOf<ToolArgsOf<typeof unknown>>().toEqualTypeOf<ToolArgs>();
});
