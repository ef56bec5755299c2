import { any, anyArgs } from '@talosprotocol/core';
import { talosGuard, TalosCallbackHandler } from '@talosprotocol/langchain';
import { TalosSerializer } from '@talosprotocol/langchain/checkpoint';
import { BaseTracer } from '@langchain/core/tracers/base';
import { MemorySaver } from '@langchain/langgraph';
import { createAgent, tool } from 'langchain';
import { describe, expect, it } from 'vitest';
import { inspect } from 'node:util';
import { z } from 'zod';
import { agentGranted, go, modelCalling, runAgent } from '../support.ts';

class Tracer extends BaseTracer {
  readonly name = 'test-tracer';
  readonly seen: unknown[] = [];
  protected override async persistRun(run: unknown): Promise<void> {
    this.seen.push(run);
  }
}

const contextSchema = z.object({ talos: z.unknown().optional() });
const read = { name: 'read', args: { text: 'giraffe' }, id: 'read_1' };

async function reading(ran: string[] = []) {
  const { client, log, logText } = await agentGranted({});
  const grant = (tools: Parameters<typeof client.grant>[0]['tools']) => client.grant({ to: client.did, for: '15m', tools });
  const guard = talosGuard({ client });
  const reader = tool(async ({ text }) => ran.push(text), { name: 'read', description: '', schema: z.object({ text: z.string() }) });
  const invoke = async (context: object | undefined, more: object = {}) => {
    const agent = createAgent({ model: modelCalling([read]), tools: guard.tools([reader]), middleware: [guard.middleware()], contextSchema, ...more });
    const config = { ...(context === undefined ? {} : { context }), configurable: { thread_id: 't' } };
    return { agent, config };
  };
  return { client, grant, guard, invoke, log, logText };
}

describe('a capability in the context of a run', () => {
  it('[LANGCHAIN-CONTEXT] is the one that decides, in each run its own', async () => {
    const ran: string[] = [];
    const { grant, guard, invoke, log } = await reading(ran);
    for (const tools of [{ read: anyArgs() }, { other: anyArgs() }, { read: { text: any() } }]) {
      const { agent, config } = await invoke(guard.context(await grant(tools)));
      await agent.invoke(go() as never, config as never);
    }
    expect(ran).toEqual(['giraffe', 'giraffe']);
    expect(new Set((await log()).map(({ cap }) => cap)).size).toBe(3);
  });

  it.each([
    ['none', undefined],
    ['an empty context', {}],
    ['what is no capability', { talos: 'AAAA.BBBB.CCCC' }],
    ['an empty one', { talos: {} }],
  ])('[LANGCHAIN-CONTEXT] a run that brings %s runs no tool, and that is on record', async (_what, context) => {
    const ran: string[] = [];
    const { invoke, log } = await reading(ran);
    const { agent, config } = await invoke(context);
    const { messages } = (await agent.invoke(go() as never, config as never)) as { messages: { text: string }[] };
    expect(messages.map(({ text }) => text).join()).toContain('"denied":true');
    expect(ran).toEqual([]);
    expect((await log()).map(({ type }) => type)).toContain('policy.decision');
  });

  it('[LANGCHAIN-CONTEXT] as text it is not read: it would stand in the traces', async () => {
    const ran: string[] = [];
    const { grant, invoke } = await reading(ran);
    const { agent, config } = await invoke({ talos: await grant({ read: anyArgs() }) });
    await agent.invoke(go() as never, config as never);
    expect(ran).toEqual([]);
  });

  it('[LANGCHAIN-CONTEXT] reaches an agent in a tool, and the tools of a graph of one’s own', async () => {
    const ran: string[] = [];
    const { grant, guard, log } = await reading();
    const reader = tool(async ({ text }) => ran.push(text), { name: 'read', description: '', schema: z.object({ text: z.string() }) });
    const tools = guard.tools([reader]);
    const ask = tool(async () => (await runAgent({ model: modelCalling([read]), tools })).last, { name: 'ask', description: '', schema: z.object({}) });
    const agent = createAgent({ model: modelCalling([{ name: 'ask', args: {}, id: 'ask' }]), tools: guard.tools([ask]) });
    await agent.invoke(go() as never, { context: guard.context(await grant({ read: anyArgs(), ask: anyArgs() })) } as never);
    // LangChain 1.3 hands no context on to an agent in a tool: its calls are then refused, and nothing runs without a capability.
    const refused = (await log()).filter((entry) => entry.type === 'policy.decision' && entry['gen_ai.tool.name'] === 'read');
    expect([ran, refused.length]).toEqual(refused.length === 0 ? [['giraffe'], 0] : [[], 1]);
  });

  it('[LANGCHAIN-CONTEXT] cannot replace the one that the guard was made with', async () => {
    const ran: string[] = [];
    const { client, grant } = await reading();
    const guard = talosGuard({ client, capability: await grant({ other: anyArgs() }) });
    const reader = tool(async ({ text }) => ran.push(text), { name: 'read', description: '', schema: z.object({ text: z.string() }) });
    const agent = createAgent({ model: modelCalling([read]), tools: guard.tools([reader]), contextSchema });
    await agent.invoke(go() as never, { context: guard.context(await grant({ read: anyArgs() })) } as never);
    expect(ran).toEqual([]);
  });

  it('[LANGCHAIN-CONTEXT] is given to the callback handler by hand, which refuses everything without', async () => {
    const { grant, guard } = await reading();
    const bare = tool(async () => 'read', { name: 'read', description: '', schema: z.object({}) });
    expect(guard.callbacks()).toBeInstanceOf(TalosCallbackHandler);
    const error = console.error;
    console.error = () => undefined;
    try {
      await expect(bare.invoke({}, { callbacks: [guard.callbacks()] })).rejects.toMatchObject({ code: 'TALOS_DENIED' });
    } finally {
      console.error = error;
    }
    expect(await bare.invoke({}, { callbacks: [guard.callbacks(await grant({ read: anyArgs() }))] })).toBe('read');
  });

  it('[LANGCHAIN-TOKEN-PRIVATE] is seen by no tracer and kept in no checkpoint; as text in the context it would be', async () => {
    const { grant, invoke, logText, guard } = await reading();
    const token = await grant({ read: anyArgs() });
    const traced = async (context: object) => {
      const [tracer, saver] = [new Tracer(), new MemorySaver()];
      const { agent } = await invoke(undefined, { checkpointer: saver });
      const config = { configurable: { thread_id: 't' }, context, callbacks: [tracer, guard.callbacks(token)] };
      await agent.invoke(go() as never, config as never);
      expect(tracer.seen.length).toBeGreaterThan(0);
      const stored = [...Object.values(saver.storage), ...Object.values(saver.writes)];
      return text(tracer.seen) + text(stored);
    };
    const signature = token.split('.').at(-1) ?? '';
    expect(signature.length).toBeGreaterThan(80);
    // LangChain hands the context to tracers among the options of the model.
    expect(await traced({ talos: token })).toContain(signature);
    const seen = await traced(guard.context(token));
    expect(seen).toContain('giraffe');
    expect(seen).not.toContain(signature);
    expect(inspect(guard.context(token), { depth: 9, showHidden: true })).not.toContain(signature);
    expect(await logText()).not.toContain(signature);
  });
});

describe('TalosSerializer', () => {
  const key = crypto.getRandomValues(new Uint8Array(32));

  it('[LANGCHAIN-CHECKPOINT] what a checkpointer stores shows nothing, and a thread goes on from it', async () => {
    const { grant, guard, invoke } = await reading();
    const context = guard.context(await grant({ read: anyArgs() }));
    const run = async (saver: MemorySaver) => {
      const { agent, config } = await invoke(context, { checkpointer: saver });
      await agent.invoke(go() as never, config as never);
      return { agent, config, stored: text([Object.values(saver.storage), Object.values(saver.writes)]) };
    };
    expect((await run(new MemorySaver())).stored).toContain('giraffe');
    const saver = new MemorySaver(new TalosSerializer({ key }));
    const { agent, config, stored } = await run(saver);
    expect(stored).toContain('talos_sealed');
    expect(stored).not.toMatch(/giraffe|HumanMessage|"read"/);
    const { values } = (await agent.graph.getState(config)) as { values: { messages: { text: string }[] } };
    expect(values.messages.at(-1)?.text).toBe('done');
    const { messages } = (await (await invoke(context, { checkpointer: saver })).agent.invoke(go() as never, config as never)) as { messages: unknown[] };
    expect(messages).toHaveLength(8);
  });

  it('[LANGCHAIN-CHECKPOINT] opens nothing under another key, nothing changed and nothing that was stored in clear', async () => {
    const serializer = new TalosSerializer({ key });
    const [type, bytes] = await serializer.dumpsTyped({ secret: 'giraffe', at: new Uint8Array([1, 2]) });
    expect(await serializer.loadsTyped(type, bytes)).toEqual({ secret: 'giraffe', at: new Uint8Array([1, 2]) });
    expect(await serializer.loadsTyped('json', new TextDecoder().decode(bytes))).toMatchObject({ secret: 'giraffe' });
    const other = new TalosSerializer({ key: crypto.getRandomValues(new Uint8Array(32)) });
    await expect(other.loadsTyped(type, bytes)).rejects.toMatchObject({ code: 'TALOS_CRYPTO_OPEN' });
    const changed = new TextDecoder().decode(bytes).replace(/.(?="\}$)/, (last) => (last === 'A' ? 'B' : 'A'));
    await expect(serializer.loadsTyped(type, changed)).rejects.toMatchObject({ code: 'TALOS_CRYPTO_OPEN' });
    for (const clear of ['{"secret":"giraffe"}', '"giraffe"', 'null', 'giraffe', ''])
      await expect(serializer.loadsTyped('json', clear)).rejects.toMatchObject({ code: 'TALOS_ENCODING_JSON' });
    expect(() => new TalosSerializer({ key: new Uint8Array(16) })).toThrow(expect.objectContaining({ code: 'TALOS_USAGE_ARGUMENT' }) as Error);
  });
});

/** Everything in it, with bytes read as text and every object once. */
function text(value: unknown): string {
  const seen = new WeakSet<object>();
  return JSON.stringify(value, (_key, each: unknown) => {
    if (each instanceof Uint8Array) return new TextDecoder().decode(each);
    if (typeof each !== 'object' || each === null) return each;
    if (seen.has(each)) return undefined;
    seen.add(each);
    return each;
  });
}
