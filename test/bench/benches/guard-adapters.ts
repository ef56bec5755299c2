/** One call of a guarded tool as its framework makes it, beside the bare call: decision, two committed entries, memory store. @module */
import { createTool } from '@mastra/core/tools';
import { RunContext, tool as openaiTool } from '@openai/agents';
import { tool as langchainTool } from '@langchain/core/tools';
import { memoryHome, TalosClient } from '@talosprotocol/core';
import { talosGuard as langchainGuard } from '@talosprotocol/langchain';
import { talosGuard as mastraGuard } from '@talosprotocol/mastra';
import { talosGuard as openaiGuard } from '@talosprotocol/openai-agents';
import { talosGuard as vercelGuard } from '@talosprotocol/vercel-ai';
import { tool as sdkTool } from 'ai';
import { z } from 'zod';
import type { Bench } from '../measure.ts';
import { guardedAnswer, guardedCall, guardedTools } from './guard-core.ts';

type Call = (index: number) => Promise<unknown>;
type Guarding = { readonly client: TalosClient; readonly capability: string };

const inputSchema = z.object({ path: z.string(), limit: z.number() });
const { input } = guardedCall;
const answer = guardedAnswer;
const description = 'Reads a file.';

/** What the SDK hands to a tool in the middle of a run. */
const messages = [{ role: 'user' as const, content: 'go' }];

function vercel(guarding: Guarding | undefined): Call {
  const bare = { read: sdkTool({ description, inputSchema, execute: async () => answer }) };
  const { read } = guarding === undefined ? bare : vercelGuard(guarding).tools(bare);
  return async (index) => read.execute(input, { toolCallId: `call_${index}`, messages, context: {} });
}

function mastra(guarding: Guarding | undefined): Call {
  const bare = { read: createTool({ id: 'read', description, inputSchema, execute: async () => answer }) };
  const { read } = guarding === undefined ? bare : mastraGuard(guarding).tools(bare);
  return async (index) => read.execute?.(input, { runId: 'run', agent: { agentId: 'ops', toolCallId: `call_${index}` } } as never);
}

function langchain(guarding: Guarding | undefined): Call {
  const bare = langchainTool(async () => answer, { name: 'read', description, schema: inputSchema });
  const [read] = guarding === undefined ? [bare] : langchainGuard(guarding).tools([bare]);
  return async (index) => read.invoke({ type: 'tool_call', id: `call_${index}`, name: 'read', args: input });
}

function openaiAgents(guarding: Guarding | undefined): Call {
  const tool = guarding === undefined ? openaiTool : openaiGuard(guarding).tool;
  const read = tool({ name: 'read', description, parameters: inputSchema, execute: async () => answer });
  const context = new RunContext();
  const text = JSON.stringify(input);
  return async (index) => read.invoke(context, text, { toolCall: { type: 'function_call', callId: `call_${index}`, name: 'read', arguments: text } });
}

async function guarding(): Promise<Guarding> {
  const client = await TalosClient.create('agent', { stores: memoryHome() });
  return { client, capability: await client.grant({ to: client.did, for: '1h', tools: guardedTools }) };
}

function pair(name: string, make: (guarding: Guarding | undefined) => Call): readonly Bench[] {
  const bare: Bench = { name: `${name}-bare`, open: async () => ({ async: make(undefined) }) };
  const guarded: Bench = {
    name,
    floor: bare.name,
    open: async () => {
      const guard = await guarding();
      return { async: make(guard), close: () => guard.client.close() };
    },
  };
  return [bare, guarded];
}

export const guardAdapterBenches: readonly Bench[] = [
  ...pair('guard-vercel-ai', vercel),
  ...pair('guard-langchain', langchain),
  ...pair('guard-mastra', mastra),
  ...pair('guard-openai-agents', openaiAgents),
];
