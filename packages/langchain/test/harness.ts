/** LangChain for the adapter suite. It imports what a user would, so that it runs on packed packages too. @module */
import { AIMessage, HumanMessage, type BaseMessage } from '@langchain/core/messages';
import type { AdapterHarness, AdapterOutcome, AdapterRun, AdapterTool } from '@talosprotocol/core/testing';
import { talosGuard, toolDigests, type TalosGuard } from '@talosprotocol/langchain';
import { createAgent, fakeModel, tool } from 'langchain';
import { z } from 'zod';

export const harness: AdapterHarness<TalosGuard> = {
  framework: 'langchain',
  modes: ['generate', 'stream'],
  guard: (options) => talosGuard(options),
  digest: async (given) => toolDigests([langchainTool(given)])[given.name] ?? '',
  run: (run) =>
    runWith(
      run.guards.reduce((given, guard) => guard.tools(given), run.tools.map(langchainTool)),
      run,
    ),
  remote: async (run) => runWith(await run.guards[0]!.remote(run.peer, run.offered), run),
};

type Tools = NonNullable<Parameters<typeof createAgent>[0]['tools']>;

async function runWith(tools: Tools, run: AdapterRun<TalosGuard>): Promise<AdapterOutcome> {
  const agent = createAgent({ model: modelOf(run), tools, name: run.agentName });
  const input = { messages: [new HumanMessage({ id: freshId(), content: 'go' })] };
  const config = run.signal === undefined ? {} : { signal: run.signal };
  if (run.mode === 'generate') return outcomeOf(((await agent.invoke(input, config)) as { messages: BaseMessage[] }).messages, {});
  let messages: BaseMessage[] = [];
  const chunks: Record<string, never[]> = {};
  for await (const [mode, chunk] of await agent.stream(input, { ...config, streamMode: ['values', 'tools'] })) {
    if (mode === 'values') ({ messages } = chunk as { messages: BaseMessage[] });
    const event = chunk as { readonly event?: string; readonly toolCallId?: string; readonly data?: never };
    if (mode === 'tools' && event.event === 'on_tool_event') (chunks[event.toolCallId ?? ''] ??= []).push(event.data as never);
  }
  return outcomeOf(messages, chunks);
}

let ids = 0;
/** Message ids differ over all models: LangGraph merges equal ones. */
const freshId = (): string => `suite-${ids++}`;

function modelOf({ turns }: AdapterRun<TalosGuard>): ReturnType<typeof fakeModel> {
  const model = fakeModel();
  for (const calls of turns) {
    const tool_calls = calls.map(({ tool: name, args, id }) => ({ type: 'tool_call' as const, name, args, id }));
    model.respond(new AIMessage({ id: freshId(), content: '', tool_calls }));
  }
  return model.respond(new AIMessage({ id: freshId(), content: 'done' }));
}

function outcomeOf(messages: readonly BaseMessage[], chunks: Record<string, never[]>) {
  const answers = messages
    .filter((message) => message.getType() === 'tool')
    .map((message) => [Reflect.get(message, 'tool_call_id') as string, message.text] as const);
  return { answers: Object.fromEntries(answers), chunks, text: messages.at(-1)?.text ?? '' };
}

type Config = { readonly signal?: AbortSignal };

function langchainTool(given: AdapterTool) {
  const { name, description, args } = given;
  const schema = z.object(Object.fromEntries(args.map((argument) => [argument, z.string()])));
  if (given.run !== undefined) return tool(async (input, config) => given.run(input, { signal: (config as Config).signal }), { name, description, schema });
  return tool((input, config) => given.generate(input, { signal: (config as Config).signal }) as never, { name, description, schema });
}
