import { expect, it } from 'vitest';
import { surfaceOf } from '../../../test/support/surface.ts';

/** Everything through which a tool is reached, called or seen on its way. */
const names = [
  'Agent',
  'AgentConfiguration',
  'AgentHookEvents',
  'AgentToolOptions',
  'FunctionTool',
  'Handoff',
  'MCPServer',
  'Model',
  'ModelRequest',
  'RunConfig',
  'RunHookEvents',
  'Runner',
  'Tool',
  'handoff',
  'hostedMcpTool',
  'run',
  'tool',
];

it('[OPENAI-SURFACE] the SDK has no hook and no export that was not looked at: read what is new, add its test, then write the file anew', async () => {
  const surface = surfaceOf({ from: import.meta.url, module: '@openai/agents', names });
  expect(surface).not.toMatch(/: gone/);
  for (const known of ['FunctionTool.invoke', 'AgentConfiguration.mcpServers', 'MCPServer.callTool', 'Model.getResponse', 'export run'])
    expect(surface.split('\n')).toContain(known);
  await expect(surface).toMatchFileSnapshot('surface.txt');
});
