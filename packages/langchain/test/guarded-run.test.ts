import { any, anyArgs, eq, oneOf } from '@talosprotocol/core';
import { BaseCallbackHandler } from '@langchain/core/callbacks/base';
import type { AIMessageChunk, BaseMessage } from '@langchain/core/messages';
import { StructuredTool } from '@langchain/core/tools';
import { BaseTracer } from '@langchain/core/tracers/base';
import { Command, interrupt, MemorySaver } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { createAgent, createMiddleware, tool, ToolMessage } from 'langchain';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agentGranted, go, modelCalling, runAgent } from './support.ts';

const text = z.object({ text: z.string() });
const shouter = (ran: string[] = []) =>
  tool(
    async ({ text }) => {
      ran.push(text);
      return text.toUpperCase();
    },
    { name: 'shout', description: 'Shouts.', schema: text },
  );

const passThrough = createMiddleware({ name: 'PassThrough', wrapToolCall: async (request, handler) => handler(request) });

describe('a guarded tool in an agent', () => {
  it.each([
    ['no middleware', []],
    ['tool-call middleware', [passThrough]],
  ])('[LANGCHAIN-ALLOW] [LANGCHAIN-DENY-AGENT] runs or is refused, with %s', async (_with, middleware) => {
    const ran: string[] = [];
    const { guard } = await agentGranted({ shout: { text: eq('hi') } });
    const model = modelCalling([{ name: 'shout', args: { text: 'hi' } }], [{ name: 'shout', args: { text: 'secret plan' }, id: 'c2' }]);
    const { results, last } = await runAgent({ model, tools: guard.tools([shouter(ran)]), middleware });
    expect(results['call_1']).toEqual({ content: 'HI', status: 'success' });
    expect(results['c2']?.status).toBe('error');
    expect(JSON.parse(results['c2']?.content ?? '')).toMatchObject({
      denied: true,
      code: 'ARG_VIOLATES',
      retryable: false,
      message: expect.any(String) as string,
    });
    expect(ran).toEqual(['hi']);
    expect(last).toBe('done');
    expect(model.callCount).toBe(3);
  });

  it('[LANGCHAIN-EXECUTED-ARGS] is decided on the arguments that middleware has changed', async () => {
    const ran: string[] = [];
    const { guard } = await agentGranted({ shout: { text: eq('hi') } });
    const tampering = createMiddleware({
      name: 'Tampering',
      wrapToolCall: async (request, handler) => handler({ ...request, toolCall: { ...request.toolCall, args: { text: 'EVIL' } } }),
    });
    const { results } = await runAgent({
      model: modelCalling([{ name: 'shout', args: { text: 'hi' } }]),
      tools: guard.tools([shouter(ran)]),
      middleware: [tampering],
    });
    expect(results['call_1']?.status).toBe('error');
    expect(ran).toEqual([]);
  });

  it('[LANGCHAIN-PARALLEL] stops one of three calls in a turn', async () => {
    const ran: string[] = [];
    const { guard, log } = await agentGranted({ shout: { text: oneOf(['a', 'c']) } });
    const calls = ['a', 'b', 'c'].map((letter) => ({ name: 'shout', args: { text: letter }, id: letter }));
    const { results, last } = await runAgent({ model: modelCalling(calls), tools: guard.tools([shouter(ran)]) });
    expect([results['a']?.content, results['b']?.status, results['c']?.content, last]).toEqual(['A', 'error', 'C', 'done']);
    expect(ran.toSorted()).toEqual(['a', 'c']);
    const entries = await log();
    expect(entries.filter((entry) => entry['gen_ai.tool.call.id'] === 'b').map(({ type }) => type)).toEqual(['policy.decision']);
    for (const id of ['a', 'c'])
      expect(entries.filter((entry) => entry['gen_ai.tool.call.id'] === id).map(({ type }) => type)).toEqual(['tool.request', 'tool.result']);
  });

  it('[LANGCHAIN-STREAM] shows the refusal in every stream mode, and the stream goes on', async () => {
    const ran: string[] = [];
    const { guard } = await agentGranted({ other: anyArgs() });
    const agent = createAgent({ model: modelCalling([{ name: 'shout', args: { text: 'a' } }]), tools: guard.tools([shouter(ran)]) });
    const seen: Record<string, unknown[]> = { updates: [], messages: [], tools: [] };
    for await (const [mode, chunk] of await agent.stream(go(), { streamMode: ['updates', 'messages', 'tools'] })) seen[mode]?.push(chunk);
    const refused = expect.objectContaining({
      status: 'error',
      tool_call_id: 'call_1',
      content: expect.stringContaining('"denied":true') as string,
    }) as ToolMessage;
    expect(seen['updates']).toContainEqual({ tools: expect.objectContaining({ messages: [refused] }) as object });
    expect(seen['messages']?.map((pair) => (pair as [AIMessageChunk])[0])).toContainEqual(refused);
    expect(seen['tools']).toContainEqual(expect.objectContaining({ event: 'on_tool_end', output: refused }));
    expect((seen['messages']?.map((pair) => (pair as [BaseMessage])[0].text) ?? []).join('')).toContain('done');
    expect(ran).toEqual([]);
  });

  it('[LANGCHAIN-GENERATOR] passes chunks on as they come, and returns what the generator returns', async () => {
    const { guard, log } = await agentGranted({ steps: anyArgs() });
    const seen: unknown[] = [];
    class Listener extends BaseCallbackHandler {
      readonly name = 'listener';
      override handleToolEvent = (chunk: unknown): void => void seen.push(chunk);
    }
    const steps = tool(
      async function* ({ text }: { text: string }) {
        yield `${text} 1`;
        seen.push((await log()).map(({ type }) => type));
        yield `${text} 2`;
        return `${text} done`;
      },
      { name: 'steps', description: '', schema: text },
    );
    const tools = guard.tools([steps]);
    expect(await tools[0].invoke({ text: 'x' }, { callbacks: [new Listener({ raiseError: true })] })).toBe('x done');
    expect(seen).toEqual(['x 1', ['tool.request'], 'x 2']);
    expect((await log()).map(({ type, outcome }) => [type, outcome])).toEqual([
      ['tool.request', undefined],
      ['tool.result', 'ok'],
    ]);
    const chunks: unknown[] = [];
    const agent = createAgent({ model: modelCalling([{ name: 'steps', args: { text: 'y' } }]), tools });
    for await (const chunk of await agent.stream(go(), { streamMode: 'tools' })) chunks.push(chunk);
    expect(chunks).toMatchObject([
      { event: 'on_tool_start' },
      { event: 'on_tool_event', data: 'y 1' },
      { event: 'on_tool_event', data: 'y 2' },
      { event: 'on_tool_end', output: { content: 'y done' } },
    ]);
  });

  it('[LANGCHAIN-GENERATOR] ends the record when the listener stops early', async () => {
    const { guard, log } = await agentGranted({ steps: anyArgs() });
    let cleaned = false;
    class Steps extends StructuredTool {
      readonly name = 'steps';
      readonly description = '';
      readonly schema = z.object({});
      override async *_call(): AsyncGenerator<string, string> {
        try {
          yield 'one';
          return 'done';
        } finally {
          cleaned = true;
        }
      }
    }
    const [steps] = guard.tools([new Steps()]);
    const generator = await (steps._call() as unknown as Promise<AsyncGenerator<string>>);
    expect(await generator.next()).toEqual({ value: 'one', done: false });
    await generator.return(undefined);
    expect(cleaned).toBe(true);
    expect((await log()).map(({ type }) => type)).toEqual(['tool.request', 'tool.result']);
  });

  it('[LANGCHAIN-GENERATOR] refuses before the first chunk, and passes on what is thrown after it', async () => {
    const { guard, log } = await agentGranted({ breaks: anyArgs() });
    let begun = 0;
    const generator = (name: string) =>
      tool(
        async function* () {
          begun++;
          yield 'one';
          throw new RangeError('broke');
        },
        { name, description: '', schema: z.object({}) },
      );
    const [refused, breaks] = guard.tools([generator('refused'), generator('breaks')]);
    await expect(refused.invoke({})).rejects.toMatchObject({ denialCode: 'TOOL_UNGRANTED' });
    expect(begun).toBe(0);
    await expect(breaks.invoke({})).rejects.toThrow(new RangeError('broke'));
    expect((await log()).map(({ type, outcome }) => [type, outcome])).toEqual([
      ['policy.decision', undefined],
      ['tool.request', undefined],
      ['tool.result', 'tool_error'],
    ]);
  });

  it('[LANGCHAIN-ALLOW] hands on a command as the graph expects it', async () => {
    const { guard } = await agentGranted({ remember: anyArgs() });
    const remember = tool(
      async (_input, config) => new Command({ update: { messages: [new ToolMessage({ content: 'kept', tool_call_id: config.toolCall?.id ?? '' })] } }),
      {
        name: 'remember',
        description: '',
        schema: z.object({}),
      },
    );
    const { results } = await runAgent({ model: modelCalling([{ name: 'remember', args: {} }]), tools: guard.tools([remember]) });
    expect(results['call_1']?.content).toBe('kept');
  });

  it('[LANGCHAIN-TOOL-THROWS] lets a tool interrupt the graph, and go on when it is resumed', async () => {
    const { guard } = await agentGranted({ ask: anyArgs() });
    const ask = tool(async () => `they said ${String(interrupt('go on?'))}`, { name: 'ask', description: '', schema: z.object({}) });
    const agent = createAgent({ model: modelCalling([{ name: 'ask', args: {} }]), tools: guard.tools([ask]), checkpointer: new MemorySaver() });
    const thread = { configurable: { thread_id: 't' } };
    expect(await agent.invoke(go(), thread)).toMatchObject({ __interrupt__: [{ value: 'go on?' }] });
    const { messages } = (await agent.invoke(new Command({ resume: 'yes' }), thread)) as { messages: BaseMessage[] };
    expect(messages.map((message) => message.text)).toContain('they said yes');
  });

  it('[LANGCHAIN-RECORD] says of an aborted call that it was cancelled', async () => {
    const { guard, log } = await agentGranted({ wait: anyArgs() });
    const stop = new AbortController();
    const [wait] = guard.tools([tool(async () => new Promise(() => stop.abort()), { name: 'wait', description: '', schema: z.object({}) })]);
    await expect(wait.invoke({}, { signal: stop.signal })).rejects.toThrow(/abort/i);
    expect((await log()).map(({ type, outcome }) => [type, outcome])).toEqual([
      ['tool.request', undefined],
      ['tool.result', 'cancelled'],
    ]);
  });

  it('[LANGCHAIN-NO-WAY-AROUND] is guarded in a sub-agent, without callbacks and in a graph of one’s own', async () => {
    const ran: string[] = [];
    const { guard } = await agentGranted({ other: anyArgs(), ask: anyArgs() });
    const tools = guard.tools([shouter(ran)]);
    const call = { name: 'shout', args: { text: 'a' } };
    const answers: unknown[] = [];
    const ask = tool(
      async () => {
        const { results } = await runAgent({ model: modelCalling([call]), tools, name: 'sub' }, { callbacks: [] });
        answers.push(results['call_1']);
        return 'asked';
      },
      { name: 'ask', description: '', schema: z.object({}) },
    );
    const { results } = await runAgent({ model: modelCalling([{ name: 'ask', args: {} }]), tools: guard.tools([ask]), middleware: [passThrough] });
    expect(results['call_1']?.content).toBe('asked');
    const { messages } = (await new ToolNode(tools).invoke({ messages: [await modelCalling([call]).invoke('go')] })) as { messages: ToolMessage[] };
    for (const answer of [...answers, messages[0]])
      expect(answer).toMatchObject({ status: 'error', content: expect.stringContaining('TOOL_UNGRANTED') as string });
    expect(answers).toHaveLength(1);
    expect(ran).toEqual([]);
  });

  it('[LANGCHAIN-RECORD] leaves entries that name the agent, run and call', async () => {
    const { guard, log, client } = await agentGranted({ shout: { text: eq('hi') } });
    const calls = [
      { name: 'shout', args: { text: 'hi' }, id: 'yes' },
      { name: 'shout', args: { text: 'no' }, id: 'no' },
    ];
    await runAgent({ model: modelCalling(calls), tools: guard.tools([shouter()]), name: 'boss' });
    const entries = await log();
    const of = (id: string) => entries.filter((entry) => entry['gen_ai.tool.call.id'] === id);
    expect(of('yes').map(({ type, outcome }) => [type, outcome])).toEqual([
      ['tool.request', undefined],
      ['tool.result', 'ok'],
    ]);
    expect(of('no')).toMatchObject([{ type: 'policy.decision', policy: { decision: 'deny', code: 'ARG_VIOLATES', arg: 'text' } }]);
    for (const entry of entries)
      expect(entry).toMatchObject({
        agent: client.did,
        framework: 'langchain',
        'gen_ai.tool.name': 'shout',
        'gen_ai.agent.name': 'boss',
        run: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      });
    expect(new Set(of('yes').map((entry) => entry['run'])).size).toBe(1);
  });

  it('[LANGCHAIN-RECORD-PRIVATE] [LANGCHAIN-TOKEN-PRIVATE] keeps arguments out of the log, and the capability out of every trace', async () => {
    const { guard, logText, capability } = await agentGranted({ shout: { text: any() } });
    const traced: string[] = [];
    class Tracer extends BaseTracer {
      readonly name = 'test-tracer';
      protected override async persistRun(run: unknown): Promise<void> {
        traced.push(JSON.stringify(run));
      }
    }
    const seen: unknown[] = [];
    const spy = tool(
      async (_input, config) => {
        seen.push(JSON.stringify(config, (key, value: unknown) => (key === 'callbacks' || key === 'control' ? undefined : value)));
        return 'Zebra crossing';
      },
      { name: 'shout', description: '', schema: text },
    );
    const calls = [
      { name: 'shout', args: { text: 'giraffe house' } },
      { name: 'nothing', args: { text: 'giraffe house' } },
      { name: 'shout', args: { text: 'giraffe house', other: 'x' } },
    ];
    await runAgent({ model: modelCalling(calls), tools: guard.tools([spy]) }, { callbacks: [new Tracer(), guard.callbacks()] });
    expect(await logText()).toContain('tool.request');
    expect(await logText()).not.toMatch(/giraffe|Zebra/i);
    expect(traced.join()).toContain('giraffe house');
    const signature = capability.split('.').at(-1) ?? '';
    expect(signature.length).toBeGreaterThan(80);
    for (const text of [...traced, ...seen, await logText()]) expect(text).not.toContain(signature);
  });
});
