import { Agent } from '@mastra/core/agent';
import { createTool } from '@mastra/core/tools';
import { anyArgs, len, memoryHome, TalosClient } from '@talosprotocol/core';
import { memoryTransport } from '@talosprotocol/core/message';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { talosGuard } from '../src/index.ts';
import { modelCalling, toolOutputs } from './support.ts';

const base = { name: 'Ops', instructions: 'Do.' } as const;
const inputSchema = { type: 'object', properties: { prompt: { type: 'string' } }, required: ['prompt'], additionalProperties: false };

/** Two homes: an agent that serves itself as a tool, and one that may ask it. */
async function peering() {
  const transport = memoryTransport();
  const wire: string[] = [];
  const tapped = { ...transport, send: (to: never, frame: Uint8Array) => (wire.push(Buffer.from(frame).toString('latin1')), transport.send(to, frame)) };
  const boss = await TalosClient.create('boss', { stores: memoryHome(), transport: tapped });
  const peer = await TalosClient.create('analyst', { stores: memoryHome(), transport: tapped });
  await boss.establishSession(peer.did, await peer.bundle());
  const read = createTool({
    id: 'read',
    description: 'Reads.',
    inputSchema: z.object({ path: z.string() }),
    execute: async ({ path }) => `contents of ${path}`,
  });
  const own = talosGuard({ client: peer, capability: await peer.grant({ to: peer.did, tools: { read: { path: { eq: 'docs/a.md' } } } }) });
  const asked: string[] = [];
  const signals: AbortSignal[] = [];
  const execute = async (input: unknown, { signal }: { readonly signal: AbortSignal }): Promise<string> => {
    asked.push((input as { prompt: string }).prompt);
    signals.push(signal);
    const model = modelCalling([{ name: 'read', args: { path: 'docs/a.md' } }], [{ name: 'read', args: { path: '/etc/passwd' }, id: 'call_2' }]);
    const analyst = new Agent(own.agent({ ...base, id: 'analyst', model: model as never, tools: { read } }));
    return `analysed: ${(await analyst.generate((input as { prompt: string }).prompt, { abortSignal: signal })).text}`;
  };
  await peer.serve({ tools: [{ name: 'ask_analyst', description: 'Asks the analyst.', inputSchema, execute }] });
  const remote = talosGuard({
    client: boss,
    capability: await peer.grant({ to: boss.did, at: peer.did, tools: { ask_analyst: { prompt: len({ max: 20 }) } } }),
  });
  const guard = talosGuard({ client: boss, capability: await boss.grant({ to: boss.did, tools: { 'agent-analyst': anyArgs() } }) });
  const entries = async ({ log }: TalosClient) => {
    const all = [];
    for (let index = 0; index < log.size; index++) all.push((await log.entry(index)).entry as { readonly type: string } & Record<string, unknown>);
    return all;
  };
  const close = async () => {
    await boss.close();
    await peer.close();
  };
  return { boss, peer, guard, remote, asked, signals, wire, entries, close };
}

describe('guard.subAgent', () => {
  it.each(['generate', 'stream'] as const)(
    '[MASTRA-PEER-AGENT] a peer’s agent works for an agent here, under both guards, sealed and receipted (%s)',
    async (mode) => {
      const { boss, peer, guard, remote, asked, wire, entries, close } = await peering();
      const analyst = await remote.subAgent(peer.did, { tool: 'ask_analyst', id: 'analyst' });
      expect(analyst.getDescription()).toBe('Asks the analyst.');
      const ask = (prompt: string, id: string) => [{ name: 'agent-analyst', args: { prompt }, id }];
      const model = modelCalling(ask('the giraffe plan', 'yes'), ask('a prompt beyond twenty characters', 'no'));
      const agent = new Agent(guard.agent({ ...base, id: 'boss', model: model as never, agents: { analyst } }));
      if (mode === 'generate') expect((await agent.generate('go')).text).toBe('done');
      else {
        const stream = await agent.stream('go');
        await stream.consumeStream();
        expect(await stream.text).toBe('done');
      }
      expect(asked).toEqual(['the giraffe plan']);
      const outputs = toolOutputs(model);
      expect(JSON.stringify(outputs['yes'])).toContain('analysed: done');
      expect(JSON.stringify(outputs['no'])).toContain('ARG_VIOLATES');
      expect(wire.length).toBeGreaterThan(0);
      expect(wire.filter((frame) => /giraffe|analysed|twenty/.test(frame))).toEqual([]);
      const [here, there] = await Promise.all([entries(boss), entries(peer)]);
      expect(JSON.stringify([here, there])).not.toMatch(/giraffe plan|analysed/);
      // What the boss decides, the handoffs and the receipts of both calls; at the peer the call and the calls of its agent.
      expect(here.filter(({ type }) => type === 'tool.request').map((entry) => entry['gen_ai.tool.name'])).toEqual(['agent-analyst', 'agent-analyst']);
      expect(here.filter(({ to }) => to === 'analyst')).toHaveLength(2);
      expect(here.filter(({ receipt }) => receipt === 'countersignature')).toHaveLength(2);
      expect(there.filter(({ type }) => /tool.request|policy/.test(type)).map((entry) => [entry.type, entry['gen_ai.tool.name']])).toEqual([
        ['tool.request', 'ask_analyst'],
        ['tool.request', 'read'],
        ['policy.decision', 'read'],
        ['policy.decision', 'ask_analyst'],
      ]);
      await close();
    },
  );

  it('[MASTRA-PEER-AGENT] is refused where the agent above has no grant, and nothing is sent', async () => {
    const { boss, peer, remote, asked, wire, close } = await peering();
    const analyst = await remote.subAgent(peer.did, { tool: 'ask_analyst', id: 'analyst' });
    const frames = wire.length;
    const other = talosGuard({ client: boss, capability: await boss.grant({ to: boss.did, tools: { other: anyArgs() } }) });
    const model = modelCalling([{ name: 'agent-analyst', args: { prompt: 'x' } }]);
    await new Agent(other.agent({ ...base, id: 'boss', model: model as never, agents: { analyst } })).generate('go');
    expect([asked, wire.length]).toEqual([[], frames]);
    expect(JSON.stringify(toolOutputs(model)['call_1'])).toContain('TOOL_UNGRANTED');
    await close();
  });

  it('[MASTRA-PEER-AGENT] is no agent of a peer that serves none, and is never resumed', async () => {
    const { peer, guard, remote, close } = await peering();
    await expect(remote.subAgent(peer.did, { tool: 'other' })).rejects.toMatchObject({ code: 'TALOS_REMOTE_BAD_TOOL' });
    await expect(guard.subAgent(peer.did, { tool: 'ask_analyst' })).rejects.toMatchObject({ code: 'TALOS_REMOTE_BAD_TOOL' });
    const analyst = await remote.subAgent(peer.did, { tool: 'ask_analyst' });
    await expect(analyst.resumeGenerate({})).rejects.toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
    await close();
  });
});
