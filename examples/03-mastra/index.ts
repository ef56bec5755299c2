/**
 * A Mastra agent that may read the documentation and nothing else, and its server, which lets nobody around the agent either. Runs
 * offline with a scripted model, checks its own result, and exits with 1 if anything differs.
 * @module
 */
import assert from 'node:assert/strict';
import { Agent } from '@mastra/core/agent';
import type { MastraModelConfig } from '@mastra/core/llm';
import { Mastra } from '@mastra/core/mastra';
import { createTool } from '@mastra/core/tools';
import { MastraServer } from '@mastra/hono';
import { subpath, TalosClient } from '@talosprotocol/core';
import { talosGuard } from '@talosprotocol/mastra';
import { MockLanguageModelV4 } from 'ai/test';
import { Hono } from 'hono';
import { z } from 'zod';

const opened: string[] = [];

const readFile = createTool({
  id: 'read-file',
  description: 'Reads a file.',
  inputSchema: z.object({ path: z.string() }),
  execute: async ({ path }) => {
    opened.push(path);
    return { text: `contents of ${path}` };
  },
});

/** Stands in for a model that was talked into reading a file outside. */
const read = (id: string, path: string) => ({ type: 'tool-call', toolCallId: id, toolName: 'readFile', input: JSON.stringify({ path }) });
const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
const turns = [
  { content: [read('call-1', 'docs/glossary.md'), read('call-2', '../../etc/passwd')], finishReason: { unified: 'tool-calls' }, usage, warnings: [] },
  { content: [{ type: 'text', text: 'The glossary is here. I may not read the other file.' }], finishReason: { unified: 'stop' }, usage, warnings: [] },
];
const script = new MockLanguageModelV4({ doGenerate: turns as never });
const model = script as unknown as MastraModelConfig;

// #region guard
const owner = await TalosClient.create('owner');
const client = await TalosClient.create('reader', { trust: { issuers: [owner.did] } });
const capability = await owner.grant({
  to: client.did,
  for: '15m',
  tools: { readFile: { path: subpath('docs') } },
});

const guard = talosGuard({ client, capability });
const agent = new Agent({ id: 'reader', name: 'Reader', instructions: 'Answer from the files.', model, tools: guard.tools({ readFile }) });
const mastra = new Mastra({ agents: { agent }, server: { middleware: [guard.middleware()] }, logger: false });
// #endregion guard

const { text } = await agent.generate('Read the glossary and the passwords.');

/** What the model was sent in answer to its calls. */
const answers = (script.doGenerateCalls.at(-1)?.prompt ?? [])
  .flatMap(({ role, content }) => (role === 'tool' ? content : []))
  .filter((part) => part.type === 'tool-result');
for (const { toolCallId, output } of answers)
  console.log(
    `${toolCallId}  ${output.type === 'error-text' ? 'refused' : 'allowed'}  ${output.type === 'error-text' ? output.value : JSON.stringify(output)}`,
  );
console.log(`model   ${text}`);

// The same file by the server's own route to the tool, without any agent in between.
const app = new Hono();
await new MastraServer({ app: app as never, mastra }).init();
const post = (path: string) =>
  app.request('/api/tools/read-file/execute', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ data: { path } }) });
const direct = await post('../../etc/passwd');
console.log(`http    refused  ${direct.status} ${await direct.text()}`);

const types: string[] = [];
for (let index = 0; index < client.log.size; index++) {
  const entry = JSON.parse(new TextDecoder().decode((await client.log.entry(index)).bytes)) as { type: string };
  if (/^(tool|policy)\./.test(entry.type)) types.push(entry.type);
}
console.log(`log     ${types.join(', ')}`);

assert.equal(text, 'The glossary is here. I may not read the other file.');
assert.deepEqual(answers[0]?.output, { type: 'json', value: { text: 'contents of docs/glossary.md' } });
assert.match(JSON.stringify(answers[1]?.output), /ARG_VIOLATES/);
assert.equal(direct.status, 403);
assert.deepEqual(opened, ['docs/glossary.md']);
assert.deepEqual(types.toSorted(), ['policy.decision', 'policy.decision', 'tool.request', 'tool.result']);

await client.close();
await owner.close();
