/**
 * An AI SDK agent that may read the documentation and nothing else. Runs offline with a scripted model, checks its own result,
 * and exits with 1 if anything differs.
 * @module
 */
import assert from 'node:assert/strict';
import { subpath, TalosClient } from '@talosprotocol/core';
import { talosGuard } from '@talosprotocol/vercel-ai';
import { tool, ToolLoopAgent } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { z } from 'zod';

const opened: string[] = [];

const readFile = tool({
  description: 'Reads a file.',
  inputSchema: z.object({ path: z.string() }),
  execute: async ({ path }) => {
    opened.push(path);
    return `contents of ${path}`;
  },
});

/** Stands in for a model that was talked into reading a file outside. */
const read = (id: string, path: string) => ({ type: 'tool-call', toolCallId: id, toolName: 'readFile', input: JSON.stringify({ path }) });
const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
const turns = [
  { content: [read('call-1', 'docs/glossary.md'), read('call-2', '../../etc/passwd')], finishReason: { unified: 'tool-calls' }, usage, warnings: [] },
  { content: [{ type: 'text', text: 'The glossary is here. I may not read the other file.' }], finishReason: { unified: 'stop' }, usage, warnings: [] },
];
const model = new MockLanguageModelV4({ doGenerate: turns as never });

// #region guard
const owner = await TalosClient.create('owner');
const client = await TalosClient.create('reader', { trust: { issuers: [owner.did] } });
const capability = await owner.grant({
  to: client.did,
  for: '15m',
  tools: { readFile: { path: subpath('docs') } },
});

const guard = talosGuard({ client, capability });
const agent = new ToolLoopAgent({ model, ...guard({ tools: { readFile } }) });
// #endregion guard

const { text, steps } = await agent.generate({ prompt: 'Read the glossary and the passwords.' });

const result = steps[0]?.content.find((part) => part.type === 'tool-result');
const answer = steps[0]?.content.find((part) => part.type === 'tool-approval-response');
console.log(`call-1  allowed  ${String(result?.output)}`);
console.log(`call-2  refused  ${answer?.reason}`);
console.log(`model   ${text}`);

const types: string[] = [];
for (let index = 0; index < client.log.size; index++) {
  const entry = JSON.parse(new TextDecoder().decode((await client.log.entry(index)).bytes)) as { type: string };
  if (/^(tool|policy)\./.test(entry.type)) types.push(entry.type);
}
console.log(`log     ${types.join(', ')}`);

const refusal = JSON.parse(answer?.reason ?? '{}') as Record<string, unknown>;
assert.equal(result?.output, 'contents of docs/glossary.md');
assert.equal(refusal['code'], 'ARG_VIOLATES');
assert.deepEqual(opened, ['docs/glossary.md']);
assert.deepEqual(types.toSorted(), ['policy.decision', 'tool.request', 'tool.result']);

await client.close();
await owner.close();
