/** Agent B, in a process of its own: serves `write_report`, which a Mastra agent does with a tool that A lets it use. @module */
import { Agent } from '@mastra/core/agent';
import { createTool } from '@mastra/core/tools';
import { any, TalosClient, type AgentId } from '@talosprotocol/core';
import { formatProof } from '@talosprotocol/core/audit';
import { nodeHome } from '@talosprotocol/core/node';
import { receiptEntryId, type ReceiptPart } from '@talosprotocol/core/receipt';
import { talosGuard } from '@talosprotocol/mastra';
import { MockLanguageModelV4 } from 'ai/test';
import { z } from 'zod';
import { tappedTransport } from './tap.ts';

/** What A wants of this process, beside what goes over the relay. */
type Question = { readonly ask: 'proofs'; readonly request: string } | { readonly ask: 'end' };

const [relay, dir, caller] = process.argv.slice(2) as [string, string, AgentId];
const { transport, frames } = tappedTransport(relay);
const client = await TalosClient.create('reporter', {
  stores: nodeHome({ dir: `${dir}/b`, stateDir: `${dir}/b-state` }),
  transport,
  trust: { issuers: [caller] },
});

/** Tool C: what it gives is A's to give. */
const read: string[] = [];
const query_sales = createTool({
  id: 'query_sales',
  description: 'Sales of a region.',
  inputSchema: z.object({ region: z.string() }),
  execute: async ({ region }) => {
    read.push(region);
    return { total: 1200 };
  },
});

// The right to it comes from A, in a sealed message.
const delegated = new Promise<string>((resolve) => client.on('message', ({ from, content }) => void (from === caller && resolve(String(content)))));

// #region serve
await client.serve({
  trust: { issuers: [client.did] },
  tools: [
    {
      name: 'write_report',
      description: 'Writes a report on a region.',
      inputSchema: { type: 'object', properties: { region: { type: 'string' } }, required: ['region'] },
      execute: async ({ region }) => writeReport(region as string),
    },
  ],
});
const capability = await client.grant({ to: caller, at: client.did, for: '15m', tools: { write_report: { region: any() } } });
// #endregion serve

async function writeReport(region: string): Promise<{ readonly report: string; readonly read: readonly string[] }> {
  const guard = talosGuard({ client, capability: await delegated });
  const model = scriptedModel([region, 'south']);
  const agent = new Agent({ id: 'reporter', name: 'Reporter', instructions: 'Write a report.', model: model as never, tools: guard.tools({ query_sales }) });
  const { text } = await agent.generate(`Report on ${region}.`);
  return { report: `${text} 1200 in the ${region}.`, read };
}

/** Asks for the region, and for one that A did not allow. */
function scriptedModel(regions: readonly string[]): MockLanguageModelV4 {
  const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
  const calls = regions.map((region) => ({ type: 'tool-call', toolCallId: `b-${region}`, toolName: 'query_sales', input: JSON.stringify({ region }) }));
  const turns = [
    { content: calls, finishReason: { unified: 'tool-calls' }, usage, warnings: [] },
    { content: [{ type: 'text', text: 'Sales:' }], finishReason: { unified: 'stop' }, usage, warnings: [] },
  ];
  return new MockLanguageModelV4({ doGenerate: turns as never });
}

/** The three parts of a receipt, each with the proof that it is in this log. */
async function proofs(request: string): Promise<readonly string[]> {
  // A's signature comes a moment after its result.
  while ((await client.unacknowledged()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const parts: readonly ReceiptPart[] = ['request', 'outcome', 'countersignature'];
  const indices = await Promise.all(parts.map((part) => client.log.find('id', receiptEntryId(request, part))));
  return Promise.all(indices.map(async (index) => formatProof(await client.log.proveInclusion(index as number))));
}

async function refusals(): Promise<number> {
  let count = 0;
  for (let index = 0; index < client.log.size; index++) if ((await client.log.entry(index)).entry.type === 'policy.decision') count += 1;
  return count;
}

async function answer(question: Question): Promise<void> {
  if (question.ask === 'proofs') {
    const told = { proofs: await proofs(question.request), verifierKey: client.log.verifierKey, refusals: await refusals() };
    process.send?.({ ...told, wire: Buffer.concat(frames).toString('latin1') });
    return;
  }
  await client.close();
  process.disconnect();
}

process.on('message', (question: Question) => void answer(question));
process.send?.({ did: client.did, capability });
