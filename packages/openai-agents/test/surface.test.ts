import { expect, it } from 'vitest';
import { surfaceOf } from '../../../test/support/surface.ts';

/** Everything through which a tool is reached, called or seen on its way. */
const names = ['AgentConfiguration', 'FunctionTool', 'MCPServer', 'Model', 'ModelRequest', 'Handoff', 'RunConfig', 'tool', 'handoff'];

it('[OPENAI-SURFACE] the SDK has no hook and no export that was not looked at: read what is new, add its test, then write the file anew', async () => {
  const surface = surfaceOf({ from: import.meta.url, module: '@openai/agents', names });
  expect(surface).not.toMatch(/: gone/);
  for (const known of ['FunctionTool.invoke', 'AgentConfiguration.mcpServers', 'MCPServer.callTool', 'Model.getResponse', 'export run'])
    expect(surface.split('\n')).toContain(known);
  await expect(surface).toMatchFileSnapshot('surface.txt');
});
