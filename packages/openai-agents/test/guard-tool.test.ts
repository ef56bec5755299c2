import { Agent, codeInterpreterTool, run, tool, webSearchTool } from '@openai/agents';
import { anyArgs, type TalosDeniedError } from '@talosprotocol/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { talosGuard } from '../src/index.ts';
import { agentGranted, answersOf, modelCalling } from './support.ts';

const path = z.object({ path: z.string() });
const docs = { path: { subpath: { root: 'docs' } } } as const;
const granted = { read: docs, ask_reader: anyArgs() } as const;
const good = { path: 'docs/a.md' };
const evil = { path: '/etc/passwd' };
const ofTools = /tool|policy/;

function spy() {
  const ran: string[] = [];
  const definition = { name: 'read', description: 'Reads.', parameters: path, execute: async ({ path: at }: { path: string }) => `read ${ran.push(at)}` };
  return { ran, definition };
}

describe('guard.tool', () => {
  it('[OPENAI-ALLOW] [OPENAI-DENY] runs what is granted, and tells the model why the rest is refused', async () => {
    const { guard, log } = await agentGranted(granted);
    const { ran, definition } = spy();
    const model = modelCalling(['read', good], ['read', evil]);
    const { finalOutput } = await run(new Agent({ name: 'Ops', model, tools: [guard.tool(definition)] }), 'go');
    expect([finalOutput, ran]).toEqual(['done', [good.path]]);
    expect(answersOf(model)).toContain('ARG_VIOLATES');
    expect(answersOf(model)).not.toContain('An error occurred');
    const entries = (await log()).filter(({ type }) => ofTools.test(type));
    expect(entries.map(({ type }) => type)).toEqual(['tool.request', 'tool.result', 'policy.decision']);
    expect(entries[0]).toMatchObject({ framework: 'openai-agents', 'gen_ai.agent.name': 'Ops', 'gen_ai.tool.call.id': 'call_0' });
    expect(new Set(entries.map((entry) => entry['run'])).size).toBe(1);
  });

  it('[OPENAI-EXECUTED-INPUT] decides on what the tool receives, after defaults and changes by the schema', async () => {
    const { guard } = await agentGranted({ read: { path: { subpath: { root: 'docs' } }, limit: { range: { max: 10 } } } });
    const seen: unknown[] = [];
    const parameters = z.object({ path: z.string().overwrite((at) => `${at}.md`), limit: z.number().default(5) });
    const read = guard.tool({ name: 'read', description: 'Reads.', parameters, execute: async (input) => `${seen.push(input)}` });
    await run(new Agent({ name: 'Ops', model: modelCalling(['read', { path: 'docs/a' }]), tools: [read] }), 'go');
    expect(seen).toEqual([{ path: 'docs/a.md', limit: 5 }]);
    const escaping = z.object({ path: z.string().overwrite(() => '/etc/passwd'), limit: z.number().default(5) });
    const escape = guard.tool({ name: 'read', description: 'Reads.', parameters: escaping, execute: async (input) => `${seen.push(input)}` });
    const greedy = guard.tool({
      name: 'read',
      description: 'Reads.',
      parameters: z.object({ path: z.string(), limit: z.number().default(500) }),
      execute: async (input) => `${seen.push(input)}`,
    });
    for (const other of [escape, greedy]) await run(new Agent({ name: 'Ops', model: modelCalling(['read', { path: 'docs/a' }]), tools: [other] }), 'go');
    expect(seen).toHaveLength(1);
  });

  it('[OPENAI-APPROVAL] a call that waits for the SDK’s approval runs once when it is approved, with one record; an approval permits nothing', async () => {
    const { guard, log } = await agentGranted(granted);
    const { ran, definition } = spy();
    const read = guard.tool({ ...definition, needsApproval: true });
    for (const args of [good, evil]) {
      const agent = new Agent({ name: 'Ops', model: modelCalling(['read', args]), tools: [read] });
      const first = await run(agent, 'go');
      expect(first.interruptions).toHaveLength(1);
      first.state.approve(first.interruptions[0] as never);
      await run(agent, first.state);
    }
    expect(ran).toEqual([good.path]);
    expect((await log()).map(({ type }) => type)).toEqual(['tool.request', 'tool.result', 'policy.decision']);
    const agent = new Agent({ name: 'Ops', model: modelCalling(['read', good]), tools: [read] });
    const first = await run(agent, 'go');
    first.state.reject(first.interruptions[0] as never);
    await run(agent, first.state);
    expect(ran).toEqual([good.path]);
  });

  it('[OPENAI-NO-WAY-AROUND] the guard decides when a tool is invoked by hand, and beside guardrails', async () => {
    const { guard } = await agentGranted(granted);
    const { ran, definition } = spy();
    const read = guard.tool(definition);
    expect(await read.invoke({} as never, JSON.stringify(evil))).toContain('ARG_VIOLATES');
    const spread = { ...definition, inputGuardrails: [{ name: 'allow', run: async () => ({ behavior: { type: 'allow' } }) }] };
    await run(new Agent({ name: 'Ops', model: modelCalling(['read', evil]), tools: [guard.tool(spread as never)] }), 'go');
    expect(ran).toEqual([]);
  });
});

describe('guard.tools', () => {
  it('[OPENAI-INVOKE] stands before a tool that others made, and leaves one alone that it guards already', async () => {
    const { guard, log } = await agentGranted(granted);
    const { ran, definition } = spy();
    const [wrapped] = guard.tools([tool(definition)]);
    const model = modelCalling(['read', good], ['read', evil]);
    await run(new Agent({ name: 'Ops', model, tools: [wrapped as never] }), 'go');
    expect(ran).toEqual([good.path]);
    expect((await log()).map(({ type }) => type)).toEqual(['tool.request', 'tool.result', 'policy.decision']);
    const own = guard.tool(definition);
    expect(guard.tools([own, wrapped as typeof own])).toEqual([own, wrapped]);
    expect(await wrapped?.invoke({} as never, 'not JSON')).toContain('"denied":true');
  });

  it('[OPENAI-INVOKE] a guarded tool that is given another invoke does not pass for guarded', async () => {
    const { guard } = await agentGranted(granted);
    const { ran, definition } = spy();
    const swapped = { ...guard.tool(definition), invoke: async () => `${ran.push('swapped')}` };
    const [wrapped] = guard.tools([swapped]);
    expect(await (wrapped as typeof swapped & { invoke(context: unknown, input: string): Promise<string> }).invoke({}, JSON.stringify(evil))).toContain(
      'ARG_VIOLATES',
    );
    expect(ran).toEqual([]);
  });

  it('[OPENAI-SUB-AGENT] an agent as a tool needs a grant, and its own tools are guarded', async () => {
    const { guard, log } = await agentGranted(granted);
    const { ran, definition } = spy();
    const reader = new Agent({ name: 'Reader', model: modelCalling(['read', good], ['read', evil]), tools: [guard.tool(definition)] });
    const ask = reader.asTool({ toolName: 'ask_reader', toolDescription: 'Asks.' });
    const other = reader.asTool({ toolName: 'ask_other', toolDescription: 'Asks.' });
    const model = modelCalling(['ask_reader', { input: 'read' }], ['ask_other', { input: 'read' }]);
    await run(new Agent({ name: 'Boss', model, tools: guard.tools([ask, other]) as never }), 'go');
    expect(ran).toEqual([good.path]);
    const names = (await log()).map((entry) => [entry.type, entry['gen_ai.tool.name'], entry['gen_ai.agent.name']]);
    expect(names).toEqual([
      ['tool.request', 'ask_reader', 'Boss'],
      ['tool.request', 'read', 'Reader'],
      ['tool.result', 'read', 'Reader'],
      ['policy.decision', 'read', 'Reader'],
      ['tool.result', 'ask_reader', 'Boss'],
      ['policy.decision', 'ask_other', 'Boss'],
    ]);
  });

  it('[OPENAI-UNKNOWN-TOOL] refuses at set-up what no wrapper can stop', async () => {
    const { guard } = await agentGranted(granted);
    for (const hosted of [webSearchTool(), codeInterpreterTool(), { type: 'computer', name: 'computer' }, { name: 'x' }]) {
      expect(() => guard.tools([hosted])).toThrow(expect.objectContaining({ code: 'TALOS_USAGE_UNKNOWN_TOOL' }) as TalosDeniedError);
    }
  });

  it('[OPENAI-OTHER-GUARD] with two guards both have to allow', async () => {
    const { guard, client } = await agentGranted(granted);
    const none = talosGuard({ client, capability: await client.grant({ to: client.did, tools: {} }) });
    const { ran, definition } = spy();
    const both = none.tools([guard.tool(definition)]);
    await run(new Agent({ name: 'Ops', model: modelCalling(['read', good]), tools: both }), 'go');
    expect(ran).toEqual([]);
  });
});
