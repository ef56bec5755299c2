import { any, toolArgs, type ToolArgs, type ToolArgsOf } from '@talosprotocol/core/capability';
import { RunnableLambda } from '@langchain/core/runnables';
import { DynamicStructuredTool, StructuredTool, tool } from '@langchain/core/tools';
import { expectTypeOf, it } from 'vitest';
import { z } from 'zod';

const schema = z.object({ to: z.string(), copies: z.number().default(1) });
const sent = tool(async ({ to }) => to, { name: 'send_mail', description: '', schema });
const dynamic = new DynamicStructuredTool({ name: 'send_mail', description: '', schema, func: async ({ to }) => to });
const json = { type: 'object', properties: { to: { type: 'string' } } } as const;
const byJson = tool(async () => 'sent', { name: 'send_mail', description: '', schema: json });
const shout = tool(async (text: string) => text.toUpperCase(), { name: 'shout', description: '', schema: z.string() });
const echo = RunnableLambda.from(async (input: { text: string }) => input.text).asTool({ name: 'echo', schema: z.object({ text: z.string() }) });

class SendMail extends StructuredTool<typeof schema> {
  override name = 'send_mail';
  override description = '';
  override schema = schema;
  protected override async _call({ to }: z.output<typeof schema>): Promise<string> {
    return to;
  }
}

it('[CAP-ARGUMENT-NAMES] of a LangChain tool', () => {
  expectTypeOf<keyof ToolArgsOf<typeof sent>>().toEqualTypeOf<'to' | 'copies' | '*'>();
  toolArgs(sent, { to: any(), copies: any() });
  toolArgs(dynamic, { to: any(), copies: any() });
  toolArgs(new SendMail(), { to: any(), copies: any() });
  toolArgs(byJson, { to: any() });
  // @ts-expect-error -- no such argument
  toolArgs(sent, { recipient: any() });
  // @ts-expect-error -- no such argument
  toolArgs(dynamic, { recipient: any() });
  // @ts-expect-error -- no such argument
  toolArgs(new SendMail(), { recipient: any() });
  // @ts-expect-error -- no such argument
  toolArgs(byJson, { recipient: any() });
});

it('[CAP-ARGUMENT-NAMES] of a LangChain tool that takes text, or whose type does not tell, any name', () => {
  expectTypeOf<ToolArgsOf<typeof shout>>().toEqualTypeOf<ToolArgs>();
  toolArgs(echo, { text: any() });
});
