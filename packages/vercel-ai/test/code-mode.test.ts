import { experimental_codeModeTool as codeModeTool, experimental_createCodeModeTool as createCodeModeTool } from '@ai-sdk/code-mode';
import { generateText, isStepCount, tool } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agentGranted, modelCalling, toolOutputs } from './support.ts';

const stopWhen = isStepCount(5);
const granted = { read: { path: { subpath: { root: 'docs' } } } } as const;
const script = (path: string) => `const text = await tools.read({ path: ${JSON.stringify(path)} }); return text;`;
const calling = (path: string) => modelCalling([{ name: 'code', args: { js: script(path) } }]);

function reader() {
  const paths: string[] = [];
  const read = tool({
    description: 'Reads.',
    inputSchema: z.object({ path: z.string() }),
    outputSchema: z.string(),
    execute: async ({ path }) => `${paths.push(path)}`,
  });
  return { read, paths };
}

describe('code mode', () => {
  it('[VERCEL-CODE-MODE] its inner calls are guarded', async () => {
    const { guard, log } = await agentGranted({ ...granted, code: { js: 'any' } });
    const { read, paths } = reader();
    const code = createCodeModeTool(guard.tools({ read }));
    await generateText({ model: calling('docs/a.md'), ...guard({ tools: { code } }), stopWhen, prompt: 'go' });
    const model = calling('etc/passwd');
    await generateText({ model, ...guard({ tools: { code } }), stopWhen, prompt: 'go' });
    expect(paths).toEqual(['docs/a.md']);
    // Code mode tells its model nothing of why a tool failed; the log does.
    expect(toolOutputs(model)['call_1']?.type).toBe('error-text');
    const entries = await log();
    expect(entries.map(({ type, 'gen_ai.tool.name': name }) => `${type} ${String(name)}`)).toEqual([
      'tool.request code',
      'tool.request read',
      'tool.result read',
      'tool.result code',
      'tool.request code',
      'policy.decision read',
      'tool.result code',
    ]);
    expect(new Set(entries.slice(0, 4).map(({ run }) => run)).size).toBe(1);
  });

  it('[VERCEL-CODE-MODE] a caller that the SDK binds in each run is guarded, outside and inside', async () => {
    for (const [outer, ran] of [
      [{}, []],
      [{ code: { js: 'any' } }, ['docs/a.md']],
    ] as const) {
      const { guard, log } = await agentGranted({ ...granted, ...outer });
      const { read, paths } = reader();
      const tools = guard.tools({ code: codeModeTool(), read });
      const settings = { tools, experimental_toolCallers: { read: ['code'] as const }, stopWhen, prompt: 'go' };
      await generateText({ model: calling('docs/a.md'), ...settings } as never);
      await generateText({ model: calling('etc/passwd'), ...settings } as never);
      expect(paths).toEqual(ran);
      const names = (await log()).filter(({ type }) => type === 'tool.request').map((entry) => entry['gen_ai.tool.name']);
      expect(names).toEqual(ran.length === 0 ? [] : ['code', 'read', 'code']);
    }
  });
});
