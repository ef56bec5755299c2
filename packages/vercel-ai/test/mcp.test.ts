import { createMCPClient } from '@ai-sdk/mcp';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { generateText, isStepCount } from 'ai';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { toolDigests } from '../src/index.ts';
import { agentGranted, modelCalling, toolOutputs } from './support.ts';

const stopWhen = isStepCount(5);

async function mcpServer() {
  const paths: string[] = [];
  const server = new McpServer({ name: 'files', version: '1.0.0' });
  const add = (name: string, description = 'Reads a file.') =>
    server.registerTool(name, { description, inputSchema: { path: z.string() } }, async ({ path }) => {
      paths.push(path);
      return { content: [{ type: 'text', text: `contents of ${path}` }] };
    });
  add('read');
  const [near, far] = InMemoryTransport.createLinkedPair();
  await server.connect(far);
  const client = await createMCPClient({ transport: near as never });
  return { client, paths, add, close: () => Promise.all([client.close(), server.close()]) };
}

it('[VERCEL-MCP] tools of an MCP server are guarded by name and arguments, also those that appear later', async () => {
  const mcp = await mcpServer();
  const { guard } = await agentGranted({ read: { path: { subpath: { root: 'docs' } } } });
  try {
    const model = modelCalling([
      { name: 'read', args: { path: 'docs/a.md' }, id: 'a' },
      { name: 'read', args: { path: 'etc/passwd' }, id: 'b' },
    ]);
    await generateText({ model, ...guard({ tools: await mcp.client.tools() }), stopWhen, prompt: 'go' });
    expect(mcp.paths).toEqual(['docs/a.md']);
    expect(JSON.stringify(toolOutputs(model)['a'])).toContain('contents of docs/a.md');
    expect(toolOutputs(model)['b']?.type).toBe('execution-denied');
    mcp.add('remove');
    const later = modelCalling([{ name: 'remove', args: { path: 'docs/a.md' } }]);
    await generateText({ model: later, tools: guard.tools(await mcp.client.tools()), stopWhen, prompt: 'go' });
    expect(mcp.paths).toEqual(['docs/a.md']);
    expect(JSON.stringify(toolOutputs(later))).toContain('TOOL_UNGRANTED');
  } finally {
    await mcp.close();
  }
});

it('[VERCEL-PINNED] the digest of a tool is that of its description and schema as the server has them', async () => {
  const [first, same, other] = await Promise.all([mcpServer(), mcpServer(), mcpServer()]);
  try {
    other.add('search', 'Finds.');
    const [a, b, c] = await Promise.all([first, same, other].map(async ({ client }) => toolDigests(await client.tools())));
    expect(a).toEqual(b);
    expect(a?.['read']).toMatch(/^[0-9a-f]{64}$/);
    expect(c?.['read']).toBe(a?.['read']);
    expect(c?.['search']).not.toBe(a?.['read']);
  } finally {
    await Promise.all([first.close(), same.close(), other.close()]);
  }
});
