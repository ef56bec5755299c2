import { any, anyArgs, eq, TalosClient } from '@talosprotocol/core';
import { RunnableLambda } from '@langchain/core/runnables';
import { DynamicStructuredTool, StructuredTool } from '@langchain/core/tools';
import { tool } from 'langchain';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { talosGuard, type GuardableTool } from '../src/index.ts';
import { agentGranted, modelCalling, runAgent } from './support.ts';

const echo = (ran: unknown[] = []) =>
  tool(
    async ({ text }) => {
      ran.push(text);
      return text;
    },
    { name: 'echo', description: 'Echoes.', schema: z.object({ text: z.string() }) },
  );

class Sly extends StructuredTool {
  readonly name = 'sly';
  readonly description = 'Runs before anybody asks.';
  readonly schema = z.object({});
  ran = false;
  override invoke = async (): Promise<never> => {
    this.ran = true;
    return 'ran' as never;
  };
  protected override async _call(): Promise<string> {
    return 'never';
  }
}

describe('guard.tools', () => {
  it('[LANGCHAIN-SAME-TOOL] gives tools that look the same, and leaves the originals alone', async () => {
    const { guard } = await agentGranted({ echo: anyArgs() });
    const original = echo();
    const keys = Reflect.ownKeys(original);
    const [guarded] = guard.tools([original]);
    expect(guarded).not.toBe(original);
    expect(guarded).toBeInstanceOf(DynamicStructuredTool);
    expect([guarded.name, guarded.description, guarded.schema]).toEqual([original.name, original.description, original.schema]);
    expect(guarded.toJSON()).toEqual(original.toJSON());
    expect(Reflect.ownKeys(original)).toEqual(keys);
    expect(await original.invoke({ text: 'bare' })).toBe('bare');
  });

  it('[LANGCHAIN-SAME-TOOL] cannot be opened again by assigning to it', async () => {
    const { guard } = await agentGranted({ other: anyArgs() });
    const [guarded] = guard.tools([echo()]);
    expect(() => Reflect.set(guarded, '_call', async () => 'ran') || throwing()).toThrow('not writable');
    await expect(guarded.invoke({ text: 'a' })).rejects.toMatchObject({ denialCode: 'TOOL_UNGRANTED' });
  });

  it.each<[string, unknown]>([
    ['a server tool of a provider', { type: 'web_search' }],
    ['a tool specification', { name: 'x', description: '', schema: z.object({}) }],
    ['an OpenAI tool', { type: 'function', function: { name: 'x' } }],
    ['a plain runnable', RunnableLambda.from(async () => 'x')],
    ['a bound tool', echo().withConfig({ tags: ['t'] })],
    ['a class that replaces invoke', new Sly()],
    ['a tool whose invoke was replaced', Object.assign(echo(), { invoke: async () => 'x' })],
    ['a tool without a name', Object.assign(echo(), { name: '' })],
    [
      'a look-alike of another copy of LangChain',
      Object.assign(Object.create(null) as object, {
        name: 'x',
        lc_namespace: ['langchain', 'tools'],
        schema: {},
        _call: async () => 'x',
        invoke: async () => 'x',
      }),
    ],
    ['a function', () => 'x'],
    ['nothing', undefined],
  ])('[LANGCHAIN-UNKNOWN-TOOL] refuses %s', async (_shape, unknown) => {
    const { guard } = await agentGranted({ x: anyArgs() });
    expect(() => guard.tools([echo(), unknown as GuardableTool])).toThrow(expect.objectContaining({ code: 'TALOS_USAGE_UNKNOWN_TOOL' }));
  });

  it('[LANGCHAIN-UNKNOWN-TOOL] names the fix when it is given one tool', async () => {
    const { guard } = await agentGranted({ x: anyArgs() });
    expect(() => guard.tools(echo() as unknown as GuardableTool[])).toThrow(expect.objectContaining({ code: 'TALOS_USAGE_ARGUMENT' }));
  });

  it('[LANGCHAIN-DOUBLE-WRAP] guards a tool once, however often it is asked', async () => {
    const { guard, log } = await agentGranted({ echo: anyArgs() });
    const once = guard.tools([echo()]);
    const twice = guard.tools(guard.tools(once));
    expect(twice[0]).toBe(once[0]);
    const { results } = await runAgent({ model: modelCalling([{ name: 'echo', args: { text: 'a' } }]), tools: twice });
    expect(results['call_1']).toMatchObject({ content: 'a', status: 'success' });
    expect((await log()).map(({ type }) => type)).toEqual(['tool.request', 'tool.result']);
  });

  it('[LANGCHAIN-DOUBLE-WRAP] is not taken in by a tool that only inherits from a guarded one', async () => {
    const { guard } = await agentGranted({ other: anyArgs() });
    const [guarded] = guard.tools([echo()]);
    const opened = Object.create(guarded, { _call: { value: async () => 'ran' } }) as typeof guarded;
    const [again] = guard.tools([opened]);
    expect(again).not.toBe(opened);
    await expect(again.invoke({ text: 'a' })).rejects.toMatchObject({ denialCode: 'TOOL_UNGRANTED' });
  });

  it('[LANGCHAIN-OTHER-GUARD] lets two guards both decide, in either order', async () => {
    const wide = await agentGranted({ echo: anyArgs() });
    const narrow = await agentGranted({ echo: { text: eq('a') } });
    const ran: unknown[] = [];
    for (const [inner, outer] of [
      [wide, narrow],
      [narrow, wide],
    ] as const) {
      const [both] = outer.guard.tools(inner.guard.tools([echo(ran)]));
      expect(outer.guard.tools(inner.guard.tools([both]))[0]).toBe(both);
      expect(await both.invoke({ text: 'a' })).toBe('a');
      await expect(both.invoke({ text: 'b' })).rejects.toMatchObject({ denialCode: 'ARG_VIOLATES' });
      const answer: unknown = await both.invoke({ type: 'tool_call', name: 'echo', id: 'c', args: { text: 'b' } });
      expect(answer).toMatchObject({ status: 'error', tool_call_id: 'c' });
    }
    expect(ran).toEqual(['a', 'a']);
    expect((await narrow.log()).map(({ type }) => type)).toEqual([
      'tool.request',
      'tool.result',
      'policy.decision',
      'policy.decision',
      'tool.request',
      'tool.result',
      'policy.decision',
      'policy.decision',
    ]);
  });

  it('[LANGCHAIN-DENY-DIRECT] refuses every call under a capability that this client does not hold', async () => {
    const owner = await TalosClient.create('owner');
    const thief = await TalosClient.create('thief', { trust: { issuers: [owner.did] } });
    const capability = await owner.grant({ to: owner.did, for: '15m', tools: { echo: { text: any() } } });
    const ran: unknown[] = [];
    const [echoed] = talosGuard({ client: thief, capability }).tools([echo(ran)]);
    await expect(echoed.invoke({ text: 'a' })).rejects.toMatchObject({ code: 'TALOS_DENIED' });
    expect(ran).toEqual([]);
  });
});

function throwing(): never {
  throw new Error('not writable');
}
