import { Agent, run, RunContext, webSearchTool, type MCPServer } from '@openai/agents';
import { RealtimeAgent } from '@openai/agents/realtime';
import { assistantMessage, functionCall, modelError, ScriptedModel } from '@openai/agents/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { talosGuard } from '../src/index.ts';
import { agentGranted, answersOf, modelCalling } from './support.ts';

const docs = { path: { subpath: { root: 'docs' } } } as const;
const good = { path: 'docs/a.md' };
const evil = { path: '/etc/passwd' };

/** A server with private state, as those of the SDK have. */
class FileServer implements MCPServer {
  readonly #calls: string[] = [];
  readonly cacheToolsList = false;
  readonly name = 'files';
  tools = ['read'];
  get calls(): readonly string[] {
    return this.#calls;
  }
  async connect() {}
  async close() {}
  async invalidateToolsCache() {}
  async listTools() {
    const inputSchema = { type: 'object' as const, properties: { path: { type: 'string' } }, required: ['path'], additionalProperties: false };
    return this.tools.map((name) => ({ name, description: 'Reads.', inputSchema })) as never;
  }
  async callTool(name: string, args: Record<string, unknown> | null) {
    this.#calls.push(`${name} ${String(args?.['path'])}`);
    return [{ type: 'text' as const, text: 'contents' }];
  }
}

describe('a realtime agent', () => {
  it('[OPENAI-NO-WAY-AROUND] keeps the guard of its tools', async () => {
    const { guard } = await agentGranted({ read: docs });
    const ran: string[] = [];
    const execute = async ({ path }: { path: string }) => `${ran.push(path)}`;
    const read = guard.tool({ name: 'read', description: 'Reads.', parameters: z.object({ path: z.string() }), execute });
    const context = new RunContext({});
    const [found] = (await new RealtimeAgent({ name: 'Ops', tools: [read as never] }).getAllTools(context as never)) as unknown as (typeof read)[];
    expect(await found!.invoke(context, JSON.stringify(evil))).toContain('ARG_VIOLATES');
    expect(await found!.invoke(context, JSON.stringify(good))).toBe('1');
    expect(ran).toEqual([good.path]);
  });
});

describe('guard.mcpServer', () => {
  it('[OPENAI-MCP] guards each call when it is made, of tools that appear later too', async () => {
    const { guard, log } = await agentGranted({ read: docs });
    const server = new FileServer();
    const model = modelCalling(['read', good], ['read', evil]);
    await run(new Agent({ name: 'Ops', model, mcpServers: [guard.mcpServer(server)] }), 'go');
    server.tools = ['read', 'remove'];
    const later = modelCalling(['remove', good]);
    await run(new Agent({ name: 'Ops', model: later, mcpServers: [guard.mcpServer(server)] }), 'go');
    expect(server.calls).toEqual(['read docs/a.md']);
    expect(answersOf(model)).toContain('ARG_VIOLATES');
    expect(answersOf(later)).toContain('TOOL_UNGRANTED');
    expect((await log()).map(({ type }) => type)).toEqual(['tool.request', 'tool.result', 'policy.decision', 'policy.decision']);
  });

  it('[OPENAI-MCP] guards the full result as well, and lets the server’s own error through', async () => {
    const { guard } = await agentGranted({ read: docs });
    const calls: string[] = [];
    const failing = Object.assign(new FileServer(), {
      callToolResult: async (name: string, _args: object | null): Promise<never> => {
        calls.push(name);
        throw new Error('down');
      },
    });
    const guarded: MCPServer = guard.mcpServer(failing);
    expect(await guarded.callToolResult?.('remove', good)).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('TOOL_UNGRANTED') as string }],
    });
    await expect(guarded.callToolResult?.('read', good)).rejects.toThrow('down');
    expect(calls).toEqual(['read']);
    expect(() => guard.mcpServer({} as never)).toThrow('MCP server');
  });
});

describe('guard.model', () => {
  const answer = () => [[functionCall('unknown', { path: 'docs/secret' }, { callId: 'c1' })], [assistantMessage('done')]];

  it.each([false, true])('[OPENAI-TURNS] records each turn without its content, unless that is switched off (stream: %s)', async (stream) => {
    const { guard, log, client, capability } = await agentGranted({ read: docs });
    const go = async (by: typeof guard): Promise<ScriptedModel> => {
      const model = new ScriptedModel(answer());
      const agent = new Agent({ name: 'Ops', model: by.model(model), tools: [webSearchTool()] });
      const options = { toolNotFoundBehavior: 'return_error_to_model' } as const;
      if (!stream) await run(agent, 'the secret question', options);
      else await (await run(agent, 'the secret question', { ...options, stream: true })).completed;
      return model;
    };
    const model = await go(guard);
    // It would run at the provider.
    expect(model.calls.map(({ request }) => request.tools)).toEqual([[], []]);
    const turns = await log();
    expect(turns).toMatchObject([
      { type: 'model.turn', outcome: 'ok', stripped: ['web_search'], calls: [{ tool: 'unknown', call: 'c1' }] },
      { type: 'model.turn', outcome: 'ok' },
    ]);
    expect(JSON.stringify(turns)).not.toContain('secret');
    await go(talosGuard({ client, capability, turns: false }));
    expect(await log()).toHaveLength(2);
  });

  it('[OPENAI-TURNS] records a turn that fails, and hands its error on', async () => {
    const { guard, log } = await agentGranted({ read: docs });
    const failure = new Error('no model today');
    for (const stream of [false, true]) {
      const agent = new Agent({ name: 'Ops', model: guard.model(new ScriptedModel([modelError(failure)])) });
      const go = stream ? run(agent, 'go', { stream: true }).then(({ completed }) => completed) : run(agent, 'go');
      await expect(go).rejects.toThrow('no model today');
    }
    expect((await log()).map(({ outcome }) => outcome)).toEqual(['error', 'error']);
    expect(() => guard.model('gpt' as never)).toThrow('not its name');
  });
});

describe('guard.handoff', () => {
  it('[OPENAI-HANDOFF] records a handoff before it happens; the next agent’s tools are guarded under its name', async () => {
    const { guard, log } = await agentGranted({ read: docs });
    const ran: string[] = [];
    const seen: unknown[] = [];
    const parameters = z.object({ path: z.string() });
    const read = guard.tool({ name: 'read', description: 'Reads.', parameters, execute: async ({ path }) => `${ran.push(path)}` });
    const billing = new Agent({ name: 'Billing', model: modelCalling(['read', good], ['read', evil]), tools: [read] });
    const inputType = z.object({ reason: z.string() });
    const handoff = guard.handoff(billing, { inputType, onHandoff: (_, input) => void seen.push(input) });
    const model = modelCalling(['transfer_to_Billing', { reason: 'the secret reason' }]);
    await run(new Agent({ name: 'Front', model, handoffs: [handoff] }), 'go');
    expect([ran, seen]).toEqual([[good.path], [{ reason: 'the secret reason' }]]);
    const entries = await log();
    expect(entries.map(({ type }) => type)).toEqual(['handoff', 'tool.request', 'tool.result', 'policy.decision']);
    expect(entries[0]).toMatchObject({ to: 'Billing', outcome: 'ok', commit: { input: expect.any(String) as string } });
    expect(entries[1]).toMatchObject({ 'gen_ai.agent.name': 'Billing', run: entries[0]?.['run'] });
    expect(JSON.stringify(entries)).not.toContain('secret');
  });
});
