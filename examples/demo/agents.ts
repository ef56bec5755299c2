/** Three agents, one per framework, each with a scripted model that asks for one call it may make and one it may not. @module */
import { Agent } from '@mastra/core/agent';
import { createTool } from '@mastra/core/tools';
import type { TalosClient } from '@talosprotocol/core';
import * as langchain from '@talosprotocol/langchain';
import * as mastra from '@talosprotocol/mastra';
import * as vercelAi from '@talosprotocol/vercel-ai';
import { generateText, isStepCount, tool as aiTool } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { AIMessage, createAgent, fakeModel, HumanMessage, tool, ToolMessage } from 'langchain';
import { z } from 'zod';
import { listFiles, readFile, searchFiles } from './files.ts';

export type Ask = { readonly id: string; readonly tool: string; readonly input: Record<string, unknown> };
/** What the model was shown in return for a call. */
export type Seen = { readonly id: string; readonly text: string };
export type Held = { readonly client: TalosClient; readonly capability: string };

export async function runLangChain(held: Held, asks: readonly Ask[]): Promise<readonly Seen[]> {
  const guard = langchain.talosGuard(held);
  const read = tool(async (input) => readFile(input), { name: 'read_file', description: 'Reads a file.', schema: z.object({ path: z.string() }) });
  const toolCalls = asks.map(({ id, tool: name, input }) => ({ type: 'tool_call' as const, id, name, args: input }));
  const model = fakeModel()
    .respond(new AIMessage({ id: 'ask', content: '', tool_calls: toolCalls }))
    .respond(new AIMessage({ id: 'done', content: 'done' }));
  const agent = createAgent({ model, tools: guard.tools([read]) });
  const { messages } = await agent.invoke({ messages: [new HumanMessage({ id: 'go', content: 'Read these files.' })] });
  return messages.filter((message) => ToolMessage.isInstance(message)).map((message) => ({ id: message.tool_call_id, text: message.text }));
}

export async function runMastra(held: Held, asks: readonly Ask[]): Promise<readonly Seen[]> {
  const guard = mastra.talosGuard(held);
  const list_files = createTool({
    id: 'list_files',
    description: 'Lists a folder.',
    inputSchema: z.object({ path: z.string(), recursive: z.boolean().optional() }),
    outputSchema: z.object({ files: z.array(z.string()) }),
    execute: async (input) => ({ files: [...(await listFiles(input))] }),
  });
  const model = scriptedModel(asks);
  const agent = new Agent({ id: 'demo', name: 'Demo', instructions: 'List files.', model: model as never, tools: guard.tools({ list_files }) });
  await agent.generate('List these folders.');
  return shownTo(model);
}

export async function runVercelAi(held: Held, asks: readonly Ask[]): Promise<readonly Seen[]> {
  const guard = vercelAi.talosGuard(held);
  const search_files = aiTool({
    description: 'Searches a folder.',
    inputSchema: z.object({ path: z.string(), text: z.string() }),
    execute: async (input) => searchFiles(input),
  });
  const model = scriptedModel(asks);
  await generateText({ model, prompt: 'Search for it.', stopWhen: isStepCount(3), ...guard({ tools: { search_files } }) });
  return shownTo(model);
}

/** Makes the calls in its first turn and ends in its second. */
function scriptedModel(asks: readonly Ask[]): MockLanguageModelV4 {
  const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
  const calls = asks.map(({ id, tool: toolName, input }) => ({ type: 'tool-call', toolCallId: id, toolName, input: JSON.stringify(input) }));
  const turns = [
    { content: calls, finishReason: { unified: 'tool-calls' }, usage, warnings: [] },
    { content: [{ type: 'text', text: 'done' }], finishReason: { unified: 'stop' }, usage, warnings: [] },
  ];
  return new MockLanguageModelV4({ doGenerate: turns as never });
}

type ResultPart = { readonly type: string; readonly toolCallId: string; readonly output: { readonly value?: unknown; readonly reason?: string } };

/** Read from the last prompt that reached the model: what it really saw, not what we think we sent. */
function shownTo(model: MockLanguageModelV4): readonly Seen[] {
  const prompt = model.doGenerateCalls.at(-1)?.prompt ?? [];
  const parts = prompt.flatMap((message) => (message.role === 'tool' ? (message.content as readonly unknown[] as readonly ResultPart[]) : []));
  return parts.filter(({ type }) => type === 'tool-result').map(({ toolCallId, output }) => ({ id: toolCallId, text: textOf(output.value ?? output.reason) }));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
