import { any, anyArgs, eq } from '@talosprotocol/core';
import { createDeepAgent, GENERAL_PURPOSE_SUBAGENT } from 'deepagents';
import { createAgent, tool } from 'langchain';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agentGranted, go, modelCalling } from '../support.ts';

const reader = (ran: string[]) =>
  tool(
    async ({ path }) => {
      ran.push(path);
      return `contents of ${path}`;
    },
    { name: 'read', description: '', schema: z.object({ path: z.string() }) },
  );
const granted = { read: { path: { subpath: { root: 'docs' } } }, task: { subagent_type: any(), description: any() } } as const;
const inside = { name: 'read', args: { path: 'docs/a.md' }, id: 'inside' };
const outside = { name: 'read', args: { path: '../../etc/passwd' }, id: 'outside' };
/** A tool of Deep Agents' own, which its middleware brings. */
const write = { name: 'write_file', args: { file_path: '/notes.md', content: 'x' }, id: 'write' };
const ask = (to: string) => [{ name: 'task', args: { subagent_type: to, description: 'go' }, id: 'ask' }];

describe('Deep Agents', () => {
  it.each(['researcher', 'general-purpose'])('[LANGCHAIN-DEEPAGENTS] the %s is guarded, its own tools and those that are brought to it', async (to) => {
    const ran: string[] = [];
    const { guard, log } = await agentGranted(granted);
    const model = modelCalling([inside, outside, write]);
    const researcher = guard.subagent({ name: 'researcher', description: 'Reads.', systemPrompt: 'Read.', tools: [reader(ran)], model });
    const general = guard.subagent({ ...GENERAL_PURPOSE_SUBAGENT, tools: [reader(ran)], model });
    const agent = createDeepAgent({ model: modelCalling(ask(to)), tools: [], subagents: [researcher, general], middleware: [guard.middleware()] });
    const { messages } = (await agent.invoke(go())) as { messages: { text: string }[] };
    expect(messages.at(-1)?.text).toBe('done');
    expect(ran).toEqual(['docs/a.md']);
    const entries = await log();
    const refused = entries.filter(({ type }) => type === 'policy.decision');
    expect(refused.map((entry) => entry['gen_ai.tool.call.id']).toSorted()).toEqual(['outside', 'write']);
    expect(entries.filter(({ type }) => type === 'handoff')).toMatchObject([{ to, 'gen_ai.tool.call.id': 'ask' }]);
  });

  it('[LANGCHAIN-DEEPAGENTS] the general-purpose agent that nobody declared has the guarded tools of its parent', async () => {
    const ran: string[] = [];
    const { guard } = await agentGranted(granted);
    const model = modelCalling(ask('general-purpose'), [inside, outside], []);
    await createDeepAgent({ model, tools: guard.tools([reader(ran)]), middleware: [guard.middleware()] }).invoke(go());
    expect(ran).toEqual(['docs/a.md']);
  });

  it('[LANGCHAIN-DEEPAGENTS] whom a task may be given to is an argument like any other', async () => {
    const ran: string[] = [];
    const { guard } = await agentGranted({ ...granted, task: { subagent_type: eq('other'), description: any() } });
    const researcher = guard.subagent({ name: 'researcher', description: '', systemPrompt: '', tools: [reader(ran)], model: modelCalling([inside]) });
    await createDeepAgent({ model: modelCalling(ask('researcher')), tools: [], subagents: [researcher], middleware: [guard.middleware()] }).invoke(go());
    expect(ran).toEqual([]);
  });

  it('[LANGCHAIN-DEEPAGENTS] a compiled sub-agent is refused at set-up', async () => {
    const { guard } = await agentGranted({ read: anyArgs() });
    const runnable = createAgent({ model: modelCalling(), tools: [reader([])] });
    expect(() => guard.subagent({ name: 'compiled', description: '', runnable })).toThrow(expect.objectContaining({ code: 'TALOS_USAGE_ARGUMENT' }) as Error);
  });
});
