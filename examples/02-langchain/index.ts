/**
 * A LangChain agent that may send mail to acme.com and nowhere else. Runs offline with a scripted model, checks its own result,
 * and exits with 1 if anything differs.
 * @module
 */
import assert from 'node:assert/strict';
import { email, len, TalosClient } from '@talosprotocol/core';
import { talosGuard } from '@talosprotocol/langchain';
import { AIMessage, createAgent, fakeModel, HumanMessage, tool, ToolMessage } from 'langchain';
import { z } from 'zod';

const outbox: string[] = [];

const sendMail = tool(
  async ({ to, subject }) => {
    outbox.push(to);
    return `sent "${subject}" to ${to}`;
  },
  { name: 'send_mail', description: 'Sends a mail.', schema: z.object({ to: z.string(), subject: z.string() }) },
);

/** Stands in for a model that was talked into mailing an outsider. */
const mail = (id: string, to: string) => ({ type: 'tool_call' as const, name: 'send_mail', id, args: { to, subject: 'Quarterly figures' } });
const model = fakeModel()
  .respond(new AIMessage({ id: 'turn-1', content: '', tool_calls: [mail('call-1', 'bob@acme.com'), mail('call-2', 'eve@evil.example')] }))
  .respond(new AIMessage({ id: 'turn-2', content: 'Bob has it. I may not write to Eve.' }));

// #region guard
const owner = await TalosClient.create('owner');
const client = await TalosClient.create('mailer', { trust: { issuers: [owner.did] } });
const capability = await owner.grant({
  to: client.did,
  for: '15m',
  tools: { send_mail: { to: email({ domains: ['acme.com'] }), subject: len({ max: 120 }) } },
});

const guard = talosGuard({ client, capability });
const agent = createAgent({ model, tools: guard.tools([sendMail]) });
// #endregion guard

const { messages } = await agent.invoke({ messages: [new HumanMessage({ id: 'ask', content: 'Send Bob and Eve the figures.' })] });
const answers = messages.filter((message) => ToolMessage.isInstance(message));

for (const answer of answers) console.log(`${answer.tool_call_id}  ${answer.status === 'error' ? 'refused' : 'allowed'}  ${answer.text}`);
console.log(`model   ${messages.at(-1)?.text}`);

const types: string[] = [];
for (let index = 0; index < client.log.size; index++) {
  const entry = JSON.parse(new TextDecoder().decode((await client.log.entry(index)).bytes)) as { type: string };
  types.push(entry.type);
}
console.log(`log     ${types.join(', ')}`);

const refusal = JSON.parse(answers[1]?.text ?? '{}') as Record<string, unknown>;
assert.equal(answers[0]?.text, 'sent "Quarterly figures" to bob@acme.com');
assert.equal(answers[1]?.status, 'error');
assert.equal(refusal['code'], 'ARG_VIOLATES');
assert.deepEqual(outbox, ['bob@acme.com']);
assert.deepEqual(types.filter((type) => /^(tool|policy)\./.test(type)).toSorted(), ['policy.decision', 'tool.request', 'tool.result']);

await client.close();
await owner.close();
