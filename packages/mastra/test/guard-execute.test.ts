import { Mastra } from '@mastra/core/mastra';
import { createStep, createWorkflow } from '@mastra/core/workflows';
import { createTool } from '@mastra/core/tools';
import { TalosDeniedError } from '@talosprotocol/core/errors';
import { tool as aiTool } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agentGranted, agentWith, failingHome, modelCalling, toolOutputs } from './support.ts';

const path = z.object({ path: z.string() });
const granted = { read: { path: { subpath: { root: 'docs' } } } } as const;
const [inside, outside] = [
  { name: 'read', args: { path: 'docs/a.md' } },
  { name: 'read', args: { path: '../../etc/passwd' } },
];

function reader() {
  const paths: string[] = [];
  const read = createTool({
    id: 'read-file',
    description: 'Reads a file.',
    inputSchema: path,
    execute: async (input) => {
      paths.push(input.path);
      return { text: `contents of ${input.path}` };
    },
  });
  return { read, paths };
}

describe('a guarded tool in an agent', () => {
  it('[MASTRA-ALLOW] [MASTRA-RECORD] [MASTRA-RECORD-PRIVATE] runs and gives its result to the model', async () => {
    const { guard, log, logText } = await agentGranted(granted);
    const { read, paths } = reader();
    const model = modelCalling([inside]);
    const { text, runId } = await agentWith(model, guard.tools({ read })).generate('go');
    expect([text, paths]).toEqual(['done', ['docs/a.md']]);
    expect(toolOutputs(model)['call_1']).toMatchObject({ type: 'json', value: { text: 'contents of docs/a.md' } });
    const entries = await log();
    expect(entries.map(({ type }) => type)).toEqual(['tool.request', 'tool.result']);
    for (const entry of entries)
      expect(entry).toMatchObject({ 'gen_ai.tool.name': 'read', 'gen_ai.tool.call.id': 'call_1', 'gen_ai.agent.name': 'ops', run: runId, framework: 'mastra' });
    expect(await logText()).not.toMatch(/docs\/a|contents of/);
  });

  it('[MASTRA-DENY-AGENT] [MASTRA-RECORD] does not run when refused, and the model sees why', async () => {
    const { guard, log, logText } = await agentGranted(granted);
    const { read, paths } = reader();
    const model = modelCalling([outside]);
    const { text } = await agentWith(model, guard.tools({ read })).generate('go');
    expect([text, paths]).toEqual(['done', []]);
    expect(JSON.stringify(toolOutputs(model)['call_1'])).toContain('ARG_VIOLATES');
    expect((await log()).map(({ type }) => type)).toEqual(['policy.decision']);
    expect(await logText()).not.toContain('passwd');
  });

  it('[MASTRA-PARALLEL] stops only the refused calls of one step', async () => {
    const { guard, log } = await agentGranted(granted);
    const { read, paths } = reader();
    const model = modelCalling([inside, outside, { name: 'read', args: { path: 'docs/b.md' } }]);
    await agentWith(model, guard.tools({ read })).generate('go');
    expect(paths.toSorted()).toEqual(['docs/a.md', 'docs/b.md']);
    expect(Object.keys(toolOutputs(model))).toEqual(['call_1', 'call_2', 'call_3']);
    const types = (await log()).map(({ type }) => type);
    expect([types.length, types.filter((type) => type === 'policy.decision').length]).toEqual([5, 1]);
  });

  it.each([[true], [false]])('[MASTRA-STREAM] refuses and allows in a stream, with eager execution %s', async (eagerToolExecution) => {
    const { guard, log } = await agentGranted(granted);
    const { read, paths } = reader();
    const stream = await agentWith(modelCalling([inside, outside]), guard.tools({ read })).stream('go', { eagerToolExecution } as object);
    const types: string[] = [];
    for await (const part of stream.fullStream) types.push(part.type);
    expect(types).toEqual(expect.arrayContaining(['tool-result', 'tool-error']));
    expect([await stream.text, paths]).toEqual(['done', ['docs/a.md']]);
    expect((await log()).map(({ type }) => type).toSorted()).toEqual(['policy.decision', 'tool.request', 'tool.result']);
  });

  it('[MASTRA-WRITER] writes to the stream as before', async () => {
    const { guard, log } = await agentGranted(granted);
    const read = createTool({
      id: 'read-file',
      description: 'Reads a file.',
      inputSchema: path,
      execute: async (input, { writer }) => {
        await writer?.write({ status: 'opening' });
        return input.path;
      },
    });
    const stream = await agentWith(modelCalling([inside]), guard.tools({ read })).stream('go');
    const parts: string[] = [];
    for await (const part of stream.fullStream) parts.push(JSON.stringify(part));
    expect(parts.filter((part) => part.includes('"opening"')).length).toBeGreaterThan(0);
    expect((await log()).map(({ type }) => type)).toEqual(['tool.request', 'tool.result']);
  });

  it('[MASTRA-GENERATOR] runs an AI SDK generator tool to its end', async () => {
    const { guard, log } = await agentGranted(granted);
    const seen: string[] = [];
    const read = aiTool({
      inputSchema: path,
      async *execute(input) {
        yield 'opening';
        seen.push(input.path);
        yield `contents of ${input.path}`;
      },
    });
    const model = modelCalling([inside, outside]);
    await agentWith(model, guard.tools({ read }) as never).generate('go');
    expect(seen).toEqual(['docs/a.md']);
    expect(JSON.stringify(toolOutputs(model)['call_1'])).toContain('contents of docs/a.md');
    expect((await log()).filter(({ type }) => type === 'tool.result')).toHaveLength(1);
  });

  it('[MASTRA-NO-WAY-AROUND] is guarded when a run brings hooks of its own', async () => {
    const { guard } = await agentGranted(granted);
    const { read, paths } = reader();
    await agentWith(modelCalling([outside]), guard.tools({ read })).generate('go', { hooks: { beforeToolCall: async () => undefined } } as object);
    expect(paths).toEqual([]);
  });

  it('[MASTRA-NO-WAY-AROUND] is guarded on arguments that a hook has changed', async () => {
    const { guard } = await agentGranted(granted);
    const { read, paths } = reader();
    const hooks = { beforeToolCall: ({ input }: { input: { path: string } }) => void (input.path = '../../etc/passwd') };
    await agentWith(modelCalling([inside]), guard.tools({ read })).generate('go', { hooks } as object);
    expect(paths).toEqual([]);
  });

  it('[MASTRA-TOOL-THROWS] leaves what the tool throws as it is', async () => {
    const { guard, log } = await agentGranted(granted);
    const broken = new Error('disk on fire');
    const given = createTool({ id: 'read-file', description: 'Reads.', inputSchema: path, execute: async () => Promise.reject(broken) });
    const { read } = guard.tools({ read: given });
    await expect(read.execute?.({ path: 'docs/a.md' }, {} as never)).rejects.toBe(broken);
    const [guarded, bare] = [modelCalling([inside]), modelCalling([inside])];
    await agentWith(guarded, { read }).generate('go');
    await agentWith(bare, { read: given }).generate('go');
    expect(toolOutputs(guarded)).toEqual(toolOutputs(bare));
    expect((await log()).at(-1)).toMatchObject({ type: 'tool.result', outcome: 'tool_error', 'error.type': 'Error' });
  });

  it('[MASTRA-LOG-FAILS] does not run what cannot be recorded', async () => {
    const { stores, fail } = failingHome();
    const { guard } = await agentGranted(granted, stores);
    const { read, paths } = reader();
    fail();
    const model = modelCalling([inside]);
    await agentWith(model, guard.tools({ read })).generate('go');
    expect(paths).toEqual([]);
    expect(JSON.stringify(toolOutputs(model)['call_1'])).toContain('LOG_UNAVAILABLE');
  });

  it('[MASTRA-ABORT] hands on the signal and records the call as cancelled', async () => {
    const { guard, log } = await agentGranted(granted);
    const controller = new AbortController();
    const read = createTool({
      id: 'read-file',
      description: 'Reads.',
      inputSchema: path,
      execute: async (_, context) => {
        controller.abort();
        context.abortSignal?.throwIfAborted();
      },
    });
    await agentWith(modelCalling([inside]), guard.tools({ read })).generate('go', { abortSignal: controller.signal });
    expect((await log()).at(-1)).toMatchObject({ type: 'tool.result', outcome: 'cancelled' });
  });
});

describe('a guarded tool outside agents', () => {
  it('[MASTRA-DENY-DIRECT] throws when it is called directly', async () => {
    const { guard, log } = await agentGranted(granted);
    const { read, paths } = reader();
    const guarded = guard.tools({ read }).read;
    expect(await guarded.execute?.({ path: 'docs/a.md' }, {} as never)).toEqual({ text: 'contents of docs/a.md' });
    const refused: unknown = await guarded.execute?.({ path: '../../etc/passwd' }, {} as never).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(TalosDeniedError.isInstance(refused)).toBe(true);
    expect(JSON.parse((refused as Error).message)).toMatchObject({ denied: true, code: 'ARG_VIOLATES' });
    expect((refused as Error).message).not.toContain('passwd');
    expect(paths).toEqual(['docs/a.md']);
    expect((await log()).map(({ type }) => type)).toEqual(['tool.request', 'tool.result', 'policy.decision']);
  });

  it('[MASTRA-NO-WAY-AROUND] [MASTRA-RECORD] is guarded as a workflow step, under the workflow’s run id', async () => {
    const { guard, log } = await agentGranted(granted);
    const { read, paths } = reader();
    const outputSchema = z.object({ text: z.string() });
    const step = createStep(guard.tools({ read: createTool({ ...read, inputSchema: path, outputSchema } as never) }).read as never);
    const workflow = createWorkflow({ id: 'flow', inputSchema: path, outputSchema }).then(step).commit();
    const registered = new Mastra({ workflows: { flow: workflow }, logger: false }).getWorkflow('flow');
    const run = await registered.createRun();
    expect((await run.start({ inputData: { path: 'docs/a.md' } })).status).toBe('success');
    expect((await (await registered.createRun()).start({ inputData: { path: '../../etc/passwd' } })).status).toBe('failed');
    expect(paths).toEqual(['docs/a.md']);
    expect((await log())[0]).toMatchObject({ type: 'tool.request', run: run.runId });
  });
});
