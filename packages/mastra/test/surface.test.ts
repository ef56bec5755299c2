import { expect, it } from 'vitest';
import { surfaceOf } from '../../../test/support/surface.ts';

/** Everything through which a tool is reached, called or seen on its way. */
const surfaces = [
  {
    module: '@mastra/core/agent',
    names: ['AgentConfig', 'AgentExecutionOptions', 'DelegationConfig', 'SubAgent'],
    known: ['AgentConfig.hooks', 'DelegationConfig.hookErrorStrategy', 'export Agent'],
  },
  {
    module: '@mastra/core/tools',
    names: ['ToolHooks', 'ToolAction', 'ToolExecutionContext'],
    known: ['ToolHooks.beforeToolCall', 'ToolAction.execute', 'export createTool'],
  },
  { module: '@mastra/core/processors', names: ['Processor', 'ProcessInputStepResult'], known: ['Processor.processInputStep', 'ProcessInputStepResult.tools'] },
] as const;

it('[MASTRA-SURFACE] Mastra has no hook and no export that was not looked at: read what is new, add its test, then write the file anew', async () => {
  const all = surfaces.map(({ module, names, known }) => {
    const surface = surfaceOf({ from: import.meta.url, module, names });
    expect(surface).not.toMatch(/: gone/);
    for (const line of known) expect(surface.split('\n')).toContain(line);
    return surface;
  });
  await expect(all.join('\n')).toMatchFileSnapshot('surface.txt');
}, 60_000);
