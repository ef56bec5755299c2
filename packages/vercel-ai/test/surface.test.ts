import { expect, it } from 'vitest';
import { surfaceOf } from '../../../test/support/surface.ts';

/** Everything through which a tool is reached, called or seen on its way. */
const names = [
  'Agent',
  'ToolLoopAgent',
  'ToolLoopAgentSettings',
  'generateText',
  'streamText',
  'PrepareStepResult',
  'Tool',
  'tool',
  'ToolExecutionOptions',
  'Telemetry',
  'LanguageModelMiddleware',
  'wrapLanguageModel',
  'ToolApprovalConfiguration',
];

it('[VERCEL-SURFACE] the SDK has no hook and no export that was not looked at: read what is new, add its test, then write the file anew', async () => {
  const surface = surfaceOf({ from: import.meta.url, module: 'ai', names });
  expect(surface).not.toMatch(/: gone/);
  for (const known of [
    'Tool.execute',
    'ToolExecutionOptions.abortSignal',
    'LanguageModelMiddleware.wrapGenerate',
    'generateText.toolApproval',
    'export streamText',
  ])
    expect(surface.split('\n')).toContain(known);
  await expect(surface).toMatchFileSnapshot('surface.txt');
});
