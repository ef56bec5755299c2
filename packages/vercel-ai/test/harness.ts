/** The AI SDK for the adapter suite, whichever of its majors is installed. It imports what a user would, so that it runs on packed packages too. @module */
import type { AdapterHarness, AdapterOutcome, AdapterRun, AdapterTool } from '@talosprotocol/core/testing';
import { talosGuard, toolDigests, type TalosGuard } from '@talosprotocol/vercel-ai';
import { talosGuard as talosGuard6 } from '@talosprotocol/vercel-ai/v6';
import * as ai from 'ai';
import { z } from 'zod';
import { scriptedModel, toolAnswers } from '../../../test/support/scripted-model.ts';

type SdkOptions = { readonly abortSignal?: AbortSignal };
type Settings = ConstructorParameters<typeof ai.ToolLoopAgent>[0];
type Part = { readonly type: string; readonly toolCallId?: string; readonly preliminary?: boolean; readonly output?: never };
type Streamed = { readonly stream?: AsyncIterable<Part>; readonly fullStream: AsyncIterable<Part>; readonly text: PromiseLike<string> };

/** A guard knows its agent by an option: the SDK tells a tool no name. */
type NamedGuard = (agent: string) => TalosGuard;

const isVersion6 = !('isStepCount' in ai);

export const harness: AdapterHarness<NamedGuard> = {
  framework: 'vercel-ai',
  modes: ['generate', 'stream'],
  guard: (options) => {
    const byAgent = new Map<string, TalosGuard>();
    const make = isVersion6 ? (talosGuard6 as unknown as typeof talosGuard) : talosGuard;
    return (agent) => byAgent.get(agent) ?? byAgent.set(agent, make({ ...options, agent })).get(agent)!;
  },
  digest: async (tool) => (await toolDigests({ [tool.name]: sdkTool(tool) }))[tool.name] ?? '',
  run: (run) => runWith(guardedSettings(run), run),
  remote: async (run) => runWith({ tools: await run.guards[0]!(run.agentName).remote(run.peer, run.offered) }, run),
};

async function runWith(settings: object, run: AdapterRun<NamedGuard>): Promise<AdapterOutcome> {
  const model = scriptedModel(isVersion6 ? 'v3' : 'v4', ...run.turns.map((calls) => calls.map(({ tool, args, id }) => ({ name: tool, args, id }))));
  const agent = new ai.ToolLoopAgent({ model, ...settings } as Settings);
  const call = { prompt: 'go', ...(run.signal === undefined ? {} : { abortSignal: run.signal }) } as Parameters<typeof agent.generate>[0];
  if (run.mode === 'generate') return { text: (await agent.generate(call)).text, chunks: {}, answers: toolAnswers(model) };
  const streamed = (await agent.stream(call as Parameters<typeof agent.stream>[0])) as unknown as Streamed;
  const chunks: Record<string, never[]> = {};
  for await (const part of streamed.stream ?? streamed.fullStream) {
    if (part.type === 'tool-result' && part.preliminary === true) (chunks[part.toolCallId ?? ''] ??= []).push(part.output as never);
  }
  return { text: await streamed.text, chunks, answers: toolAnswers(model) };
}

function guardedSettings({ guards, tools, agentName }: AdapterRun<NamedGuard>): object {
  let settings: object = { tools: Object.fromEntries(tools.map((tool) => [tool.name, sdkTool(tool)])) };
  for (const guard of guards) settings = guard(agentName)(settings as never);
  return settings;
}

function sdkTool(tool: AdapterTool) {
  const { description, args } = tool;
  const inputSchema = z.object(Object.fromEntries(args.map((name) => [name, z.string()])));
  if (tool.run !== undefined)
    return ai.tool({ description, inputSchema, execute: async (input, options: SdkOptions) => tool.run(input, { signal: options.abortSignal }) });
  return ai.tool({
    description,
    inputSchema,
    async *execute(input, options: SdkOptions) {
      const steps = tool.generate(input, { signal: options.abortSignal });
      // The last thing that is yielded is the tool's output.
      for (;;) {
        const { value, done } = await steps.next();
        yield value;
        if (done === true) return;
      }
    },
  });
}
