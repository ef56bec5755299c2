import { Mastra } from '@mastra/core/mastra';
import { MastraServer } from '@mastra/hono';
import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { surfaceOf } from '../../../test/support/surface.ts';

/** Everything through which a tool is reached, called or seen on its way. */
const surfaces = [
  {
    module: '@mastra/core/agent',
    names: ['Agent', 'AgentConfig', 'AgentExecutionOptions', 'DelegationConfig', 'NetworkOptions', 'SubAgent'],
    known: ['AgentConfig.hooks', 'DelegationConfig.hookErrorStrategy', 'export Agent'],
  },
  {
    module: '@mastra/core/tools',
    names: ['MastraToolInvocationOptions', 'Tool', 'ToolAction', 'ToolExecutionContext', 'ToolHooks', 'createCodeModeTool'],
    known: ['ToolHooks.beforeToolCall', 'ToolAction.execute', 'export createTool'],
  },
  { module: '@mastra/core/processors', names: ['Processor', 'ProcessInputStepResult'], known: ['Processor.processInputStep', 'ProcessInputStepResult.tools'] },
  { module: '@mastra/core/mastra', names: ['Config'], known: ['Config.server', 'Config.tools', 'Config.mcpServers'] },
  { module: '@mastra/core/mcp', names: ['MCPServerBase', 'MCPServerConfig'], known: ['MCPServerConfig.tools'] },
  { module: '@mastra/core/workflows', names: ['Step', 'WorkflowConfig'], known: ['Step.execute', 'export createStep'] },
] as const;

/** The server's ways to a tool. */
async function routes(): Promise<string> {
  const app = new Hono();
  await new MastraServer({ app: app as never, mastra: new Mastra({ logger: false }) }).init();
  const posts = app.routes.map(({ method, path }) => `${method} ${path}`).filter((route) => !route.startsWith('GET') && /tool|execute|mcp/i.test(route));
  expect(posts).toEqual(expect.arrayContaining(['POST /api/tools/:toolId/execute', 'POST /api/agents/:agentId/tools/:toolId/execute']));
  return ['# routes', ...new Set(posts.toSorted()), ''].join('\n');
}

it('[MASTRA-SURFACE] Mastra has no hook and no export that was not looked at: read what is new, add its test, then write the file anew', async () => {
  const all = surfaces.map(({ module, names, known }) => {
    const surface = surfaceOf({ from: import.meta.url, module, names });
    expect(surface).not.toMatch(/: gone/);
    for (const line of known) expect(surface.split('\n')).toContain(line);
    return surface;
  });
  await expect([...all, await routes()].join('\n')).toMatchFileSnapshot('surface.txt');
}, 60_000);
