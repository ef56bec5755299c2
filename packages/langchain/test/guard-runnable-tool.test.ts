import { any, anyArgs, eq } from '@talosprotocol/core';
import { RunnableLambda } from '@langchain/core/runnables';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agentGranted, modelCalling, runAgent } from './support.ts';

type Input = { path: string; limit: number };
const schema = z.object({ path: z.string(), limit: z.number().default(5) });

const echo = (ran: unknown[] = []) =>
  RunnableLambda.from(async (input: Input) => {
    ran.push(input);
    return JSON.stringify(input);
  }).asTool<Input>({ name: 'echo', description: 'Echoes.', schema: schema as z.ZodType<Input, Input> });

const call = (args: Record<string, unknown>) => ({ type: 'tool_call' as const, name: 'echo', id: 'c', args });

describe('a guarded runnable tool', () => {
  it('[LANGCHAIN-KINDS] runs when it is granted, and is refused when not', async () => {
    const ran: unknown[] = [];
    const { guard, log } = await agentGranted({ echo: { path: eq('a'), limit: any() } });
    const calls = [
      { name: 'echo', args: { path: 'a' } },
      { name: 'echo', args: { path: 'b' } },
    ];
    const { results, last } = await runAgent({ model: modelCalling(calls), tools: guard.tools([echo(ran)]) });
    expect(results['call_1']?.content).toBe('{"path":"a","limit":5}');
    expect(results['call_2']).toMatchObject({ status: 'error', content: expect.stringContaining('"code":"ARG_VIOLATES"') as string });
    expect(last).toBe('done');
    expect(ran).toEqual([{ path: 'a', limit: 5 }]);
    expect((await log()).map(({ type }) => type).toSorted()).toEqual(['policy.decision', 'tool.request', 'tool.result']);
  });

  it('[LANGCHAIN-DENY-DIRECT] throws when it is called with bare arguments', async () => {
    const { guard } = await agentGranted({ other: anyArgs() });
    const [echoed] = guard.tools([echo()]);
    await expect(echoed.invoke({ path: 'a', limit: 1 })).rejects.toMatchObject({ denialCode: 'TOOL_UNGRANTED' });
  });

  it.each([
    ['invoke', async (guarded: ReturnType<typeof echo>) => guarded.invoke({ path: 'a', limit: 1 })],
    ['batch', async (guarded: ReturnType<typeof echo>) => guarded.batch([{ path: 'a', limit: 1 }])],
    ['stream', async (guarded: ReturnType<typeof echo>) => drain(await guarded.stream({ path: 'a', limit: 1 }))],
    ['transform', async (guarded: ReturnType<typeof echo>) => drain(guarded.transform(once({ path: 'a', limit: 1 }), {}))],
    ['streamEvents', async (guarded: ReturnType<typeof echo>) => drain(guarded.streamEvents({ path: 'a', limit: 1 }, { version: 'v2' }))],
    ['streamLog', async (guarded: ReturnType<typeof echo>) => drain(guarded.streamLog({ path: 'a', limit: 1 }))],
    ['withConfig', async (guarded: ReturnType<typeof echo>) => guarded.withConfig({ tags: ['t'] }).invoke({ path: 'a', limit: 1 })],
    ['withRetry', async (guarded: ReturnType<typeof echo>) => guarded.withRetry({ stopAfterAttempt: 1 }).invoke({ path: 'a', limit: 1 })],
    ['withListeners', async (guarded: ReturnType<typeof echo>) => guarded.withListeners({}).invoke({ path: 'a', limit: 1 })],
    ['withFallbacks', async (guarded: ReturnType<typeof echo>) => guarded.withFallbacks([]).invoke({ path: 'a', limit: 1 })],
    ['pipe', async (guarded: ReturnType<typeof echo>) => guarded.pipe((value: unknown) => value).invoke({ path: 'a', limit: 1 })],
    [
      'asTool',
      async (guarded: ReturnType<typeof echo>) =>
        guarded.asTool({ name: 'x', schema: z.object({ path: z.string(), limit: z.number() }) }).invoke({ path: 'a', limit: 1 }),
    ],
  ])('[LANGCHAIN-NO-WAY-AROUND] is not reached by %s without its guard', async (_method, run) => {
    const ran: unknown[] = [];
    const { guard } = await agentGranted({ other: anyArgs() });
    const [guarded] = guard.tools([echo(ran)]);
    await expect(run(guarded)).rejects.toMatchObject({ denialCode: 'TOOL_UNGRANTED' });
    expect(ran).toEqual([]);
    const allowed = await agentGranted({ echo: anyArgs() });
    await run(allowed.guard.tools([echo(ran)])[0]);
    expect(ran).toEqual([{ path: 'a', limit: 1 }]);
  });

  it('[LANGCHAIN-EXECUTED-ARGS] is decided on what the schema makes of the arguments, and they are not parsed again', async () => {
    const ran: unknown[] = [];
    const { guard } = await agentGranted({ open: { path: eq('docs/a') } });
    const open = RunnableLambda.from(async (input: unknown) => ran.push(input)).asTool({
      name: 'open',
      schema: z.object({ path: z.string().transform((path) => `docs/${path}`) }),
    });
    const [guarded] = guard.tools([open]);
    await guarded.invoke({ ...call({ path: 'a' }), name: 'open' });
    expect(ran).toEqual([{ path: 'docs/a' }]);
  });

  it('[LANGCHAIN-EXECUTED-ARGS] refuses arguments that would be unwrapped a second time', async () => {
    const ran: unknown[] = [];
    const { guard } = await agentGranted({ open: { type: any(), args: any() } });
    const open = RunnableLambda.from(async (input: unknown) => ran.push(input)).asTool({ name: 'open', schema: z.looseObject({}) });
    const [guarded] = guard.tools([open]);
    await expect(guarded.invoke({ ...call({ type: 'tool_call', args: { path: '../../etc/passwd' } }), name: 'open' })).rejects.toThrow(
      'did not match expected schema',
    );
    expect(ran).toEqual([]);
  });

  it('[LANGCHAIN-TOOL-THROWS] answers a bad argument as it would without a guard', async () => {
    const { guard } = await agentGranted({ echo: anyArgs() });
    const calls = [{ name: 'echo', args: { path: 7 } }];
    const answer = async (tools: ReturnType<typeof echo>[]) => {
      const { results } = await runAgent({ model: modelCalling(calls), tools });
      // What follows is the stack.
      return { ...results['call_1'], content: results['call_1']?.content.split('\n')[0] };
    };
    expect(await answer(guard.tools([echo()]))).toEqual(await answer([echo()]));
  });
});

async function drain(values: AsyncIterable<unknown>): Promise<void> {
  for await (const _value of values);
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value;
}
