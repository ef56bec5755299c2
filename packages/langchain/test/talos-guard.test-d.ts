import { RunnableLambda } from '@langchain/core/runnables';
import { createAgent, fakeModel, tool } from 'langchain';
import { expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import type { TalosGuard } from '../src/index.ts';

declare const guard: TalosGuard;
const add = tool(async ({ a }) => a + 1, { name: 'add', description: '', schema: z.object({ a: z.number() }) });
const shout = tool(async (text: string) => text.toUpperCase(), { name: 'shout', description: '', schema: z.string() });
const echo = RunnableLambda.from(async (input: { text: string }) => input.text).asTool({ name: 'echo', schema: z.object({ text: z.string() }) });

it('[LANGCHAIN-SAME-TOOL] tools keep their types, and their places', () => {
  const tools = guard.tools([add, shout, echo]);
  expectTypeOf(tools).toEqualTypeOf<[typeof add, typeof shout, typeof echo]>();
  expectTypeOf(tools[0].invoke({ a: 1 })).resolves.toEqualTypeOf<number>();
  createAgent({ model: fakeModel(), tools });
  createAgent({ model: fakeModel(), tools: guard.tools([]) });
  expectTypeOf(guard.tools([add] as (typeof add)[])).toEqualTypeOf<(typeof add)[]>();
  // @ts-expect-error -- a provider's own tool runs elsewhere
  guard.tools([{ type: 'web_search' }]);
});
