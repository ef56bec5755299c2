import { UsageError } from '@talosprotocol/core/errors';
import { dynamicTool, tool } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { talosGuard } from '../src/index.ts';
import { agentGranted } from './support.ts';

const options = { toolCallId: 'call_1', messages: [], context: {} };
const path = z.object({ path: z.string() });
const execute = async (): Promise<string> => 'x';
const granted = { read: { path: { subpath: { root: 'docs' } } } } as const;

describe('guard.tools', () => {
  it('[VERCEL-SAME-TOOL] keeps every property and the prototype, and leaves the given tool as it was', async () => {
    const { guard } = await agentGranted(granted);
    class Reader {
      readonly #prefix = 'read ';
      readonly description = 'Reads a file.';
      readonly inputSchema = path;
      readonly hidden!: string;
      constructor() {
        Object.defineProperty(this, 'hidden', { value: 'code mode keeps things here', enumerable: false });
      }
      async execute(input: { path: string }) {
        return this.#prefix + input.path;
      }
    }
    const reader = new Reader();
    const { read } = guard.tools({ read: reader });
    expect(read).toBeInstanceOf(Reader);
    expect(read.description).toBe('Reads a file.');
    expect(read.inputSchema).toBe(path);
    expect(read.hidden).toBe('code mode keeps things here');
    expect(Object.keys(read)).not.toContain('hidden');
    expect(Object.hasOwn(reader, 'execute')).toBe(false);
    expect(await read.execute({ path: 'docs/a.md' })).toBe('read docs/a.md');
    await expect(read.execute({ path: '../../etc/passwd' })).rejects.toMatchObject({ code: 'TALOS_DENIED' });
  });

  it('[VERCEL-KINDS] guards static, dynamic and provider-defined tools alike', async () => {
    const { guard } = await agentGranted(granted);
    const execute = async (input: unknown) => `read ${(input as { path: string }).path}`;
    const kinds = {
      static: tool({ inputSchema: path, execute }),
      function: { type: 'function', inputSchema: path, execute },
      dynamic: dynamicTool({ description: 'Reads.', inputSchema: path, execute }),
      provider: { type: 'provider', isProviderExecuted: false, id: 'acme.read', args: {}, inputSchema: path, execute },
    };
    for (const kind of Object.values(kinds)) {
      const { read } = guard.tools({ read: kind as { execute: (input: unknown, given: unknown) => Promise<string> } });
      expect(await read.execute({ path: 'docs/a.md' }, options)).toBe('read docs/a.md');
      await expect(read.execute({ path: '/etc/passwd' }, options)).rejects.toMatchObject({ code: 'TALOS_DENIED', denialCode: 'ARG_VIOLATES' });
    }
  });

  it('[VERCEL-CLIENT-TOOL] leaves a tool without execute alone', async () => {
    const { guard } = await agentGranted(granted);
    const ask = tool({ inputSchema: path, outputSchema: z.string() });
    expect(guard.tools({ ask }).ask).toBe(ask);
  });

  it.each([
    ['a function', () => 'x'],
    ['null', null],
    ['a string', 'read'],
    ['a tool of AI SDK 4', { parameters: path, execute }],
    ['a tool without a schema', { execute }],
    ['a tool of a later type', { type: 'remote', inputSchema: path, execute }],
    ['an execute that is no function', { inputSchema: path, execute: 'x' }],
    ['a tool that runs at the provider', { type: 'provider', isProviderExecuted: true, id: 'acme.search', args: {}, inputSchema: path }],
    [
      'a tool that runs at the provider, with an execute',
      { type: 'provider', isProviderExecuted: true, id: 'acme.search', args: {}, inputSchema: path, execute },
    ],
    ['a provider tool of AI SDK 6', { type: 'provider', id: 'acme.search', args: {}, inputSchema: path }],
  ])('[VERCEL-UNKNOWN-TOOL] refuses %s at set-up', async (_, unknown) => {
    const { guard } = await agentGranted(granted);
    const tools = { read: unknown as object };
    for (const setUp of [() => guard.tools(tools), () => guard({ tools })]) {
      expect(setUp).toThrow(UsageError);
      expect(setUp).toThrow(expect.objectContaining({ code: 'TALOS_USAGE_UNKNOWN_TOOL', message: expect.stringContaining('"read"') as string }));
    }
  });

  it('[VERCEL-UNKNOWN-TOOL] refuses a list of tools', async () => {
    const { guard } = await agentGranted(granted);
    expect(() => guard.tools([tool({ inputSchema: path, execute: async () => 'x' })] as unknown as Record<string, object>)).toThrow(UsageError);
  });

  it('[VERCEL-DOUBLE-WRAP] gives a guarded tool back as it is, wherever in it the guard stands', async () => {
    const { guard, client, capability, log } = await agentGranted(granted);
    const once = guard.tools({ read: tool({ inputSchema: path, execute: async () => 'x' }) });
    expect(guard.tools(once).read).toBe(once.read);
    expect(guard.tools({ read: { ...once.read } }).read.execute).toBe(once.read.execute);
    const twice = talosGuard({ client, capability }).tools(once);
    expect(guard.tools(twice).read).toBe(twice.read);
    await guard({ tools: once }).tools.read.execute({ path: 'docs/a.md' }, options);
    expect((await log()).map(({ type }) => type)).toEqual(['tool.request', 'tool.result']);
  });

  it('[VERCEL-OTHER-GUARD] asks both guards', async () => {
    const { guard, client, log } = await agentGranted(granted);
    const narrow = await client.grant({ to: client.did, for: '15m', tools: { read: { path: { eq: 'docs/a.md' } } } });
    let ran = 0;
    const { read } = talosGuard({ client, capability: narrow }).tools(guard.tools({ read: tool({ inputSchema: path, execute: async () => ++ran }) }));
    await read.execute({ path: 'docs/a.md' }, options);
    await expect(read.execute({ path: 'docs/b.md' }, options)).rejects.toMatchObject({ code: 'TALOS_DENIED' });
    const outside = guard.tools(talosGuard({ client, capability: narrow }).tools({ read: tool({ inputSchema: path, execute: async () => ++ran }) }));
    await expect(outside.read.execute({ path: 'docs/b.md' }, options)).rejects.toMatchObject({ code: 'TALOS_DENIED' });
    expect(ran).toBe(1);
    expect((await log()).filter(({ type }) => type === 'policy.decision')).toHaveLength(2);
  });

  it('[VERCEL-REPLACED-EXECUTE] wraps a spread tool whose execute was replaced', async () => {
    const { guard } = await agentGranted(granted);
    const once = guard.tools({ read: tool({ inputSchema: path, execute: async () => 'x' }) });
    let ran = false;
    const { read } = guard.tools({ read: { ...once.read, execute: async () => (ran = true) } });
    await expect(read.execute()).rejects.toMatchObject({ denialCode: 'ARG_MISSING' });
    expect(ran).toBe(false);
  });

  it('[VERCEL-NO-WAY-AROUND] asks for the tool’s own name too when it is offered under another', async () => {
    const { guard, client } = await agentGranted({ list: { path: 'any' } });
    const { remove } = guard.tools({ remove: tool({ inputSchema: path, execute: async () => 'removed' }) });
    const both = await client.grant({ to: client.did, for: '15m', tools: { remove: { path: 'any' } } });
    for (const again of [guard, talosGuard({ client, capability: both })]) {
      await expect(again.tools({ list: remove }).list.execute({ path: 'a' }, options)).rejects.toMatchObject({ code: 'TALOS_DENIED' });
    }
    const { guard: mayRemove } = await agentGranted({ remove: { path: 'any' } });
    const renamed = mayRemove.tools({ list: mayRemove.tools({ remove: tool({ inputSchema: path, execute: async () => 'removed' }) }).remove }).list;
    await expect(renamed.execute({ path: 'a' }, options)).rejects.toMatchObject({ code: 'TALOS_DENIED', denialCode: 'TOOL_UNGRANTED' });
  });
});
