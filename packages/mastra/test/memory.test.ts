import { Agent } from '@mastra/core/agent';
import { Mastra } from '@mastra/core/mastra';
import { InMemoryStore } from '@mastra/core/storage';
import { createTool } from '@mastra/core/tools';
import { createStep, createWorkflow } from '@mastra/core/workflows';
import { Memory } from '@mastra/memory';
import { anyArgs } from '@talosprotocol/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agentGranted, modelCalling, toolOutputs } from './support.ts';

const docs = { path: { subpath: { root: 'docs' } } } as const;
const base = { id: 'ops', name: 'Ops', instructions: 'Do.' } as const;

function spy() {
  const ran: string[] = [];
  const read = createTool({
    id: 'read',
    description: 'Reads.',
    inputSchema: z.object({ path: z.string() }),
    execute: async ({ path }) => {
      ran.push(path);
      return `contents of ${path}`;
    },
  });
  return { read, ran };
}

describe('an agent that remembers', () => {
  it('[MASTRA-MEMORY] a memory’s own tools need a grant, and what it kept of a refused call runs nothing later', async () => {
    const storage = new InMemoryStore();
    const memory = new Memory({ storage, options: { workingMemory: { enabled: true, scope: 'thread' }, lastMessages: 10 } });
    const note = (text: string, id: string) => ({ name: 'updateWorkingMemory', args: { memory: text }, id });
    const { read, ran } = spy();
    const of = { memory: { thread: 'thread-1', resource: 'user-1' } };
    const refused = await agentGranted({ read: docs });
    const first = modelCalling([note('the giraffe', 'note'), { name: 'read', args: { path: 'etc/passwd' }, id: 'evil' }]);
    await new Agent(refused.guard.agent({ ...base, model: first as never, memory, tools: { read } })).generate('go', of);
    expect(JSON.stringify(toolOutputs(first)['note'])).toContain('TOOL_UNGRANTED');
    expect((await memory.getWorkingMemory({ threadId: 'thread-1', resourceId: 'user-1' })) ?? '').not.toContain('giraffe');
    const granted = await agentGranted({ read: docs, updateWorkingMemory: anyArgs() });
    const second = modelCalling([note('the giraffe', 'note2'), { name: 'read', args: { path: 'docs/a.md' }, id: 'good' }]);
    await new Agent(granted.guard.agent({ ...base, model: second as never, memory, tools: { read } })).generate('again', of);
    expect(ran).toEqual(['docs/a.md']);
    expect(await memory.getWorkingMemory({ threadId: 'thread-1', resourceId: 'user-1' })).toContain('giraffe');
    // The second run was told of the first.
    expect(JSON.stringify(second.calls[0]?.prompt)).toContain('etc/passwd');
    const text = await granted.logText();
    expect(text).toContain('updateWorkingMemory');
    expect(text).not.toMatch(/giraffe|docs\/a/);
    const requests = (await granted.log()).filter(({ type }) => type === 'tool.request');
    expect(requests.map((entry) => [entry['gen_ai.agent.name'], typeof entry['run']])).toEqual([
      ['ops', 'string'],
      ['ops', 'string'],
    ]);
  });
});

describe('an agent as a step of a workflow', () => {
  it('[MASTRA-AGENT-STEP] keeps its guard', async () => {
    const { guard, log } = await agentGranted({ read: docs });
    const { read, ran } = spy();
    const calls = ['docs/a.md', 'etc/passwd'].map((path, i) => [{ name: 'read', args: { path }, id: `call_${i}` }]);
    const ops = new Agent(guard.agent({ ...base, model: modelCalling(...calls) as never, tools: { read } }));
    const flow = createWorkflow({ id: 'flow', inputSchema: z.object({ prompt: z.string() }), outputSchema: z.object({ text: z.string() }) })
      .then(createStep(ops))
      .commit();
    const mastra = new Mastra({ agents: { ops }, workflows: { flow }, storage: new InMemoryStore(), logger: false });
    const run = await mastra.getWorkflow('flow').createRun();
    expect(await run.start({ inputData: { prompt: 'go' } })).toMatchObject({ status: 'success', result: { text: 'done' } });
    expect(ran).toEqual(['docs/a.md']);
    const entries = (await log()).filter(({ type }) => /tool|policy/.test(type));
    expect(entries.map((entry) => [entry.type, entry['gen_ai.agent.name']])).toEqual([
      ['tool.request', 'ops'],
      ['tool.result', 'ops'],
      ['policy.decision', 'ops'],
    ]);
  });
});
