import { createTool, Tool } from '@mastra/core/tools';
import { UsageError } from '@talosprotocol/core/errors';
import { tool as aiTool } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { talosGuard } from '../src/index.ts';
import { agentGranted } from './support.ts';

type Callable = { execute: (input: unknown, context?: unknown) => Promise<unknown> };
const path = z.object({ path: z.string() });
const granted = { read: { path: { subpath: { root: 'docs' } } } } as const;
const made = () => createTool({ id: 'read-file', description: 'Reads a file.', inputSchema: path, execute: async (input) => `read ${input.path}` });
const callable = (tool: object): Callable => tool as Callable;

describe('guard.tools', () => {
  it('[MASTRA-SAME-TOOL] keeps every property and the class, and leaves the given tool as it was', async () => {
    const { guard } = await agentGranted(granted);
    const given = made();
    const execute = given.execute;
    const { read } = guard.tools({ read: given });
    expect(read).toBeInstanceOf(Tool);
    expect([read.id, read.description, read.inputSchema]).toEqual(['read-file', 'Reads a file.', given.inputSchema]);
    expect(given.execute).toBe(execute);
    expect(read.execute).not.toBe(execute);
    class Reader {
      readonly #prefix = 'read ';
      readonly id = 'read-file';
      readonly description = 'Reads a file.';
      async execute(input: { path: string }) {
        return this.#prefix + input.path;
      }
    }
    const own = guard.tools({ read: new Reader() }).read;
    expect(own).toBeInstanceOf(Reader);
    expect(await own.execute({ path: 'docs/a.md' })).toBe('read docs/a.md');
  });

  it('[MASTRA-KINDS] [MASTRA-DENY-DIRECT] guards every kind of tool', async () => {
    const { guard } = await agentGranted(granted);
    const execute = async (input: unknown) => `read ${(input as { path: string }).path}`;
    const kinds: Record<string, object> = {
      created: made(),
      spread: { ...made() },
      replaced: { ...made(), execute },
      plain: { id: 'read', description: 'Reads.', execute },
      ai: aiTool({ inputSchema: path, execute }),
      old: { parameters: path, execute },
    };
    for (const kind of Object.values(kinds)) {
      const read = callable(guard.tools({ read: kind }).read);
      expect(await read.execute({ path: 'docs/a.md' })).toBe('read docs/a.md');
      await expect(read.execute({ path: '/etc/passwd' })).rejects.toMatchObject({ code: 'TALOS_DENIED', denialCode: 'ARG_VIOLATES', status: 403 });
    }
  });

  it('[MASTRA-CLIENT-TOOL] leaves a tool without execute alone', async () => {
    const { guard } = await agentGranted(granted);
    const ask = createTool({ id: 'ask', description: 'Asks.', inputSchema: path });
    expect(guard.tools({ ask }).ask).toBe(ask);
  });

  it.each([
    ['a function', () => 'x'],
    ['null', null],
    ['a string', 'read'],
    ['an empty object', {}],
    ['a bare execute', { execute: async () => 'x' }],
    ['an execute that is no function', { id: 'read', inputSchema: path, execute: 'x' }],
    ['the web search placeholder', { [Symbol.for('mastra.tools.webSearchTool')]: true }],
    ['a tool that runs at the provider', { type: 'provider', id: 'acme.search', args: {}, inputSchema: path }],
    ['a tool that runs at the provider, of AI SDK 5', { type: 'provider-defined', id: 'acme.search', args: {}, inputSchema: path }],
  ])('[MASTRA-UNKNOWN-TOOL] refuses %s at set-up', async (_, unknown) => {
    const { guard } = await agentGranted(granted);
    const setUp = () => guard.tools({ read: unknown as object });
    expect(setUp).toThrow(UsageError);
    expect(setUp).toThrow(expect.objectContaining({ code: 'TALOS_USAGE_UNKNOWN_TOOL', message: expect.stringContaining('"read"') as string }));
  });

  it('[MASTRA-UNKNOWN-TOOL] refuses a list of tools', async () => {
    const { guard } = await agentGranted(granted);
    expect(() => guard.tools([made()] as unknown as Record<string, object>)).toThrow(UsageError);
  });

  it('[MASTRA-DOUBLE-WRAP] gives a guarded tool back as it is, wherever in it the guard stands', async () => {
    const { guard, client, capability, log } = await agentGranted(granted);
    const once = guard.tools({ read: made() });
    expect(guard.tools(once).read).toBe(once.read);
    const twice = talosGuard({ client, capability }).tools(once);
    expect(guard.tools(twice).read).toBe(twice.read);
    await callable(guard.tools(once).read).execute({ path: 'docs/a.md' });
    expect((await log()).map(({ type }) => type)).toEqual(['tool.request', 'tool.result']);
    let ran = false;
    const replaced = callable(guard.tools({ read: { ...once.read, execute: async () => (ran = true) } }).read);
    await expect(replaced.execute({ path: 'etc' })).rejects.toMatchObject({ code: 'TALOS_DENIED' });
    expect(ran).toBe(false);
  });

  it('[MASTRA-OTHER-GUARD] asks both guards', async () => {
    const { guard, client } = await agentGranted(granted);
    const narrow = talosGuard({ client, capability: await client.grant({ to: client.did, for: '15m', tools: { read: { path: { eq: 'docs/a.md' } } } }) });
    for (const both of [narrow.tools(guard.tools({ read: made() })), guard.tools(narrow.tools({ read: made() }))]) {
      expect(await callable(both.read).execute({ path: 'docs/a.md' })).toBe('read docs/a.md');
      await expect(callable(both.read).execute({ path: 'docs/b.md' })).rejects.toMatchObject({ code: 'TALOS_DENIED' });
    }
  });
});

describe('the input that is decided on', () => {
  const list = (inputSchema: z.ZodType, seen: unknown[]) =>
    createTool({ id: 'list', description: 'Lists.', inputSchema, execute: async (input: unknown) => void seen.push(input) });

  it('[MASTRA-EXECUTED-INPUT] has the defaults that the tool will see', async () => {
    const { guard } = await agentGranted({ list: { limit: { range: { max: 100 }, optional: true } } });
    const seen: unknown[] = [];
    const greedy = callable(guard.tools({ list: list(z.object({ limit: z.number().default(1000) }), seen) }).list);
    await expect(greedy.execute({})).rejects.toMatchObject({ denialCode: 'ARG_VIOLATES' });
    const modest = callable(guard.tools({ list: list(z.object({ limit: z.number().default(10) }), seen) }).list);
    await modest.execute({});
    expect(seen).toEqual([{ limit: 10 }]);
  });

  it('[MASTRA-EXECUTED-INPUT] has Mastra’s repairs and coercions', async () => {
    const { guard } = await agentGranted({ list: { names: { in: ['a'] } } });
    const seen: unknown[] = [];
    const tool = callable(guard.tools({ list: list(z.object({ names: z.array(z.string()) }), seen) }).list);
    await expect(tool.execute({ names: '["a","b"]' })).rejects.toMatchObject({ denialCode: 'ARG_VIOLATES' });
    await tool.execute({ names: '["a"]' });
    expect(seen).toEqual([{ names: ['a'] }]);
  });

  it('[MASTRA-EXECUTED-INPUT] input that does not fit is answered as without a guard, and nothing runs', async () => {
    const { guard, log } = await agentGranted(granted);
    const given = made();
    const wrong = { path: 5 };
    expect(await callable(guard.tools({ read: given }).read).execute(wrong)).toEqual(await callable(given).execute(wrong));
    expect(await log()).toEqual([]);
  });

  it('[MASTRA-EXECUTED-INPUT] that does not fit is still decided on when a call is resumed, since it may run then', async () => {
    const { guard } = await agentGranted({ list: { limit: { range: { max: 100 }, optional: true } } });
    const seen: unknown[] = [];
    const tool = callable(guard.tools({ list: list(z.object({ limit: z.number() }), seen) }).list);
    await tool.execute({}, { agent: { resumeData: { approved: true } } });
    await expect(tool.execute({ limit: '1000' }, { agent: { resumeData: { approved: true } } })).rejects.toMatchObject({ denialCode: 'ARG_VIOLATES' });
    await expect(tool.execute({ limit: 1000 }, { agent: { resumeData: { approved: true } } })).rejects.toMatchObject({ denialCode: 'ARG_VIOLATES' });
    expect(seen).toEqual([{}]);
  });

  it.each([
    ['another value', z.number().transform((n) => n * 2), 50],
    ['a value that it would refuse', z.string().transform(Number), '50'],
  ])('[MASTRA-SHIFTING-SCHEMA] ends a call whose second validation would make of what was decided %s', async (_, schema, limit) => {
    const { guard } = await agentGranted({ list: { limit: { range: { max: 100 } } } });
    const seen: unknown[] = [];
    const shifting = callable(guard.tools({ list: list(z.object({ limit: schema }), seen) }).list);
    await expect(shifting.execute({ limit })).rejects.toMatchObject({ code: 'TALOS_USAGE_UNKNOWN_TOOL' });
    expect(seen).toEqual([]);
  });
});
