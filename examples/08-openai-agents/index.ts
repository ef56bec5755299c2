/**
 * An agent of the OpenAI Agents SDK that may read the documentation and nothing else. Runs offline with a scripted model, checks its own
 * result, and exits with 1 if anything differs.
 * @module
 */
import assert from 'node:assert/strict';
import { Agent, run, setTracingDisabled } from '@openai/agents';
import { assistantMessage, functionCall, ScriptedModel } from '@openai/agents/testing';
import { subpath, TalosClient } from '@talosprotocol/core';
import { talosGuard } from '@talosprotocol/openai-agents';
import { z } from 'zod';

setTracingDisabled(true);
const opened: string[] = [];

/** Stands in for a model that was talked into reading a file outside. */
const model = new ScriptedModel([
  [functionCall('readFile', { path: 'docs/glossary.md' }, { callId: 'call-1' }), functionCall('readFile', { path: '../../etc/passwd' }, { callId: 'call-2' })],
  [assistantMessage('The glossary is here. I may not read the other file.')],
]);

// #region guard
const owner = await TalosClient.create('owner');
const client = await TalosClient.create('reader', { trust: { issuers: [owner.did] } });
const capability = await owner.grant({
  to: client.did,
  for: '15m',
  tools: { readFile: { path: subpath('docs') } },
});

const guard = talosGuard({ client, capability });
const readFile = guard.tool({
  name: 'readFile',
  description: 'Reads a file.',
  parameters: z.object({ path: z.string() }),
  execute: async ({ path }) => {
    opened.push(path);
    return `contents of ${path}`;
  },
});
const agent = new Agent({ name: 'Reader', model: guard.model(model), tools: [readFile] });
// #endregion guard

const { finalOutput } = await run(agent, 'Read the glossary and the passwords.');

const answers = model.lastCall?.request.input as readonly { readonly callId?: string; readonly output?: { readonly text?: string } }[];
const answer = answers.findLast(({ callId }) => callId === 'call-2')?.output?.text ?? '{}';
console.log(`call-1  allowed  ${opened.join()}`);
console.log(`call-2  refused  ${answer}`);
console.log(`model   ${finalOutput}`);

const types: string[] = [];
for (let index = 0; index < client.log.size; index++) {
  const entry = JSON.parse(new TextDecoder().decode((await client.log.entry(index)).bytes)) as { type: string };
  if (/^(tool|policy|model)\./.test(entry.type)) types.push(entry.type);
}
console.log(`log     ${types.join(', ')}`);

assert.equal((JSON.parse(answer) as Record<string, unknown>)['code'], 'ARG_VIOLATES');
assert.deepEqual(opened, ['docs/glossary.md']);
assert.deepEqual(types.toSorted(), ['model.turn', 'model.turn', 'policy.decision', 'tool.request', 'tool.result']);

await client.close();
await owner.close();
