import { generateText, streamText, tool, ToolLoopAgent, type LanguageModel } from 'ai';
import { expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import type { TalosGuard } from '../src/index.ts';
import type { TalosGuard as TalosGuard6 } from '../src/v6/index.ts';

declare const guard: TalosGuard;
declare const guard6: TalosGuard6;
declare const model: Exclude<LanguageModel, string>;
const add = tool({ description: '', inputSchema: z.object({ a: z.number() }), execute: async ({ a }) => a + 1 });
const ask = tool({ description: '', inputSchema: z.object({ question: z.string() }), outputSchema: z.string() });

it('[VERCEL-TYPES] tools and models keep their types', () => {
  expectTypeOf(guard.tools({ add, ask })).toEqualTypeOf<{ add: typeof add; ask: typeof ask }>();
  expectTypeOf(guard({ tools: { add } }).tools.add).toEqualTypeOf<typeof add>();
  expectTypeOf(guard6({ tools: { add } })).toEqualTypeOf<{ readonly tools: { add: typeof add } }>();
  expectTypeOf(guard.model(model)).toEqualTypeOf<typeof model>();
  void generateText({ model: guard.model(model), ...guard({ tools: { add, ask } }), prompt: '' });
  streamText({ model, tools: guard.tools({ add }), prompt: '' });
  expectTypeOf(new ToolLoopAgent({ model, ...guard({ tools: { add } }) }).tools.add).toEqualTypeOf<typeof add>();
  guard({ tools: { add }, toolApproval: { add: ({ a }) => (a > 1 ? 'denied' : 'approved') } });
  // @ts-expect-error -- there is no such tool
  guard({ tools: { add }, toolApproval: { remove: 'denied' } });
});
