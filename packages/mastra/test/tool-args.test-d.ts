import { any, toolArgs, type ToolArgs, type ToolArgsOf } from '@talosprotocol/core/capability';
import { createTool } from '@mastra/core/tools';
import { expectTypeOf, it } from 'vitest';
import { z } from 'zod';

const readFile = createTool({
  id: 'read-file',
  description: '',
  inputSchema: z.object({ path: z.string(), lines: z.number().default(10) }),
  execute: async ({ path }) => ({ text: path }),
});
const ping = createTool({ id: 'ping', description: '', execute: async () => ({ ok: true }) });

it('[CAP-ARGUMENT-NAMES] of a Mastra tool', () => {
  toolArgs(readFile, { path: any(), lines: any() });
  expectTypeOf<keyof ToolArgsOf<typeof readFile>>().toEqualTypeOf<'path' | 'lines' | '*'>();
  // @ts-expect-error -- no such argument
  toolArgs(readFile, { file: any() });
  expectTypeOf<ToolArgsOf<typeof ping>>().toEqualTypeOf<ToolArgs>();
});
