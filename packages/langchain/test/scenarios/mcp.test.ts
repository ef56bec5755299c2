import { loadMcpTools } from '@langchain/mcp-adapters';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { agentGranted, modelCalling, runAgent } from '../support.ts';

it('[LANGCHAIN-MCP] tools of an MCP server are guarded by name and arguments, with and without guard.tools', async () => {
  const paths: string[] = [];
  const server = new McpServer({ name: 'files', version: '1.0.0' });
  server.registerTool('read', { description: 'Reads a file.', inputSchema: { path: z.string() } }, async ({ path }) => {
    paths.push(path);
    return { content: [{ type: 'text', text: `contents of ${path}` }] };
  });
  const [near, far] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: 'test', version: '1.0.0' });
  await Promise.all([server.connect(far), client.connect(near)]);
  try {
    const tools = await loadMcpTools('files', client as never);
    const { guard } = await agentGranted({ read: { path: { subpath: { root: 'docs' } } } });
    for (const settings of [{ tools: guard.tools(tools) }, { tools, middleware: [guard.middleware()] }]) {
      const calls = ['docs/a.md', '../../etc/passwd'].map((path) => ({ name: 'read', args: { path }, id: path }));
      const { results } = await runAgent({ model: modelCalling(calls), ...settings });
      expect(results['docs/a.md']?.content).toContain('contents of docs/a.md');
      expect(results['../../etc/passwd']).toMatchObject({ status: 'error', content: expect.stringContaining('ARG_VIOLATES') as string });
    }
    expect(paths).toEqual(['docs/a.md', 'docs/a.md']);
  } finally {
    await Promise.all([client.close(), server.close()]);
  }
});
