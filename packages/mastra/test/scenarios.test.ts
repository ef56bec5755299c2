import { Agent } from '@mastra/core/agent';
import { Mastra } from '@mastra/core/mastra';
import { InMemoryStore } from '@mastra/core/storage';
import { createCodeModeTool, createTool } from '@mastra/core/tools';
import { createStep, createWorkflow } from '@mastra/core/workflows';
import { LocalSandbox } from '@mastra/core/workspace';
import { anyArgs } from '@talosprotocol/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agentGranted, modelCalling } from './support.ts';

const path = z.object({ path: z.string() });
const docs = { path: { subpath: { root: 'docs' } } } as const;
const granted = { read: docs, execute_typescript: anyArgs(), 'workflow-flow': anyArgs() } as const;
const evil = { path: '/etc/passwd' };
const good = { path: 'docs/a.md' };
const base = { id: 'ops', name: 'Ops', instructions: 'Do.' } as const;
const call = (args: object, name = 'read') => [{ name, args: args as never }];
const types = async (log: () => Promise<readonly { readonly type: string }[]>) =>
  (await log()).map(({ type }) => type).filter((type) => /tool|policy/.test(type));

function spy(more: object = {}) {
  const ran: string[] = [];
  const execute = async (input: { path: string }) => void ran.push(input.path);
  return { tool: createTool({ id: 'read', description: 'Reads.', inputSchema: path, execute: execute as never, ...more }), ran };
}

describe('an approval of Mastra’s', () => {
  const suspended = async () => {
    const parts = await agentGranted(granted);
    const { tool, ran } = spy({ requireApproval: true });
    const agent = new Agent(parts.guard.agent({ ...base, model: modelCalling(call(good), call(evil)) as never, tools: { read: tool } }));
    const mastra = new Mastra({ agents: { ops: agent }, storage: new InMemoryStore(), logger: false });
    const ops = mastra.getAgent('ops');
    const stream = await ops.stream('go');
    await stream.consumeStream();
    expect(await stream.finishReason).toBe('suspended');
    return { ...parts, ran, ops, runId: stream.runId };
  };

  it('[MASTRA-APPROVAL] runs a call once when it is approved, with one record, and permits nothing that is not granted', async () => {
    const { ran, ops, runId, log } = await suspended();
    expect([ran, await types(log)]).toEqual([[], []]);
    const approved = await ops.approveToolCall({ runId });
    await approved.consumeStream();
    expect(ran).toEqual([good.path]);
    expect(await types(log)).toEqual(['tool.request', 'tool.result']);
    // The next one is approved as well, and is not granted.
    const again = await ops.approveToolCall({ runId });
    await again.consumeStream();
    expect(ran).toEqual([good.path]);
    expect(await types(log)).toEqual(['tool.request', 'tool.result', 'policy.decision']);
  });

  it('[MASTRA-APPROVAL] runs nothing when it is declined', async () => {
    const { ran, ops, runId, log } = await suspended();
    const declined = await ops.declineToolCall({ runId });
    await declined.consumeStream();
    expect([ran, await types(log)]).toEqual([[], []]);
  });
});

describe('other ways to a tool', () => {
  it('[MASTRA-CODE-MODE] in code mode the outer call and every inner call are guarded', async () => {
    const { guard, log } = await agentGranted(granted);
    const { tool, ran } = spy();
    const sandbox = new LocalSandbox();
    const codeMode = createCodeModeTool({ tools: guard.tools({ read: tool }), sandbox });
    const code = `await external_read({ path: 'docs/a.md' }); try { await external_read({ path: '/etc/passwd' }); } catch {} return 1;`;
    await new Agent(
      guard.agent({ ...base, model: modelCalling(call({ code }, 'execute_typescript')) as never, tools: { execute_typescript: codeMode } }),
    ).generate('go');
    expect(ran).toEqual([good.path]);
    const names = (await log()).filter(({ type }) => /tool|policy/.test(type)).map((entry) => [entry.type, entry['gen_ai.tool.name']]);
    expect(names).toEqual([
      ['tool.request', 'execute_typescript'],
      ['tool.request', 'read'],
      ['tool.result', 'read'],
      ['policy.decision', 'read'],
      ['tool.result', 'execute_typescript'],
    ]);
  });

  it('[MASTRA-CODE-MODE] is refused as a whole when it is not granted', async () => {
    const { guard } = await agentGranted({ read: docs });
    const { tool, ran } = spy();
    const codeMode = createCodeModeTool({ tools: { read: tool }, sandbox: new LocalSandbox() });
    const code = `await external_read({ path: '/etc/passwd' }); return 1;`;
    await new Agent(
      guard.agent({ ...base, model: modelCalling(call({ code }, 'execute_typescript')) as never, tools: { execute_typescript: codeMode } }),
    ).generate('go');
    expect(ran).toEqual([]);
  });

  it('[MASTRA-WORKFLOW] a workflow of an agent needs a grant, and its tool steps and agent steps are guarded', async () => {
    const { guard, log } = await agentGranted(granted);
    const { tool, ran } = spy({ outputSchema: z.any() });
    const step = createStep(guard.tools({ read: tool }).read as never);
    const workflow = () =>
      createWorkflow({ id: 'flow', description: 'Flows.', inputSchema: path, outputSchema: z.any() })
        .then(step as never)
        .commit();
    const model = modelCalling(
      call({ inputData: good }, 'workflow-flow'),
      call({ inputData: evil }, 'workflow-flow'),
      call({ inputData: good }, 'workflow-other'),
    );
    const config = guard.agent({ ...base, model: model as never, workflows: { flow: workflow(), other: workflow() } as never });
    await new Agent(config).generate('go');
    expect(ran).toEqual([good.path]);
    const names = (await log()).filter(({ type }) => /tool.request|policy/.test(type)).map((entry) => [entry.type, entry['gen_ai.tool.name']]);
    expect(names).toEqual([
      ['tool.request', 'workflow-flow'],
      ['tool.request', 'read'],
      ['tool.request', 'workflow-flow'],
      ['policy.decision', 'read'],
      ['policy.decision', 'workflow-other'],
    ]);
  });

  it('[MASTRA-PROCESSORS] processors of the user’s stay in force, and what they change is decided', async () => {
    const { guard, log } = await agentGranted(granted);
    const { tool, ran } = spy();
    const swapped = spy();
    // One that puts another tool in the place of a guarded one.
    const swap = { id: 'swap', processInputStep: ({ tools }: { tools?: object }) => ({ tools: { ...tools, read: swapped.tool } }) };
    const model = modelCalling(call(evil), call(good));
    await new Agent(guard.agent({ ...base, model: model as never, tools: { read: tool }, inputProcessors: [swap as never] })).generate('go');
    expect([ran, swapped.ran]).toEqual([[], [good.path]]);
    expect(await types(log)).toEqual(['policy.decision', 'tool.request', 'tool.result']);
  });

  it('[MASTRA-MEMORY] entries name run and agent, of whichever thread and resource', async () => {
    const { guard, log } = await agentGranted(granted);
    const { tool } = spy();
    const agent = new Agent(guard.agent({ ...base, model: modelCalling(call(good)) as never, tools: { read: tool } }));
    const { runId } = await agent.generate('go', { runId: 'run-1' });
    expect(runId).toBe('run-1');
    const [request] = (await log()).filter(({ type }) => type === 'tool.request');
    expect(request).toMatchObject({ run: 'run-1', 'gen_ai.agent.name': 'ops' });
  });

  it('[MASTRA-ABORT] an abort of the run reaches a tool of a toolset and the record', async () => {
    const { guard, log } = await agentGranted(granted);
    const controller = new AbortController();
    const waits = createTool({
      id: 'read',
      description: 'Waits.',
      inputSchema: path,
      execute: async (_, { abortSignal }) => {
        controller.abort();
        if (abortSignal?.aborted !== true) await new Promise((resolve) => abortSignal?.addEventListener('abort', resolve));
        throw new Error('stopped');
      },
    });
    const agent = new Agent(guard.agent({ ...base, model: modelCalling(call(good)) as never }));
    await agent.generate('go', { toolsets: { mcp: { read: waits } }, abortSignal: controller.signal }).catch(() => undefined);
    expect((await log()).filter(({ type }) => type === 'tool.result')).toMatchObject([{ outcome: 'cancelled' }]);
  });
});
