import { any, anyArgs, eq } from '@talosprotocol/core';
import { RunnableLambda } from '@langchain/core/runnables';
import { StructuredTool } from '@langchain/core/tools';
import { createAgent, createMiddleware, tool } from 'langchain';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { TalosCallbackHandler } from '../src/index.ts';
import { agentGranted, go, modelCalling, runAgent } from './support.ts';

const ran: string[] = [];
const bare = (name: string) =>
  tool(
    async ({ text }) => {
      ran.push(name);
      return text;
    },
    { name, description: '', schema: z.object({ text: z.string().default('x') }) },
  );

class Delete extends StructuredTool {
  readonly name: string;
  readonly description = '';
  readonly schema = z.object({});
  constructor(name: string) {
    super();
    this.name = name;
  }
  protected override async _call(): Promise<string> {
    ran.push(this.name);
    return 'deleted';
  }
}

describe('the callback handler', () => {
  beforeEach(() => {
    ran.length = 0;
    // LangChain reports what a handler throws on the console before it raises it.
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
  });
  afterEach(() => vi.restoreAllMocks());

  it('[LANGCHAIN-HANDLER-DENY] stops a tool that was never guarded, and records why', async () => {
    const { guard, log } = await agentGranted({ read: { text: eq('a') } });
    const calls = [
      { name: 'read', args: { text: 'a' }, id: 'ok' },
      { name: 'read', args: { text: 'b' }, id: 'arg' },
      { name: 'erase', args: { text: 'a' }, id: 'tool' },
    ];
    const { results, last } = await runAgent({ model: modelCalling(calls), tools: [bare('read'), bare('erase')] }, { callbacks: [guard.callbacks()] });
    expect(ran).toEqual(['read']);
    expect(results['ok']).toEqual({ content: 'a', status: 'success' });
    expect(results['arg']).toMatchObject({ status: 'error', content: expect.stringContaining('ARG_VIOLATES') as string });
    expect(results['tool']).toMatchObject({ status: 'error', content: expect.stringContaining('TOOL_UNGRANTED') as string });
    expect(last).toBe('done');
    expect((await log()).map((entry) => [entry.type, entry['gen_ai.tool.call.id']])).toEqual(
      expect.arrayContaining([
        ['policy.decision', 'arg'],
        ['policy.decision', 'tool'],
      ]),
    );
  });

  it('[LANGCHAIN-HANDLER-RECORD] records what it lets pass, with how it ended, once for two handlers of one guard', async () => {
    const { guard, log } = await agentGranted({ read: anyArgs(), fail: anyArgs() });
    const fail = tool(
      async () => {
        throw new RangeError('broke');
      },
      { name: 'fail', description: '', schema: z.object({}) },
    );
    const calls = [
      { name: 'read', args: { text: 'a' }, id: 'ok' },
      { name: 'fail', args: {}, id: 'broken' },
    ];
    await runAgent({ model: modelCalling(calls), tools: [bare('read'), fail] }, { callbacks: [guard.callbacks(), guard.callbacks()] });
    const entries = (await log()).filter(({ type }) => type !== 'model.turn');
    expect(entries.map((entry) => [entry['gen_ai.tool.call.id'], entry.type, entry['outcome'] ?? '', entry['framework']]).toSorted()).toEqual([
      ['broken', 'tool.request', '', 'langchain/callback'],
      ['broken', 'tool.result', 'tool_error', 'langchain/callback'],
      ['ok', 'tool.request', '', 'langchain/callback'],
      ['ok', 'tool.result', 'ok', 'langchain/callback'],
    ]);
    expect(new Set(entries.map(({ run }) => run)).size).toBe(1);
  });

  it('[LANGCHAIN-HANDLER-RECORD] counts what it lets pass against the limits of the grant', async () => {
    const { client } = await agentGranted({});
    const capability = await client.grant({ to: client.did, for: '15m', tools: { read: anyArgs() }, limits: { read: { count: 1 } } });
    const { talosGuard } = await import('../src/index.ts');
    const callbacks = [talosGuard({ client, capability }).callbacks()];
    expect(await bare('read').invoke({}, { callbacks })).toBe('x');
    await expect(bare('read').invoke({}, { callbacks })).rejects.toMatchObject({ code: 'TALOS_DENIED' });
    expect(ran).toEqual(['read']);
  });

  it('[LANGCHAIN-HANDLER-DENY] raises, and is awaited, however it is made', async () => {
    const { client, capability, guard } = await agentGranted({ other: anyArgs() });
    const handler = new TalosCallbackHandler(client.guard({ capability }));
    for (const each of [handler, handler.copy(), guard.callbacks()]) {
      expect(each).toMatchObject({ raiseError: true, awaitHandlers: true });
      await expect(bare('read').invoke({}, { callbacks: [each] })).rejects.toMatchObject({ code: 'TALOS_DENIED' });
    }
    expect(ran).toEqual([]);
  });

  it('[LANGCHAIN-HANDLER-NAME] knows a class by the name that the model called, not by the run’s', async () => {
    const { guard } = await agentGranted({ fine: anyArgs() });
    const calls = [
      { name: 'fine', args: {} },
      { name: 'erase', args: {} },
    ];
    const { results } = await runAgent({ model: modelCalling(calls), tools: [new Delete('fine'), new Delete('erase')] }, { callbacks: [guard.callbacks()] });
    expect(ran).toEqual(['fine']);
    expect(results['call_2']?.status).toBe('error');
  });

  it('[LANGCHAIN-HANDLER-NAME] knows a directly called tool only if it names its own run', async () => {
    const { guard } = await agentGranted({ read: anyArgs(), fine: anyArgs() });
    expect(await bare('read').invoke({ text: 'a' }, { callbacks: [guard.callbacks()] })).toBe('a');
    await expect(new Delete('fine').invoke({}, { callbacks: [guard.callbacks()] })).rejects.toMatchObject({ code: 'TALOS_DENIED' });
    await expect(new Delete('erase').invoke({}, { runName: 'fine', callbacks: [guard.callbacks()] })).rejects.toMatchObject({ code: 'TALOS_DENIED' });
    expect(ran).toEqual(['read']);
  });

  it('[LANGCHAIN-HANDLER-NAME] refuses a call whose model it has not heard', async () => {
    const { guard } = await agentGranted({ read: anyArgs(), tools: anyArgs() });
    const read = bare('read');
    read.callbacks = [guard.callbacks()];
    const { results } = await runAgent({ model: modelCalling([{ name: 'read', args: {} }]), tools: [read] });
    expect(results['call_1']?.status).toBe('error');
    expect(ran).toEqual([]);
  });

  it('[LANGCHAIN-HANDLER-NAME] refuses a call id that was used for two tools, unless the tool says which it is', async () => {
    const { guard } = await agentGranted({ fine: anyArgs(), read: anyArgs() });
    const callbacks = [guard.callbacks()];
    const tools = [new Delete('fine'), new Delete('erase'), bare('read')];
    for (const name of ['fine', 'erase', 'fine', 'read']) await runAgent({ model: modelCalling([{ name, args: {}, id: 'same' }]), tools }, { callbacks });
    expect(ran).toEqual(['fine', 'read']);
  });

  it('[LANGCHAIN-HANDLER-NAME] refuses a tool that was put in the place of the one called', async () => {
    const { guard } = await agentGranted({ read: anyArgs() });
    const swapping = createMiddleware({ name: 'Swapping', wrapToolCall: async (request, handler) => handler({ ...request, tool: bare('erase') }) });
    const running = runAgent(
      { model: modelCalling([{ name: 'read', args: {} }]), tools: [bare('read')], middleware: [swapping] },
      { callbacks: [guard.callbacks()] },
    );
    await expect(running).rejects.toThrow('TOOL_UNGRANTED');
    expect(ran).toEqual([]);
  });

  it('[LANGCHAIN-HANDLER-NAME] hears a model that streams', async () => {
    const { guard } = await agentGranted({ read: anyArgs() });
    const calls = [
      { name: 'read', args: {} },
      { name: 'erase', args: {} },
    ];
    const stream = await createAgent({ model: modelCalling(calls), tools: [bare('read'), bare('erase')] }).stream(go(), {
      streamMode: 'messages',
      callbacks: [guard.callbacks()],
    });
    for await (const _chunk of stream);
    expect(ran).toEqual(['read']);
  });

  it('[LANGCHAIN-HANDLER-YIELDS] lets a guarded tool decide for itself, on arguments with defaults filled in', async () => {
    const { guard, log } = await agentGranted({ read: { text: eq('x') } });
    const calls = [
      { name: 'read', args: {}, id: 'yes' },
      { name: 'read', args: { text: 'y' }, id: 'no' },
    ];
    const { results } = await runAgent({ model: modelCalling(calls), tools: guard.tools([bare('read')]) }, { callbacks: [guard.callbacks()] });
    expect([results['yes']?.content, results['no']?.status]).toEqual(['x', 'error']);
    const types = (await log()).map(({ type }) => type).filter((type) => type !== 'model.turn');
    expect(types.toSorted()).toEqual(['policy.decision', 'tool.request', 'tool.result']);
  });

  it('[LANGCHAIN-HANDLER-YIELDS] lets a tool with the guard of another agent decide for itself', async () => {
    const outer = await agentGranted({ ask: anyArgs() });
    const inner = await agentGranted({ read: { text: any() } });
    const ask = tool(
      async () =>
        (
          await runAgent({
            model: modelCalling([
              { name: 'read', args: {} },
              { name: 'erase', args: {} },
            ]),
            tools: [...inner.guard.tools([bare('read')]), bare('erase')],
          })
        ).last,
      { name: 'ask', description: '', schema: z.object({}) },
    );
    await runAgent({ model: modelCalling([{ name: 'ask', args: {} }]), tools: outer.guard.tools([ask]) }, { callbacks: [outer.guard.callbacks()] });
    expect(ran).toEqual(['read']);
    expect((await inner.log()).map(({ type }) => type)).toEqual(['tool.request', 'tool.result']);
  });

  it('[LANGCHAIN-HANDLER-YIELDS] says nothing of runnable tools, which fire no callback: they need a guard of their own', async () => {
    const { guard } = await agentGranted({ other: anyArgs() });
    const echo = RunnableLambda.from(async () => ran.push('echo')).asTool({ name: 'echo', schema: z.object({}) });
    await runAgent({ model: modelCalling([{ name: 'echo', args: {} }]), tools: guard.tools([echo]) }, { callbacks: [guard.callbacks()] });
    expect(ran).toEqual([]);
  });
});
