import { Agent } from '@mastra/core/agent';
import { createTool } from '@mastra/core/tools';
import { tool as aiTool } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { anyArgs } from '@talosprotocol/core';
import { agentGranted, modelCalling, toolOutputs } from './support.ts';

const path = z.object({ path: z.string() });
const docs = { path: { subpath: { root: 'docs' } } } as const;
const granted = { read: docs, other: docs, 'agent-helper': anyArgs() } as const;
const evil = { path: '/etc/passwd' };
const good = { path: 'docs/a.md' };

function spy(id = 'read', answer = 'read') {
  const ran: string[] = [];
  const tool = createTool({
    id,
    description: 'Reads.',
    inputSchema: path,
    execute: async (input) => {
      ran.push(input.path);
      return `${answer} ${input.path}`;
    },
  });
  return { tool, ran };
}

const call = (args: object, name = 'read') => [{ name, args: args as never }];
const base = { id: 'ops', name: 'Ops', instructions: 'Do.' } as const;
const modes = ['generate', 'stream', 'eager'] as const;

async function go(agent: Agent, mode: (typeof modes)[number], options: object = {}): Promise<void> {
  if (mode === 'generate') return void (await agent.generate('go', options as never));
  const stream = await agent.stream('go', { eagerToolExecution: mode === 'eager', ...options } as never);
  await stream.consumeStream();
}

const types = async (log: () => Promise<readonly { readonly type: string }[]>) =>
  (await log()).map(({ type }) => type).filter((type) => /tool|policy/.test(type));
const allowedThenDenied = ['tool.request', 'tool.result', 'policy.decision'];

describe('guard.agent', () => {
  it.each(modes)('[MASTRA-AGENT] guards the tools of a config, once (%s)', async (mode) => {
    const { guard, log } = await agentGranted(granted);
    const { tool, ran } = spy();
    const model = modelCalling(call(good), call(evil));
    await go(new Agent(guard.agent({ ...base, model: model as never, tools: { read: tool } })), mode);
    expect(ran).toEqual([good.path]);
    expect(await types(log)).toEqual(allowedThenDenied);
    expect(JSON.stringify(toolOutputs(model))).toContain('ARG_VIOLATES');
  });

  it.each(modes)('[MASTRA-AGENT] guards tools that are made for each request (%s)', async (mode) => {
    const { guard, log } = await agentGranted(granted);
    const { tool, ran } = spy();
    const model = modelCalling(call(good), call(evil));
    await go(new Agent(guard.agent({ ...base, model: model as never, tools: async () => ({ read: tool }) })), mode);
    expect(ran).toEqual([good.path]);
    expect(await types(log)).toEqual(allowedThenDenied);
  });

  it.each(modes)('[MASTRA-TOOLSETS] guards toolsets of every kind that a run brings, and leaves a client’s tools to the client (%s)', async (mode) => {
    const { guard, log } = await agentGranted(granted);
    const [set, client] = [spy(), spy('other')];
    const ai = aiTool({ inputSchema: path, execute: async (input: { path: string }) => `${set.ran.push(input.path)}` });
    for (const toolsets of [{ server: { read: set.tool } }, { server: { read: ai } }]) {
      const model = modelCalling(call(good), call(evil), call(evil, 'other'));
      await go(new Agent(guard.agent({ ...base, model: model as never })), mode, { toolsets, clientTools: { other: client.tool } });
    }
    expect(set.ran).toEqual([good.path, good.path]);
    // Mastra takes the execute of such a tool off and hands the call to whoever called.
    expect(client.ran).toEqual([]);
    expect(await types(log)).toEqual([...allowedThenDenied, ...allowedThenDenied]);
  });

  it('[MASTRA-TOOLSETS] a tool of a run that has the name of a guarded one does not pass for it', async () => {
    const { guard, log } = await agentGranted(granted);
    const [own, shadow] = [spy(), spy('read', 'shadow')];
    const agent = new Agent(guard.agent({ ...base, model: modelCalling(call(evil), call(good)) as never, tools: { read: own.tool } }));
    await agent.generate('go', { toolsets: { mcp: { read: shadow.tool } } });
    expect([own.ran, shadow.ran]).toEqual([[], [good.path]]);
    expect(await types(log)).toEqual(['policy.decision', 'tool.request', 'tool.result']);
    // Nor does a spread of a guarded tool that was given another execute.
    const spread = { ...guard.tools({ read: own.tool }).read, execute: async () => void shadow.ran.push('spread') };
    const again = new Agent(guard.agent({ ...base, model: modelCalling(call(evil)) as never }));
    await again.generate('go', { toolsets: { mcp: { read: spread as never } } });
    expect(shadow.ran).toEqual([good.path]);
  });

  it('[MASTRA-OVERRIDE] hooks of a run replace the agent’s and not the guard', async () => {
    const { guard } = await agentGranted(granted);
    const [own, set] = [spy(), spy('other')];
    const model = modelCalling(call(evil), call(evil, 'other'), call(good), call(good, 'other'));
    const agent = new Agent(guard.agent({ ...base, model: model as never, tools: { read: own.tool } }));
    await agent.generate('go', { toolsets: { mcp: { other: set.tool } }, hooks: { beforeToolCall: () => {} } });
    expect([own.ran, set.ran]).toEqual([[good.path], [good.path]]);
  });

  it('[MASTRA-OVERRIDE] processors of a run that replace the gate end its calls, and are joined by guard.options', async () => {
    const { guard, log } = await agentGranted(granted);
    const [own, set] = [spy(), spy('other')];
    const bare = { id: 'own', processInputStep: () => ({}) };
    const turns = [call(good), call(good, 'other'), call(evil, 'other')];
    const config = () => guard.agent({ ...base, model: modelCalling(...turns) as never, tools: { read: own.tool } });
    const options = { toolsets: { mcp: { other: set.tool } }, inputProcessors: [bare] };
    await new Agent(config()).generate('go', options as never);
    expect([own.ran, set.ran]).toEqual([[], []]);
    expect(await types(log)).toEqual([]);
    await new Agent(config()).generate('go', guard.options(options) as never);
    expect([own.ran, set.ran]).toEqual([[good.path], [good.path]]);
    expect(await types(log)).toEqual(['tool.request', 'tool.result', ...allowedThenDenied]);
  });

  it('[MASTRA-OVERRIDE] guard.options joins hooks and delegation of a run', async () => {
    const { guard } = await agentGranted(granted);
    const set = spy('other');
    const seen: string[] = [];
    const hooks = { beforeToolCall: ({ toolName }: { toolName: string }) => void seen.push(toolName) };
    const agent = new Agent(guard.agent({ ...base, model: modelCalling(call(good, 'other'), call(evil, 'other')) as never }));
    await agent.generate('go', guard.options({ hooks, toolsets: { mcp: { other: set.tool } } }));
    expect([seen.length, set.ran]).toEqual([expect.any(Number) as number, [good.path]]);
    expect(seen).toContain('other');
  });

  it('[MASTRA-AGENT] keeps the user’s hooks and processors, and what they return', async () => {
    const { guard } = await agentGranted(granted);
    const { tool, ran } = spy();
    const order: string[] = [];
    const config = guard.agent({
      ...base,
      model: modelCalling(call(good), call({ path: 'docs/stop' })) as never,
      tools: { read: tool },
      hooks: {
        beforeToolCall: ({ input }: { input: unknown }) => {
          order.push('before');
          return (input as { path: string }).path === 'docs/stop' ? ({ proceed: false, output: 'stopped' } as const) : undefined;
        },
        afterToolCall: () => void order.push('after'),
      },
      inputProcessors: [{ id: 'own', processInputStep: () => void order.push('step') }] as never,
    });
    await new Agent(config).generate('go');
    expect(ran).toEqual([good.path]);
    expect(order.filter((name) => name !== 'step')).toEqual(['before', 'after', 'before']);
    expect(order).toContain('step');
  });

  it('[MASTRA-DELEGATION] a delegation needs a grant, and is recorded as a call and a handoff', async () => {
    const { guard, log } = await agentGranted(granted);
    const inner = spy();
    const sub = (id: string) =>
      new Agent(
        guard.agent({ ...base, id, name: id, description: 'Helps.', model: modelCalling(call(good), call(evil)) as never, tools: { read: inner.tool } }),
      );
    const helper = sub('helper');
    const rogue = sub('rogue');
    const model = modelCalling(call({ prompt: 'the secret plan' }, 'agent-helper'), call({ prompt: 'x' }, 'agent-rogue'));
    await new Agent(guard.agent({ ...base, model: model as never, agents: { helper, rogue } })).generate('go');
    expect(inner.ran).toEqual([good.path]);
    const entries = await log();
    expect(entries.filter(({ type }) => type === 'handoff')).toMatchObject([{ to: 'helper', outcome: 'ok' }]);
    const tools = entries.filter(({ type }) => /tool|policy/.test(type)).map((entry) => [entry.type, entry['gen_ai.tool.name'], entry['gen_ai.agent.name']]);
    expect(tools).toEqual([
      ['tool.request', 'agent-helper', 'ops'],
      ['tool.request', 'read', 'helper'],
      ['tool.result', 'read', 'helper'],
      ['policy.decision', 'read', 'helper'],
      ['tool.result', 'agent-helper', 'ops'],
      ['policy.decision', 'agent-rogue', 'ops'],
    ]);
    expect(JSON.stringify(entries)).not.toContain('secret plan');
  });

  it('[MASTRA-DELEGATION] a hook that throws or rejects ends the delegation', async () => {
    const { guard } = await agentGranted(granted);
    for (const onDelegationStart of [() => Promise.reject(new Error('no')), () => ({ proceed: false, rejectionReason: 'no' })]) {
      const inner = spy();
      const helper = new Agent({
        ...base,
        id: 'helper',
        name: 'helper',
        description: 'Helps.',
        model: modelCalling(call(good)) as never,
        tools: guard.tools({ read: inner.tool }),
      });
      const model = modelCalling(call({ prompt: 'x' }, 'agent-helper'));
      await new Agent(guard.agent({ ...base, model: model as never, agents: { helper }, defaultOptions: { delegation: { onDelegationStart } } })).generate(
        'go',
      );
      expect(inner.ran).toEqual([]);
      await new Agent(guard.agent({ ...base, model: modelCalling(call({ prompt: 'x' }, 'agent-helper')) as never, agents: { helper } })).generate(
        'go',
        guard.options({ delegation: { onDelegationStart } }) as never,
      );
      expect(inner.ran).toEqual([]);
    }
  });

  it.each(modes)('[MASTRA-TURNS] records turns of the model without content, unless switched off (%s)', async (mode) => {
    const { guard, log, client, capability } = await agentGranted(granted);
    const { talosGuard } = await import('../src/index.ts');
    const { tool } = spy();
    const config = (by: typeof guard) => by.agent({ ...base, model: modelCalling(call(good), call(good, 'unknown')) as never, tools: { read: tool } });
    await go(new Agent(config(guard)), mode);
    const turns = (await log()).filter(({ type }) => type === 'model.turn');
    expect(turns.map(({ calls }) => calls)).toEqual([
      [{ tool: 'read', call: expect.any(String) as string }],
      [{ tool: 'unknown', call: expect.any(String) as string }],
      undefined,
    ]);
    expect(turns[0]).toMatchObject({ outcome: 'ok', 'gen_ai.agent.name': 'ops', framework: 'mastra', commit: { output: expect.any(String) as string } });
    expect(JSON.stringify(turns)).not.toContain('docs/a.md');
    await go(new Agent(config(talosGuard({ client, capability, turns: false }))), mode);
    expect((await log()).filter(({ type }) => type === 'model.turn')).toHaveLength(turns.length);
  });

  it('[MASTRA-TURNS] [MASTRA-TOOLSETS] turns and calls of what a run brings carry one id for each run', async () => {
    const { guard, log } = await agentGranted(granted);
    const set = spy();
    for (const _run of [1, 2]) {
      const agent = new Agent(guard.agent({ ...base, model: modelCalling(call(good), call(evil)) as never }));
      await agent.generate('go', { toolsets: { mcp: { read: set.tool } } });
    }
    const runs = (await log()).map(({ run }) => run as string);
    expect(runs.every((run) => typeof run === 'string')).toBe(true);
    // Three turns, and the entries of an allowed and a refused call.
    expect([...new Set(runs)].map((run) => runs.filter((other) => other === run).length)).toEqual([6, 6]);
  });

  it('[MASTRA-TURNS] a processor alone records and stops nothing', async () => {
    const { guard, log } = await agentGranted(granted);
    const { tool, ran } = spy();
    await new Agent({ ...base, model: modelCalling(call(evil)) as never, tools: { read: tool }, outputProcessors: [guard.processor() as never] }).generate(
      'go',
    );
    expect(ran).toEqual([evil.path]);
    expect((await log()).map(({ type }) => type)).toEqual(['model.turn', 'model.turn']);
  });
});
