import { anyArgs, eq, oneOf } from '@talosprotocol/core';
import { StoreError } from '@talosprotocol/core/errors';
import { AIMessage } from '@langchain/core/messages';
import { RunnableLambda } from '@langchain/core/runnables';
import { createAgent, createMiddleware, fakeModel, tool, toolRetryMiddleware, ToolMessage } from 'langchain';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { agentGranted, go, homeAppending, modelCalling, runAgent } from '../support.ts';

const text = z.object({ text: z.string().default('x') });
const bare = (name: string, ran: string[] = []) =>
  tool(
    async (input) => {
      ran.push(input.text);
      return input.text.toUpperCase();
    },
    { name, description: '', schema: text },
  );
const read = (value: string, id = 'call_1') => ({ name: 'read', args: { text: value }, id });

describe('guard.middleware()', () => {
  it('[LANGCHAIN-MIDDLEWARE] refuses a tool that was not guarded by a message, runs what is granted, and records both', async () => {
    const ran: string[] = [];
    const { guard, log } = await agentGranted({ read: { text: oneOf(['a', 'x']) } });
    const model = modelCalling([read('a', 'yes'), read('b', 'no'), { name: 'read', args: {}, id: 'default' }]);
    const { results, last } = await runAgent({ model, tools: [bare('read', ran)], middleware: [guard.middleware()] });
    expect([results['yes'], results['default'], last]).toEqual([{ content: 'A', status: 'success' }, { content: 'X', status: 'success' }, 'done']);
    expect(results['no']?.status).toBe('error');
    expect(JSON.parse(results['no']?.content ?? '')).toMatchObject({ denied: true, code: 'ARG_VIOLATES' });
    expect(ran.toSorted()).toEqual(['a', 'x']);
    const calls = (await log()).filter(({ type }) => !type.startsWith('model'));
    expect(calls.map((entry) => [entry['gen_ai.tool.call.id'], entry.type]).toSorted()).toEqual([
      ['default', 'tool.request'],
      ['default', 'tool.result'],
      ['no', 'policy.decision'],
      ['yes', 'tool.request'],
      ['yes', 'tool.result'],
    ]);
    expect(new Set(calls.map(({ run }) => run)).size).toBe(1);
  });

  it('[LANGCHAIN-MIDDLEWARE] decides once on a tool that is guarded already', async () => {
    const { guard, log } = await agentGranted({ read: anyArgs() });
    await runAgent(
      { model: modelCalling([read('a')]), tools: guard.tools([bare('read')]), middleware: [guard.middleware()] },
      { callbacks: [guard.callbacks()] },
    );
    expect((await log()).map(({ type }) => type)).toEqual(['model.turn', 'tool.request', 'tool.result', 'model.turn']);
  });

  it('[LANGCHAIN-MIDDLEWARE] guards a tool that another middleware brings, also one that is registered nowhere', async () => {
    const ran: string[] = [];
    const { guard } = await agentGranted({ read: anyArgs() });
    const bringing = createMiddleware({ name: 'Bringing', tools: [bare('erase', ran)] });
    const dynamic = createMiddleware({
      name: 'Dynamic',
      wrapToolCall: async (request, handler) => handler(request.toolCall.name === 'wipe' ? { ...request, tool: bare('wipe', ran) } : request),
    });
    const calls = ['read', 'erase', 'wipe'].map((name) => ({ name, args: { text: name }, id: name }));
    const { results } = await runAgent({ model: modelCalling(calls), tools: [bare('read', ran)], middleware: [bringing, dynamic, guard.middleware()] });
    expect(ran).toEqual(['read']);
    for (const name of ['erase', 'wipe'])
      expect(results[name]).toMatchObject({ status: 'error', content: expect.stringContaining('TOOL_UNGRANTED') as string });
  });

  it('[LANGCHAIN-MIDDLEWARE] refuses what it cannot guard, even if its name is granted', async () => {
    const ran: string[] = [];
    const { guard, log } = await agentGranted({ read: anyArgs() });
    const odd = { name: 'read', description: '', schema: text, lc_namespace: [], invoke: async () => ran.push('odd') };
    const swapping = createMiddleware({ name: 'Swapping', wrapToolCall: async (request, handler) => handler({ ...request, tool: odd as never }) });
    const { results } = await runAgent({ model: modelCalling([read('a')]), tools: [bare('read')], middleware: [swapping, guard.middleware()] });
    expect(results['call_1']).toMatchObject({ status: 'error', content: expect.stringContaining('TOOL_UNGRANTED') as string });
    expect((await log()).map(({ type }) => type)).toContain('policy.decision');
    expect(ran).toEqual([]);
  });

  it('[LANGCHAIN-MIDDLEWARE] guards a runnable that was made a tool', async () => {
    const ran: string[] = [];
    const { guard } = await agentGranted({ other: anyArgs() });
    const echo = RunnableLambda.from(async () => ran.push('echo')).asTool({ name: 'echo', schema: z.object({}) });
    const { results } = await runAgent({ model: modelCalling([{ name: 'echo', args: {} }]), tools: [echo], middleware: [guard.middleware()] });
    expect([results['call_1']?.status, ran]).toEqual(['error', []]);
  });

  it.each(['before', 'after'])('[LANGCHAIN-EXECUTED-ARGS] decides on what runs, with a middleware that changes arguments %s it', async (place) => {
    const ran: string[] = [];
    const { guard } = await agentGranted({ read: { text: eq('a') } });
    const tampering = createMiddleware({
      name: 'Tampering',
      wrapToolCall: async (request, handler) => handler({ ...request, toolCall: { ...request.toolCall, args: { text: 'EVIL' } } }),
    });
    const middleware = place === 'before' ? [tampering, guard.middleware()] : [guard.middleware(), tampering];
    const { results } = await runAgent({ model: modelCalling([read('a')]), tools: [bare('read', ran)], middleware });
    expect(results['call_1']?.status).toBe('error');
    expect(ran).toEqual([]);
  });

  it('[LANGCHAIN-STREAM] shows the refusal in every stream mode', async () => {
    const { guard } = await agentGranted({ other: anyArgs() });
    const agent = createAgent({ model: modelCalling([read('a')]), tools: [bare('read')], middleware: [guard.middleware()] });
    const seen: Record<string, unknown[]> = { updates: [], messages: [], tools: [] };
    for await (const [mode, chunk] of await agent.stream(go(), { streamMode: ['updates', 'messages', 'tools'] })) seen[mode]?.push(chunk);
    for (const mode of ['updates', 'messages']) expect(JSON.stringify(seen[mode])).toContain('TOOL_UNGRANTED');
    expect(JSON.stringify(seen['messages'])).toContain('done');
  });

  it('[LANGCHAIN-OTHER-GUARD] two guards in one agent both have to allow', async () => {
    const ran: string[] = [];
    const [one, two] = [await agentGranted({ read: { text: oneOf(['a', 'b']) } }), await agentGranted({ read: { text: oneOf(['b', 'c']) } })];
    const calls = ['a', 'b', 'c'].map((letter) => read(letter, letter));
    await runAgent({ model: modelCalling(calls), tools: [bare('read', ran)], middleware: [one.guard.middleware(), two.guard.middleware({ name: 'Second' })] });
    expect(ran).toEqual(['b']);
  });
});

describe('what goes wrong beside the middleware', () => {
  const failing = () =>
    tool(
      async () => {
        throw new RangeError('out of range');
      },
      { name: 'read', description: '', schema: text },
    );

  it('[LANGCHAIN-TOOL-ERRORS] an error of a tool reaches the model in LangChain’s words, as it does without middleware', async () => {
    const { guard, log } = await agentGranted({ read: anyArgs() });
    const without = await runAgent({ model: modelCalling([read('a')]), tools: [failing()] });
    const beside = await runAgent({ model: modelCalling([read('a')]), tools: [failing()], middleware: [guard.middleware()] });
    expect([beside.last, beside.results['call_1']]).toEqual([without.last, { status: 'error', content: without.results['call_1']?.content }]);
    expect(beside.results['call_1']?.content).toContain('out of range');
    expect((await log()).map(({ outcome }) => outcome)).toContain('tool_error');
  });

  it('[LANGCHAIN-TOOL-ERRORS] arguments that do not fit do too, and stand in the record of the turn alone', async () => {
    const { guard, log } = await agentGranted({ read: anyArgs() });
    const wrong = { name: 'read', args: { text: 7 }, id: 'wrong' };
    const { results, last } = await runAgent({ model: modelCalling([wrong]), tools: [bare('read')], middleware: [guard.middleware()] });
    expect([results['wrong']?.status, last]).toEqual(['error', 'done']);
    expect(results['wrong']?.content).toContain('did not match expected schema');
    const [first, ...rest] = await log();
    expect(first).toMatchObject({ type: 'model.turn', calls: [{ tool: 'read', call: 'wrong' }] });
    expect(rest.map(({ type }) => type)).toEqual(['model.turn']);
  });

  it('[LANGCHAIN-ATTEMPTS] a tool that is not there is refused and recorded, granted or not', async () => {
    const { guard, log } = await agentGranted({ read: anyArgs(), ghost: anyArgs() });
    const calls = ['ghost', 'nothing'].map((name) => ({ name, args: {}, id: name }));
    const { results, last } = await runAgent({ model: modelCalling(calls), tools: [bare('read')], middleware: [guard.middleware()] });
    expect([results['ghost']?.status, results['nothing']?.status, last]).toEqual(['error', 'error', 'done']);
    const entries = await log();
    expect(entries[0]).toMatchObject({ type: 'model.turn', calls: [{ tool: 'ghost' }, { tool: 'nothing' }] });
    expect(
      entries
        .filter(({ type }) => type === 'policy.decision')
        .map((entry) => entry['gen_ai.tool.call.id'])
        .toSorted(),
    ).toEqual(['ghost', 'nothing']);
  });

  it('[LANGCHAIN-RETRY] a middleware that retries sees errors of tools if they are left to it, and never a refusal', async () => {
    let runs = 0;
    const flaky = tool(
      async () => {
        if (++runs < 3) throw new Error('busy');
        return 'read at last';
      },
      { name: 'read', description: '', schema: text },
    );
    const { guard, log } = await agentGranted({ read: { text: eq('a') } });
    const retry = toolRetryMiddleware({ maxRetries: 3, initialDelayMs: 1, jitter: false });
    // Its own types do not fit under exactOptionalPropertyTypes.
    const middleware = [retry as never, guard.middleware({ toolErrors: 'throw' })];
    const { results } = await runAgent({ model: modelCalling([read('a', 'yes'), read('b', 'no')]), tools: [flaky], middleware });
    expect([results['yes']?.content, results['no']?.status]).toEqual(['read at last', 'error']);
    expect(runs).toBe(3);
    const entries = await log();
    expect(entries.filter(({ type }) => type === 'policy.decision')).toHaveLength(1);
    expect(entries.filter(({ type }) => type === 'tool.result').map(({ outcome }) => outcome)).toEqual(['tool_error', 'tool_error', 'ok']);
  });

  it('[LANGCHAIN-RETRY] a middleware that words errors keeps the words of a refusal', async () => {
    const { guard } = await agentGranted({ other: anyArgs() });
    const wording = createMiddleware({
      name: 'Wording',
      wrapToolCall: async (request, handler) => {
        try {
          return await handler(request);
        } catch {
          return new ToolMessage({ content: 'worded', tool_call_id: request.toolCall.id ?? '' });
        }
      },
    });
    const { results } = await runAgent({ model: modelCalling([read('a')]), tools: [bare('read')], middleware: [wording, guard.middleware()] });
    expect(results['call_1']?.content).toContain('TOOL_UNGRANTED');
  });

  it('[LANGCHAIN-ABORT] an abort ends the run, and the call is recorded as cancelled', async () => {
    const { guard, log } = await agentGranted({ read: anyArgs() });
    const stop = new AbortController();
    const waiting = tool(
      async () =>
        new Promise<string>(() => {
          stop.abort();
        }),
      { name: 'read', description: '', schema: text },
    );
    const running = runAgent({ model: modelCalling([read('a')]), tools: [waiting], middleware: [guard.middleware()] }, { signal: stop.signal });
    await expect(running).rejects.toThrow(/abort/i);
    await vi.waitFor(async () => expect((await log()).map(({ outcome }) => outcome)).toContain('cancelled'), { timeout: 20_000 });
  });

  it.each(['tool.request', 'model.turn'])('[LANGCHAIN-LOG-FAILS] nothing runs and nothing is handed on when the log does not take a %s', async (type) => {
    const ran: string[] = [];
    const stores = homeAppending((rows) => {
      if (rows.includes(`"${type}"`)) throw new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: 'the disk is full' });
    });
    const { guard } = await agentGranted({ read: anyArgs() }, stores);
    const running = runAgent({ model: modelCalling([read('a')]), tools: [bare('read', ran)], middleware: [guard.middleware()] });
    await expect(running).rejects.toThrow();
    expect(ran).toEqual([]);
  });
});

describe('model turns', () => {
  it('[LANGCHAIN-TURNS] are on record with their calls and no content', async () => {
    const { guard, log, logText } = await agentGranted({ read: anyArgs() });
    const agent = { model: modelCalling([read('very secret')]), tools: [bare('read')], middleware: [guard.middleware()], name: 'boss' };
    await runAgent(agent, { callbacks: [guard.callbacks()] });
    const turns = (await log()).filter(({ type }) => type === 'model.turn');
    expect(turns).toMatchObject([
      { calls: [{ tool: 'read', call: 'call_1' }], outcome: 'ok', framework: 'langchain', 'gen_ai.agent.name': 'boss' },
      { outcome: 'ok' },
    ]);
    for (const turn of turns) expect(Object.keys(turn['commit'] as object).toSorted()).toEqual(['input', 'output']);
    // The LangGraph of the lowest versions tells a model no run.
    expect(new Set((await log()).map(({ run }) => run).filter((run) => run !== undefined)).size).toBe(1);
    expect(await logText()).not.toMatch(/secret/i);
  });

  it('[LANGCHAIN-TURNS] are on record in a graph of one’s own by the callback handler', async () => {
    const { guard, log } = await agentGranted({ read: anyArgs() });
    await modelCalling([read('a')]).invoke('go', { callbacks: [guard.callbacks()] });
    expect(await log()).toMatchObject([{ type: 'model.turn', calls: [{ tool: 'read', call: 'call_1' }], outcome: 'ok', framework: 'langchain' }]);
  });

  it('[LANGCHAIN-TURNS] that failed are recorded as failed, and the error stays what it was', async () => {
    const { guard, log } = await agentGranted({ read: anyArgs() });
    const broken = () => fakeModel().respond(new Error('the provider is down'));
    await expect(runAgent({ model: broken(), tools: [], middleware: [guard.middleware()] })).rejects.toThrow('the provider is down');
    await expect(broken().invoke('go', { callbacks: [guard.callbacks()] })).rejects.toThrow('the provider is down');
    expect((await log()).map(({ type, outcome }) => [type, outcome])).toEqual([
      ['model.turn', 'error'],
      ['model.turn', 'error'],
    ]);
  });

  it('[LANGCHAIN-TURNS] can be switched off', async () => {
    const { client, capability, log } = await agentGranted({ read: anyArgs() });
    const { talosGuard } = await import('@talosprotocol/langchain');
    const guard = talosGuard({ client, capability, turns: false });
    await runAgent({ model: modelCalling([read('a')]), tools: [bare('read')], middleware: [guard.middleware()] }, { callbacks: [guard.callbacks()] });
    expect((await log()).map(({ type }) => type)).toEqual(['tool.request', 'tool.result']);
  });
});

describe('tools of the provider', () => {
  const search = { type: 'web_search_20250305', name: 'web_search' };

  it('[LANGCHAIN-PROVIDER-TOOLS] are taken out of requests, and the log says so', async () => {
    const { guard, log } = await agentGranted({ read: anyArgs() });
    const offered = async (middleware: readonly ReturnType<typeof guard.middleware>[]) => {
      const model = modelCalling();
      const bind = vi.spyOn(model, 'bindTools');
      await runAgent({ model, tools: [bare('read'), search], middleware });
      return (bind.mock.calls[0]![0] as readonly { readonly name: string }[]).map(({ name }) => name);
    };
    expect(await offered([])).toEqual(['read', 'web_search']);
    expect(await offered([guard.middleware()])).toEqual(['read']);
    expect(await log()).toMatchObject([{ type: 'model.turn', stripped: ['web_search'] }]);
  });

  it('[LANGCHAIN-PROVIDER-TOOLS] that ran all the same are recorded as that', async () => {
    const { guard, log } = await agentGranted({ read: anyArgs() });
    const content = [
      { type: 'server_tool_call', id: 'srv_1', name: 'web_search', args: { query: 'q' } },
      { type: 'text', text: 'found' },
    ];
    const model = fakeModel().respond(new AIMessage({ id: 'provider-1', content, response_metadata: { output_version: 'v1' } }));
    await runAgent({ model, tools: [], middleware: [guard.middleware()] });
    expect(await log()).toMatchObject([{ type: 'model.turn', calls: [{ tool: 'web_search', call: 'srv_1', at_provider: true }] }]);
  });
});
