import { anyArgs } from '@talosprotocol/core';
import { registerTelemetry, tool, ToolLoopAgent } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { talosGuard } from '../src/index.ts';
import { agentGranted, failingHome, modelCalling } from './support.ts';

const inputSchema = z.object({ question: z.string() });

async function asking(turns: boolean, stores?: ReturnType<typeof failingHome>['stores']) {
  const { client, capability, log, logText } = await agentGranted({ ask: anyArgs() }, stores);
  const guard = talosGuard({ client, capability, agent: 'boss', turns });
  const helperModel = modelCalling();
  const helper = guard.handoff(new ToolLoopAgent({ id: 'researcher', model: helperModel }));
  const execute = async ({ question }: { question: string }, { abortSignal }: { abortSignal?: AbortSignal }) => {
    const streamed = await helper.stream({ messages: [{ role: 'user', content: question }] });
    await streamed.consumeStream();
    return (await helper.generate({ prompt: question, ...(abortSignal === undefined ? {} : { abortSignal }) })).text;
  };
  const ask = tool({ inputSchema, execute });
  const agent = new ToolLoopAgent({ model: modelCalling([{ name: 'ask', args: { question: 'the giraffe' } }]), ...guard({ tools: { ask } }) });
  return { guard, agent, helper, helperModel, log, logText };
}

describe('guard.handoff', () => {
  it('[VERCEL-HANDOFF] records what one agent asks another before it is asked, in the run that asks, without its content', async () => {
    const { guard, agent, helper, log, logText } = await asking(true);
    registerTelemetry(guard.telemetry());
    expect((await agent.generate({ prompt: 'go' })).text).toBe('done');
    const entries = await log();
    const handoffs = entries.filter(({ type }) => type === 'handoff');
    const shared = { to: 'researcher', outcome: 'ok', framework: 'vercel-ai', 'gen_ai.agent.name': 'boss', commit: { input: expect.any(String) as string } };
    expect(handoffs).toMatchObject([shared, shared]);
    expect(handoffs[0]?.['run']).toBe(entries.find(({ type }) => type === 'tool.request')?.['run']);
    expect(await logText()).not.toContain('giraffe');
    // It is the same agent otherwise.
    expect([helper.id, helper.version, helper instanceof ToolLoopAgent, Object.keys(helper.tools ?? {})]).toEqual(['researcher', 'agent-v1', true, []]);
  });

  it('[VERCEL-HANDOFF] does not happen if it cannot be recorded', async () => {
    const { stores, fail } = failingHome();
    const { helper, helperModel } = await asking(true, stores);
    fail();
    await expect(helper.generate({ prompt: 'go' })).rejects.toThrow('no space left');
    expect(helperModel.calls).toEqual([]);
  });

  it('[VERCEL-HANDOFF] is not recorded where that is switched off, and needs an agent with an id', async () => {
    const { guard, agent, log } = await asking(false);
    await agent.generate({ prompt: 'go' });
    expect((await log()).map(({ type }) => type)).toEqual(['tool.request', 'tool.result']);
    expect(guard.handoff(agent)).toBe(agent);
    const recording = (await asking(true)).guard;
    expect(() => recording.handoff(agent)).toThrow('with an id');
  });
});
