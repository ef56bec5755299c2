import { any, anyArgs, eq, range } from '@talosprotocol/core';
import { TalosDeniedError } from '@talosprotocol/core/errors';
import { ToolMessage } from '@langchain/core/messages';
import { DynamicTool, StructuredTool } from '@langchain/core/tools';
import { tool } from 'langchain';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agentGranted, homeAppending, modelCalling, runAgent } from './support.ts';

const adder = (ran: unknown[] = []) =>
  tool(
    async (input) => {
      ran.push(input);
      return `sum ${input.a + input.b}`;
    },
    { name: 'add', description: 'Adds.', schema: z.object({ a: z.number(), b: z.number().default(1) }) },
  );

class Counter extends StructuredTool {
  #count = 0;
  readonly #step: number;
  readonly name = 'count';
  readonly schema = z.object({});

  constructor(step: number) {
    super();
    this.#step = step;
  }

  get description(): string {
    return `Counts in steps of ${this.#step}.`;
  }

  protected override async _call(): Promise<string> {
    this.#count += this.#step;
    return String(this.#count);
  }
}

describe('a guarded structured tool', () => {
  it('[LANGCHAIN-ALLOW] runs and returns what the tool returns', async () => {
    const { guard } = await agentGranted({ add: anyArgs() });
    const [add] = guard.tools([adder()]);
    expect(await add.invoke({ a: 1, b: 2 })).toBe('sum 3');
    expect(await add.invoke({ type: 'tool_call', name: 'add', id: 'c', args: { a: 1 } })).toMatchObject({
      content: 'sum 2',
      status: 'success',
      tool_call_id: 'c',
    });
    expect(await add.batch([{ a: 1 }, { a: 2 }])).toEqual(['sum 2', 'sum 3']);
  });

  it('[LANGCHAIN-DENY-DIRECT] throws when it is called directly and refused', async () => {
    const ran: unknown[] = [];
    const { guard, log } = await agentGranted({ add: { a: range({ max: 10 }), b: any() } });
    const [add] = guard.tools([adder(ran)]);
    const error: unknown = await add.invoke({ a: 11 }).catch((thrown: unknown) => thrown);
    expect(TalosDeniedError.isInstance(error) && error.denialCode).toBe('ARG_VIOLATES');
    expect((error as TalosDeniedError).entryId).toBe((await log()).at(-1)?.['id']);
    expect(ran).toEqual([]);
  });

  it('[LANGCHAIN-DENY-AGENT] answers a refused tool call with the refusal, in a place where LangChain passes it on', async () => {
    const { guard, log } = await agentGranted({ other: anyArgs() });
    const paired = tool(async () => ['text', { artifact: true }], {
      name: 'paired',
      description: '',
      schema: z.object({}),
      responseFormat: 'content_and_artifact',
    });
    const [add, pair] = guard.tools([adder(), paired]);
    const call = { type: 'tool_call', id: 'c7', args: { a: 1 } } as const;
    for (const name of ['add', 'paired']) {
      const message: unknown = await (name === 'add' ? add.invoke({ ...call, name }) : pair.invoke({ ...call, name }));
      expect(ToolMessage.isInstance(message)).toBe(true);
      expect(message).toMatchObject({ status: 'error', tool_call_id: 'c7', name, artifact: { entryId: (await log()).at(-1)?.['id'] } });
      expect(JSON.parse((message as ToolMessage).text)).toMatchObject({ denied: true, code: 'TOOL_UNGRANTED', retryable: false });
    }
  });

  it('[LANGCHAIN-KINDS] may be a class with private members, in its accessors too', async () => {
    const { guard } = await agentGranted({ count: anyArgs() });
    const original = new Counter(2);
    const [counter] = guard.tools([original]);
    expect(counter.description).toBe('Counts in steps of 2.');
    expect([await counter.invoke({}), await counter.invoke({}), await original.invoke({})]).toEqual(['2', '4', '6']);
  });

  it('[LANGCHAIN-KINDS] may take one string, which a grant names `input`', async () => {
    const { guard } = await agentGranted({ shout: { input: eq('hello') }, whisper: { input: any() } });
    const [shout, whisper] = guard.tools([
      new DynamicTool({ name: 'shout', description: '', func: async (text) => text.toUpperCase() }),
      tool(async (text: string) => `(${text})`, { name: 'whisper', description: '', schema: z.string() }),
    ]);
    expect([await shout.invoke('hello'), await shout.invoke({ input: 'hello' }), await whisper.invoke('psst')]).toEqual(['HELLO', 'HELLO', '(psst)']);
    await expect(shout.invoke('bye')).rejects.toMatchObject({ denialCode: 'ARG_VIOLATES' });
  });

  it('[LANGCHAIN-EXECUTED-ARGS] is decided on what it receives: defaults filled in, and changed by the schema', async () => {
    const ran: unknown[] = [];
    const { guard } = await agentGranted({ add: { a: any(), b: eq(1) }, open: { path: eq('docs/a.md') } });
    const open = tool(async ({ path }) => path, { name: 'open', description: '', schema: z.object({ path: z.string().transform((path) => `docs/${path}`) }) });
    const [add, opened] = guard.tools([adder(ran), open]);
    expect(await add.invoke({ a: 1 })).toBe('sum 2');
    expect(await opened.invoke({ path: 'a.md' })).toBe('docs/a.md');
    await expect(opened.invoke({ path: '../a.md' })).rejects.toMatchObject({ denialCode: 'ARG_VIOLATES' });
    expect(ran).toEqual([{ a: 1, b: 1 }]);
  });

  it('[LANGCHAIN-EXECUTED-ARGS] gets a copy, not the object that the caller keeps and may change', async () => {
    const kept = { list: ['a'] };
    const { guard } = await agentGranted(
      { keep: { list: eq(['a']) } },
      homeAppending((rows) => void (rows.includes('tool.request') && kept.list.push('evil'))),
    );
    const [keep] = guard.tools([
      tool(async (input: unknown) => input, { name: 'keep', description: '', schema: { type: 'object', properties: { list: { type: 'array' } } } }),
    ]);
    expect(await keep.invoke(kept)).toEqual({ list: ['a'] });
    expect(kept.list).toEqual(['a', 'evil']);
  });

  it('[LANGCHAIN-EXECUTED-ARGS] is refused when the schema makes of an argument what no constraint can read', async () => {
    const { guard } = await agentGranted({ at: anyArgs() });
    const [at] = guard.tools([
      tool(async () => 'ran', { name: 'at', description: '', schema: z.object({ when: z.string().transform((text) => new Date(text)) }) }),
    ]);
    await expect(at.invoke({ when: '2026-01-01' })).rejects.toMatchObject({ denialCode: 'ARG_VIOLATES' });
  });

  it.each([
    ['invoke', async (add: ReturnType<typeof adder>) => add.invoke({ a: 1 })],
    ['call', async (add: ReturnType<typeof adder>) => add.call({ a: 1 })],
    ['batch', async (add: ReturnType<typeof adder>) => add.batch([{ a: 1 }])],
    ['stream', async (add: ReturnType<typeof adder>) => drain(await add.stream({ a: 1 }))],
    ['streamEvents', async (add: ReturnType<typeof adder>) => drain(add.streamEvents({ a: 1 }, { version: 'v2' }))],
    ['withConfig', async (add: ReturnType<typeof adder>) => add.withConfig({ tags: ['t'], callbacks: [] }).invoke({ a: 1 })],
    ['withRetry', async (add: ReturnType<typeof adder>) => add.withRetry({ stopAfterAttempt: 1 }).invoke({ a: 1 })],
    ['pipe', async (add: ReturnType<typeof adder>) => add.pipe((value: unknown) => value).invoke({ a: 1 })],
    ['asTool', async (add: ReturnType<typeof adder>) => add.asTool({ name: 'x', schema: z.object({ a: z.number() }) }).invoke({ a: 1 })],
  ])('[LANGCHAIN-NO-WAY-AROUND] is not reached by %s without its guard', async (_method, run) => {
    const ran: unknown[] = [];
    const refused = await agentGranted({ other: anyArgs() });
    await expect(run(refused.guard.tools([adder(ran)])[0])).rejects.toMatchObject({ denialCode: 'TOOL_UNGRANTED' });
    expect(ran).toEqual([]);
    const allowed = await agentGranted({ add: anyArgs() });
    await run(allowed.guard.tools([adder(ran)])[0]);
    expect(ran).toEqual([{ a: 1, b: 1 }]);
  });

  it('[LANGCHAIN-TOOL-THROWS] throws the very error of the tool', async () => {
    const { guard } = await agentGranted({ fail: anyArgs() });
    const thrown = new TypeError('no such file');
    const [fail] = guard.tools([tool(async () => Promise.reject(thrown), { name: 'fail', description: '', schema: z.object({}) })]);
    await expect(fail.invoke({})).rejects.toBe(thrown);
  });

  it('[LANGCHAIN-TOOL-THROWS] makes the model read the same words as without a guard', async () => {
    const { guard } = await agentGranted({ fail: anyArgs() });
    const fail = tool(async () => Promise.reject(new TypeError('no such file')), { name: 'fail', description: '', schema: z.object({}) });
    const calls = [{ name: 'fail', args: {} }];
    const bare = await runAgent({ model: modelCalling(calls), tools: [fail] });
    const guarded = await runAgent({ model: modelCalling(calls), tools: guard.tools([fail]) });
    expect(guarded).toEqual(bare);
    expect(guarded.results['call_1']).toMatchObject({ status: 'error', content: expect.stringContaining('TypeError: no such file') as string });
  });

  it('[LANGCHAIN-TOOL-THROWS] leaves arguments that do not fit the schema to LangChain', async () => {
    const { guard, log } = await agentGranted({ add: anyArgs() });
    const calls = [{ name: 'add', args: { a: 'one' } }];
    const bare = await runAgent({ model: modelCalling(calls), tools: [adder()] });
    expect(await runAgent({ model: modelCalling(calls), tools: guard.tools([adder()]) })).toEqual(bare);
    expect(await log()).toEqual([]);
  });
});

async function drain(values: AsyncIterable<unknown>): Promise<void> {
  for await (const _value of values);
}
