import { TalosDeniedError } from '@talosprotocol/core/errors';
import { generateText, isStepCount, streamText, tool, ToolLoopAgent } from 'ai';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { agentGranted, failingHome, modelCalling, toolOutputs } from './support.ts';

const path = z.object({ path: z.string() });
const granted = { read: { path: { subpath: { root: 'docs' } } } } as const;
const stopWhen = isStepCount(5);
const [inside, outside] = [
  { name: 'read', args: { path: 'docs/a.md' } },
  { name: 'read', args: { path: '../../etc/passwd' } },
];

/** A reader that counts what reached it. */
function reader() {
  const paths: string[] = [];
  const read = tool({
    description: 'Reads a file.',
    inputSchema: path,
    execute: async (input) => {
      paths.push(input.path);
      return { text: `contents of ${input.path}` };
    },
  });
  return { read, paths };
}

describe('a guarded tool in generateText', () => {
  it('[VERCEL-ALLOW] [VERCEL-RECORD] [VERCEL-RECORD-PRIVATE] runs and gives its result to the model', async () => {
    const { guard, log, logText } = await agentGranted(granted);
    const { read, paths } = reader();
    const model = modelCalling([inside]);
    const { text } = await generateText({ model, tools: guard.tools({ read }), stopWhen, prompt: 'go' });
    expect(text).toBe('done');
    expect(paths).toEqual(['docs/a.md']);
    expect(toolOutputs(model)['call_1']).toEqual({ type: 'json', value: { text: 'contents of docs/a.md' } });
    const entries = await log();
    expect(entries.map(({ type }) => type)).toEqual(['tool.request', 'tool.result']);
    for (const entry of entries) expect(entry).toMatchObject({ 'gen_ai.tool.name': 'read', 'gen_ai.tool.call.id': 'call_1', framework: 'vercel-ai' });
    expect(entries[1]).toMatchObject({ outcome: 'ok' });
    expect(await logText()).not.toMatch(/docs\/a|contents of/);
  });

  it('[VERCEL-DENY-TOOLS] [VERCEL-RECORD] does not run when refused: a tool-error part holds the TalosDeniedError', async () => {
    const { guard, log, logText } = await agentGranted(granted);
    const { read, paths } = reader();
    const model = modelCalling([outside]);
    const { text, steps } = await generateText({ model, tools: guard.tools({ read }), stopWhen, prompt: 'go' });
    expect([text, paths]).toEqual(['done', []]);
    const part = steps[0]?.content.find(({ type }) => type === 'tool-error') as { error: unknown };
    expect(TalosDeniedError.isInstance(part.error)).toBe(true);
    expect(part.error).toMatchObject({ code: 'TALOS_DENIED', denialCode: 'ARG_VIOLATES', entryId: expect.any(String) as string });
    expect(toolOutputs(model)['call_1']).toMatchObject({ type: 'error-text', value: expect.stringContaining('"denied":true') as string });
    expect((await log()).map(({ type }) => type)).toEqual(['policy.decision']);
    expect(await logText()).not.toContain('passwd');
  });

  it('[VERCEL-TOOL-THROWS] passes on the error that the tool threw', async () => {
    const { guard, log } = await agentGranted(granted);
    const broken = new Error('disk on fire');
    const read = tool({ inputSchema: path, execute: (): Promise<string> => Promise.reject(broken) });
    const { steps } = await generateText({ model: modelCalling([inside]), tools: guard.tools({ read }), stopWhen, prompt: 'go' });
    const failed = steps[0]?.content.find((part) => part.type === 'tool-error');
    expect(failed?.error).toBe(broken);
    expect((await log()).at(-1)).toMatchObject({ type: 'tool.result', outcome: 'tool_error', 'error.type': 'Error' });
  });

  it('[VERCEL-PARALLEL] stops only the refused calls of one step', async () => {
    const { guard, log } = await agentGranted(granted);
    const { read, paths } = reader();
    for (const settings of [guard({ tools: { read } }), { tools: guard.tools({ read }) }]) {
      const model = modelCalling([inside, outside, { name: 'read', args: { path: 'docs/b.md' } }]);
      await generateText({ model, ...settings, stopWhen, prompt: 'go' });
      expect(paths.splice(0).toSorted()).toEqual(['docs/a.md', 'docs/b.md']);
      expect(Object.values(toolOutputs(model)).filter(({ type }) => type === 'json')).toHaveLength(2);
    }
    const types = (await log()).map(({ type }) => type);
    expect([types.filter((type) => type === 'policy.decision').length, types.filter((type) => type === 'tool.result').length]).toEqual([2, 4]);
  });

  it('[VERCEL-LOG-FAILS] does not run what cannot be recorded', async () => {
    const { stores, fail } = failingHome();
    const { guard } = await agentGranted(granted, stores);
    const { read, paths } = reader();
    fail();
    const model = modelCalling([inside]);
    const { steps } = await generateText({ model, ...guard({ tools: { read } }), stopWhen, prompt: 'go' });
    expect(paths).toEqual([]);
    expect(steps[0]?.content.find(({ type }) => type === 'tool-error')).toMatchObject({
      error: { denialCode: 'LOG_UNAVAILABLE', retryable: true, entryId: undefined },
    });
  });

  it('[VERCEL-ABORT] hands on the signal and records the call as cancelled', async () => {
    const { guard, log } = await agentGranted(granted);
    const controller = new AbortController();
    const read = tool({
      inputSchema: path,
      execute: async (_, { abortSignal }) => {
        controller.abort();
        abortSignal?.throwIfAborted();
      },
    });
    await generateText({ model: modelCalling([inside]), tools: guard.tools({ read }), stopWhen, prompt: 'go', abortSignal: controller.signal }).catch(
      () => undefined,
    );
    expect((await log()).at(-1)).toMatchObject({ type: 'tool.result', outcome: 'cancelled' });
  });
});

describe('a guarded tool in streamText', () => {
  it('[VERCEL-STREAM] allows one call and refuses the other', async () => {
    const { guard, log } = await agentGranted(granted);
    const { read, paths } = reader();
    const result = streamText({ model: modelCalling([inside, outside]), ...guard({ tools: { read } }), stopWhen, prompt: 'go' });
    const types: string[] = [];
    for await (const part of result.stream) types.push(part.type);
    expect(paths).toEqual(['docs/a.md']);
    expect(types).toEqual(expect.arrayContaining(['tool-result', 'tool-output-denied']));
    expect(await result.text).toBe('done');
    expect((await log()).map(({ type }) => type).toSorted()).toEqual(['policy.decision', 'tool.request', 'tool.result']);
  });

  it('[VERCEL-STREAM] refuses when nobody reads the stream', async () => {
    const { guard, log } = await agentGranted(granted);
    const { read, paths } = reader();
    streamText({ model: modelCalling([inside, outside]), tools: guard.tools({ read }), stopWhen, prompt: 'go' });
    await vi.waitFor(async () => expect(await log()).toHaveLength(3), { timeout: 30_000 });
    expect(paths).toEqual(['docs/a.md']);
    expect((await log()).filter(({ type }) => type === 'policy.decision')).toHaveLength(1);
  });

  it('[VERCEL-GENERATOR] streams a generator tool’s preliminary outputs unchanged', async () => {
    const { guard, log } = await agentGranted(granted);
    const seen: string[] = [];
    const read = tool({
      inputSchema: path,
      async *execute(input) {
        seen.push(input.path);
        yield { status: 'opening' };
        yield { status: 'done', text: input.path };
      },
    });
    const result = streamText({ model: modelCalling([inside, outside]), tools: guard.tools({ read }), stopWhen, prompt: 'go' });
    const outputs: unknown[] = [];
    const errors: unknown[] = [];
    for await (const part of result.stream) {
      if (part.type === 'tool-result') outputs.push([part.preliminary ?? false, part.output]);
      if (part.type === 'tool-error') errors.push(part.error);
    }
    const last = { status: 'done', text: 'docs/a.md' };
    expect(outputs).toEqual([
      [true, { status: 'opening' }],
      [true, last],
      [false, last],
    ]);
    expect(errors).toEqual([expect.objectContaining({ code: 'TALOS_DENIED' })]);
    expect(seen).toEqual(['docs/a.md']);
    expect((await log()).map(({ type }) => type).toSorted()).toEqual(['policy.decision', 'tool.request', 'tool.result']);
  });

  it('[VERCEL-GENERATOR] [VERCEL-TOOL-THROWS] passes on what a generator throws after it has yielded', async () => {
    const { guard, log } = await agentGranted(granted);
    const broken = new Error('disk on fire');
    const read = tool({
      inputSchema: path,
      async *execute() {
        yield 'opening';
        throw broken;
      },
    });
    const { steps } = await generateText({ model: modelCalling([inside]), tools: guard.tools({ read }), stopWhen, prompt: 'go' });
    const failed = steps[0]?.content.find((part) => part.type === 'tool-error');
    expect(failed?.error).toBe(broken);
    expect((await log()).at(-1)).toMatchObject({ outcome: 'tool_error' });
  });

  it('[VERCEL-ITERABLE] drains what a plain function returns, behind the guard', async () => {
    const { guard, log } = await agentGranted(granted);
    const seen: string[] = [];
    async function* steps(file: string) {
      seen.push(file);
      yield 'opening';
      yield `contents of ${file}`;
    }
    const read = tool({ inputSchema: path, execute: (input): AsyncIterable<string> => steps(input.path) });
    const model = modelCalling([inside, outside]);
    await generateText({ model, tools: guard.tools({ read }), stopWhen, prompt: 'go' });
    expect(toolOutputs(model)['call_1']).toEqual({ type: 'text', value: 'contents of docs/a.md' });
    expect(seen).toEqual(['docs/a.md']);
    expect((await log()).filter(({ type }) => type === 'tool.result')).toEqual([expect.objectContaining({ outcome: 'ok', result_form: 'json' })]);
  });
});

describe('a guarded tool in agents', () => {
  it('[VERCEL-ALLOW] [VERCEL-DENY] is guarded in ToolLoopAgent', async () => {
    const { guard, log } = await agentGranted(granted);
    const { read, paths } = reader();
    const model = modelCalling([inside], [outside]);
    const agent = new ToolLoopAgent({ model, ...guard({ tools: { read } }) });
    expect((await agent.generate({ prompt: 'go' })).text).toBe('done');
    expect(paths).toEqual(['docs/a.md']);
    expect((await log()).map(({ type }) => type)).toEqual(['tool.request', 'tool.result', 'policy.decision']);
    const streamed = await new ToolLoopAgent({ model: modelCalling([inside], [outside]), ...guard({ tools: { read } }) }).stream({ prompt: 'go' });
    expect(await streamed.text).toBe('done');
    expect(paths).toHaveLength(2);
  });

  it('[VERCEL-NO-WAY-AROUND] is guarded in a sub-agent that has no policy of its own', async () => {
    const { guard, log } = await agentGranted({ ...granted, research: { task: 'any' } });
    const { read, paths } = reader();
    const research = tool({
      inputSchema: z.object({ task: z.string() }),
      execute: async ({ task }) => (await new ToolLoopAgent({ model: modelCalling([outside]), tools: guard.tools({ read }) }).generate({ prompt: task })).text,
    });
    const model = modelCalling([{ name: 'research', args: { task: 'read the passwords' } }]);
    await new ToolLoopAgent({ model, ...guard({ tools: { research } }) }).generate({ prompt: 'go' });
    expect(toolOutputs(model)['call_1']).toEqual({ type: 'text', value: 'done' });
    expect(paths).toEqual([]);
    expect((await log()).map(({ type }) => type)).toEqual(['tool.request', 'policy.decision', 'tool.result']);
  });

  it('[VERCEL-NO-WAY-AROUND] is guarded when the caller puts another approval policy in place', async () => {
    const { guard } = await agentGranted(granted);
    const { read, paths } = reader();
    await generateText({ model: modelCalling([outside]), ...guard({ tools: { read } }), toolApproval: () => 'approved', stopWhen, prompt: 'go' });
    expect(paths).toEqual([]);
  });

  it('[VERCEL-NO-WAY-AROUND] keeps the decided input, whatever happens to the object it came in', async () => {
    const { guard } = await agentGranted(granted);
    const { read, paths } = reader();
    const input = { path: 'docs/a.md' };
    const running = guard.tools({ read }).read.execute(input, { toolCallId: 'c', messages: [], context: {} });
    input.path = '../../etc/passwd';
    await running;
    expect(paths).toEqual(['docs/a.md']);
  });
});
