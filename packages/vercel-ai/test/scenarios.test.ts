import { tool, generateText, isStepCount, readUIMessageStream, registerTelemetry, streamText, ToolLoopAgent, wrapLanguageModel, type UIMessageChunk } from 'ai';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { talosGuard, talosPolicy, talosTelemetry, toolDigests } from '../src/index.ts';
import { talosGuard as talosGuard6, toolDigests as toolDigests6 } from '../src/v6/index.ts';
import * as v7 from '../src/v7/index.ts';
import { agentGranted, modelCalling, toolOutputs } from './support.ts';

const path = z.object({ path: z.string() });
const granted = { read: { path: { subpath: { root: 'docs' } } } } as const;
const stopWhen = isStepCount(5);
const [inside, outside] = [
  { name: 'read', args: { path: 'docs/a.md' } },
  { name: 'read', args: { path: '../../etc/passwd' } },
];

function reader(paths: string[] = []) {
  const read = tool({ description: 'Reads.', inputSchema: path, execute: async (input) => paths.push(input.path) });
  return { read, paths };
}

afterEach(() => {
  globalThis.AI_SDK_TELEMETRY_INTEGRATIONS = [];
});

describe('ways past a hook', () => {
  it('[VERCEL-NO-WAY-AROUND] a sub-agent of a sub-agent', async () => {
    const { guard } = await agentGranted({ ...granted, ask: { task: 'any' } });
    const { read, paths } = reader();
    const asking = (inner: ToolLoopAgent<never, never, never>) =>
      guard.tools({
        ask: tool({ description: '', inputSchema: z.object({ task: z.string() }), execute: async ({ task }) => (await inner.generate({ prompt: task })).text }),
      });
    const ask = { name: 'ask', args: { task: 'go' } };
    const innermost = new ToolLoopAgent({ model: modelCalling([inside, outside]), tools: guard.tools({ read }) });
    const middle = new ToolLoopAgent({ model: modelCalling([ask]), tools: asking(innermost as never) });
    expect((await new ToolLoopAgent({ model: modelCalling([ask]), tools: asking(middle as never) }).generate({ prompt: 'go' })).text).toBe('done');
    expect(paths).toEqual(['docs/a.md']);
  });

  it('[VERCEL-NO-WAY-AROUND] telemetry that is off for a call, or replaced', async () => {
    const { guard } = await agentGranted(granted);
    const { read, paths } = reader();
    registerTelemetry(talosTelemetry(guard));
    for (const telemetry of [{ isEnabled: false }, { integrations: [{}] }])
      await generateText({ model: modelCalling([outside]), tools: guard.tools({ read }), telemetry, stopWhen, prompt: 'go' });
    expect(paths).toEqual([]);
  });

  it('[VERCEL-NO-WAY-AROUND] lifecycle callbacks that throw', async () => {
    const { guard } = await agentGranted(granted);
    const { read, paths } = reader();
    const fails = () => {
      throw new Error('a callback failed');
    };
    const model = modelCalling([outside]);
    await generateText({ model, ...guard({ tools: { read } }), onToolExecutionStart: fails, onStart: fails, onStepStart: fails, stopWhen, prompt: 'go' });
    expect(paths).toEqual([]);
  });

  it('[VERCEL-NO-WAY-AROUND] model middleware that hides a tool, which the model calls all the same', async () => {
    const { guard } = await agentGranted(granted);
    const { read, paths } = reader();
    const hiding = wrapLanguageModel({
      model: modelCalling([outside]),
      middleware: { specificationVersion: 'v4', transformParams: async ({ params }) => ({ ...params, tools: [] }) },
    });
    await generateText({ model: hiding, tools: guard.tools({ read }), stopWhen, prompt: 'go' });
    expect(paths).toEqual([]);
  });

  it('[VERCEL-EXECUTED-INPUT] input that the SDK refines: what runs is what is decided on', async () => {
    const { guard } = await agentGranted(granted);
    const { read, paths } = reader();
    const refine = (to: string) => ({ read: () => ({ path: to }) });
    const settings = { ...guard({ tools: { read } }), stopWhen, prompt: 'go' };
    await generateText({ model: modelCalling([inside]), ...settings, experimental_refineToolInput: refine('../../etc/passwd') });
    expect(paths).toEqual([]);
    await generateText({ model: modelCalling([outside]), ...settings, experimental_refineToolInput: refine('docs/b.md') });
    expect(paths).toEqual(['docs/b.md']);
  });
});

describe('what a consumer sees', () => {
  it('[VERCEL-UI-STREAM] a denied call is a part of the UI message, with the reason', async () => {
    const { guard } = await agentGranted(granted);
    const result = streamText({ model: modelCalling([outside]), ...guard({ tools: { read: reader().read } }), stopWhen, prompt: 'go' });
    const parts: { readonly type: string }[] = [];
    for await (const message of readUIMessageStream({ stream: result.toUIMessageStream() as ReadableStream<UIMessageChunk> }))
      parts.splice(0, Infinity, ...message.parts);
    const denied = parts.find(({ type }) => type === 'tool-read') as { readonly state?: string; readonly approval?: { readonly reason?: string } } | undefined;
    expect(denied?.state).toBe('output-denied');
    expect(denied?.approval?.reason).toContain('ARG_VIOLATES');
  });
});

describe('which run a call belongs to', () => {
  it('[VERCEL-RUN] carries the SDK’s own id when the telemetry is registered, in sub-agents too', async () => {
    const { guard, log } = await agentGranted({ ...granted, ask: { task: 'any' } });
    const started: string[] = [];
    registerTelemetry(guard.telemetry(), { onStart: ({ callId }) => void started.push(callId) });
    const inner = new ToolLoopAgent({ model: guard.model(modelCalling([inside])), tools: guard.tools({ read: reader().read }) });
    const ask = tool({ description: '', inputSchema: z.object({ task: z.string() }), execute: async () => (await inner.generate({ prompt: 'go' })).text });
    await generateText({ model: modelCalling([{ name: 'ask', args: { task: 'x' } }]), tools: guard.tools({ ask }), stopWhen, prompt: 'go' });
    const [outer, sub] = started;
    expect((await log()).map(({ type, run, 'gen_ai.tool.name': name }) => [type, name ?? '', run])).toEqual([
      ['tool.request', 'ask', outer],
      ['model.turn', '', sub],
      ['tool.request', 'read', sub],
      ['tool.result', 'read', sub],
      ['model.turn', '', sub],
      ['tool.result', 'ask', outer],
    ]);
  });

  it('[VERCEL-RUN] is the same for all steps of a run without telemetry, and another for the next run of the same conversation', async () => {
    const { guard, log } = await agentGranted(granted);
    const tools = guard.tools({ read: reader().read });
    const first = [{ role: 'user' as const, content: 'go' }];
    const { responseMessages } = await generateText({ model: modelCalling([inside], [inside]), tools, stopWhen, messages: first });
    await generateText({ model: modelCalling([inside]), tools, stopWhen, messages: [...first, ...responseMessages, { role: 'user', content: 'again' }] });
    const runs = (await log()).map(({ run }) => run);
    expect([new Set(runs.slice(0, 4)).size, new Set(runs.slice(4)).size, new Set(runs).size]).toEqual([1, 1, 2]);
  });

  it('[VERCEL-RECORD] carries the agent’s name that the guard was given', async () => {
    const { client, capability, log } = await agentGranted(granted);
    const named = talosGuard({ client, capability, agent: 'ops' });
    await generateText({ model: named.model(modelCalling([inside, outside])), ...named({ tools: { read: reader().read } }), stopWhen, prompt: 'go' });
    expect(new Set((await log()).map((entry) => entry['gen_ai.agent.name']))).toEqual(new Set(['ops']));
  });
});

it('[VERCEL-POLICY] talosPolicy refuses natively for tools that are guarded elsewhere', async () => {
  const { client, capability, guard, log } = await agentGranted(granted);
  const { read, paths } = reader();
  const model = modelCalling([inside, { ...outside, id: 'no' }]);
  await generateText({ model, tools: guard.tools({ read }), toolApproval: talosPolicy({ client, capability }), stopWhen, prompt: 'go' });
  expect([toolOutputs(model)['no']?.type, paths]).toEqual(['execution-denied', ['docs/a.md']]);
  expect((await log()).filter(({ type }) => type === 'policy.decision')).toHaveLength(1);
});

it('[VERCEL-POLICY] [VERCEL-APPROVAL-ORDER] talosPolicy asks a tool’s own needsApproval, which the SDK no longer does beside a policy', async () => {
  const { client, capability, guard } = await agentGranted(granted);
  const paths: string[] = [];
  const read = tool({ description: '', inputSchema: path, needsApproval: true, execute: async (input) => paths.push(input.path) });
  const toolApproval = talosPolicy({ client, capability });
  const { content } = await generateText({ model: modelCalling([inside]), tools: guard.tools({ read }), toolApproval, stopWhen, prompt: 'go' });
  expect(content).toContainEqual(expect.objectContaining({ type: 'tool-approval-request' }));
  expect(paths).toEqual([]);
});

it('[VERCEL-V6] for AI SDK 6 there is no toolApproval, which that version would ignore', async () => {
  const { client, capability } = await agentGranted(granted);
  const { read, paths } = reader();
  const guard = talosGuard6({ client, capability });
  const settings = guard({ tools: { read } });
  expect(Object.keys(settings)).toEqual(['tools']);
  await generateText({ model: guard.model(modelCalling([inside, outside])), ...settings, stopWhen, prompt: 'go' });
  expect(paths).toEqual(['docs/a.md']);
  expect(await toolDigests6({ read })).toEqual(await toolDigests({ read }));
});

it('[VERCEL-V7] the root is AI SDK 7', async () => {
  expect(Object.entries(await import('../src/index.ts')).toSorted()).toEqual(Object.entries(v7).toSorted());
});
