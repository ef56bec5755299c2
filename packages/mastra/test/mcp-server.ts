/** An MCP server over the standard streams, as a process of its own. It writes down what reached its tool. */
import { appendFileSync } from 'node:fs';
import { createTool } from '@mastra/core/tools';
import { MCPServer } from '@mastra/mcp';
import { z } from 'zod';

const read = createTool({
  id: 'read',
  description: 'Reads a file.',
  inputSchema: z.object({ path: z.string() }),
  execute: async ({ path }) => {
    appendFileSync(process.argv[2] ?? '', `${path}\n`);
    return `contents of ${path}`;
  },
});

await new MCPServer({ id: 'files', name: 'files', version: '1.0.0', tools: { read } }).startStdio();
