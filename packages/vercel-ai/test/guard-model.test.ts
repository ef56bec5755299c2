import { UsageError } from '@talosprotocol/core/errors';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { generateText, isStepCount, streamText, tool } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { failingHome } from './support.ts';
import { talosGuard } from '../src/index.ts';
import { agentGranted, modelCalling } from './support.ts';

const granted = { read: { path: { subpath: { root: 'docs' } } } } as const;
const stopWhen = isStepCount(5);
const call = { name: 'read', args: { path: 'docs/a.md' } };
const read = tool({ description: 'Reads.', inputSchema: z.object({ path: z.string() }), execute: async ({ path }) => `contents of ${path}` });
const webSearch = { type: 'provider', isProviderExecuted: true, id: 'acme.web_search', args: {}, inputSchema: z.object({}) } as const;

describe('guard.model', () => {
  it.each(['generateText', 'streamText'])('[VERCEL-TURNS] puts every turn on record with its calls and no content, in %s', async (how) => {
    const { guard, log, logText } = await agentGranted(granted);
    const model = guard.model(modelCalling([call]));
    const settings = { model, tools: guard.tools({ read }), stopWhen, prompt: 'a very secret question' };
    if (how === 'generateText') await generateText(settings);
    else await streamText(settings).consumeStream();
    const turns = (await log()).filter(({ type }) => type === 'model.turn');
    expect(turns).toMatchObject([
      { 'gen_ai.request.model': 'script', 'gen_ai.provider.name': 'script', calls: [{ tool: 'read', call: 'call_1' }], outcome: 'ok', framework: 'vercel-ai' },
      { outcome: 'ok' },
    ]);
    for (const turn of turns) expect(Object.keys(turn['commit'] as object).toSorted()).toEqual(['input', 'output']);
    // The SDK tells a model nothing of its run: the id of the call leads to it, or telemetry does.
    expect(turns.map(({ run }) => run)).toEqual([undefined, undefined]);
    expect(await logText()).not.toMatch(/secret|contents of|docs\/a/);
  });

  it('[VERCEL-TURNS] can be switched off', async () => {
    const { client, capability, log } = await agentGranted(granted);
    const guard = talosGuard({ client, capability, turns: false });
    await generateText({ model: guard.model(modelCalling([call])), tools: guard.tools({ read }), stopWhen, prompt: 'go' });
    expect((await log()).map(({ type }) => type)).toEqual(['tool.request', 'tool.result']);
  });

  it('[VERCEL-PROVIDER-TOOLS] takes tools of the provider out of the request, and says so in the log', async () => {
    const { guard, log } = await agentGranted(granted);
    const model = modelCalling();
    await generateText({ model: guard.model(model), tools: { ...guard.tools({ read }), webSearch }, stopWhen, prompt: 'go' });
    expect(model.calls[0]?.tools?.map(({ type, name }) => [type, name])).toEqual([['function', 'read']]);
    expect(await log()).toMatchObject([{ type: 'model.turn', stripped: ['webSearch'] }]);
    const bare = modelCalling();
    await generateText({ model: bare, tools: { webSearch }, stopWhen, prompt: 'go' });
    expect(bare.calls[0]?.tools?.map(({ type }) => type)).toEqual(['provider']);
  });

  it('[VERCEL-PROVIDER-TOOLS] what ran at the provider all the same is recorded as that', async () => {
    const { guard, log } = await agentGranted(granted);
    const ran = { type: 'tool-call', toolCallId: 'p', toolName: 'web_search', input: '{}', providerExecuted: true };
    const answer = { type: 'tool-result', toolCallId: 'p', toolName: 'web_search', result: 'found', providerExecuted: true };
    await generateText({ model: guard.model(modelCalling([ran, answer] as never)), tools: guard.tools({ read }), stopWhen, prompt: 'go' }).catch(
      () => undefined,
    );
    expect((await log())[0]).toMatchObject({ type: 'model.turn', calls: [{ tool: 'web_search', call: 'p', at_provider: true }] });
  });

  it('[VERCEL-ATTEMPTS] calls that the SDK rejects by itself stand in the turn, and have no entry of their own', async () => {
    const { guard, log } = await agentGranted(granted);
    const model = guard.model(
      modelCalling([
        { name: 'unknown', args: {}, id: 'u' },
        { name: 'read', args: { path: 7 }, id: 'i' },
      ]),
    );
    await generateText({ model, tools: guard.tools({ read }), stopWhen, prompt: 'go' });
    const entries = await log();
    expect(entries[0]).toMatchObject({
      type: 'model.turn',
      calls: [
        { tool: 'unknown', call: 'u' },
        { tool: 'read', call: 'i' },
      ],
      call_count: 2,
    });
    expect(entries.filter(({ type }) => type !== 'model.turn')).toEqual([]);
  });

  it('[VERCEL-TURNS] a turn that cannot be recorded is not handed on', async () => {
    const { stores, fail } = failingHome();
    const { guard } = await agentGranted(granted, stores);
    fail();
    const model = guard.model(modelCalling([call]));
    await expect(generateText({ model, tools: { read }, maxRetries: 0, stopWhen, prompt: 'go' })).rejects.toThrow('no space left');
  });

  it('[VERCEL-TURNS] what the provider throws passes through, and is on record', async () => {
    const { guard, log } = await agentGranted(granted);
    const broken = new Error('overloaded');
    const model = { ...modelCalling(), doGenerate: () => Promise.reject(broken) };
    await expect(generateText({ model: guard.model(model), maxRetries: 0, prompt: 'go' })).rejects.toBe(broken);
    expect(await log()).toMatchObject([{ type: 'model.turn', outcome: 'error' }]);
  });

  it('[VERCEL-TURNS] takes a model, not the name of one', async () => {
    const { guard } = await agentGranted(granted);
    expect(() => guard.model('acme/large')).toThrow(UsageError);
    expect(() => guard.model(null as never)).toThrow(UsageError);
  });

  it('[VERCEL-TURNS] works over a real provider’s HTTP, as local models have it', async () => {
    const { guard, log } = await agentGranted(granted);
    let requests = 0;
    const toolCall = { id: 'h', type: 'function', function: { name: 'read', arguments: '{"path":"../../etc/passwd"}' } };
    const server = createServer((_, response) => {
      const message = requests++ === 0 ? { role: 'assistant', content: null, tool_calls: [toolCall] } : { role: 'assistant', content: 'done' };
      const finish_reason = requests === 1 ? 'tool_calls' : 'stop';
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ id: 'r', created: 0, model: 'local', choices: [{ index: 0, message, finish_reason }] }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const provider = createOpenAICompatible({ name: 'local', baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` });
      const { text } = await generateText({ model: guard.model(provider('local')), ...guard({ tools: { read } }), stopWhen, prompt: 'go' });
      expect(text).toBe('done');
    } finally {
      server.closeAllConnections();
      server.close();
    }
    expect((await log()).map(({ type }) => type)).toEqual(['model.turn', 'policy.decision', 'model.turn']);
  });
});
