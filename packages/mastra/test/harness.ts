/** Mastra for the adapter suite. It imports what a user would, so that it runs on packed packages too. @module */
import { Agent } from '@mastra/core/agent';
import { createTool, type Tool } from '@mastra/core/tools';
import type { AdapterHarness, AdapterOutcome, AdapterRun, AdapterTool } from '@talosprotocol/core/testing';
import { talosGuard, toolDigests, type TalosGuard } from '@talosprotocol/mastra';
import { z } from 'zod';
import { scriptedModel, toolAnswers } from '../../../test/support/scripted-model.ts';

export const harness: AdapterHarness<TalosGuard> = {
  framework: 'mastra',
  modes: ['generate', 'stream'],
  // A turn that cannot be recorded ends the run; the suite asks what becomes of a call.
  guard: (options) => talosGuard({ ...options, turns: false }),
  digest: async (tool) => toolDigests({ [tool.name]: mastraTool(tool) })[tool.name] ?? '',
  run: (run) => runWith(Object.fromEntries(run.tools.map((tool) => [tool.name, mastraTool(tool)])), run),
  // A gate of this guard would ask it about the peer's tools too, which its right for the peer does not cover here.
  remote: async ({ guards: [guard], ...run }) => runWith(await guard!.remote(run.peer, run.offered), { ...run, guards: [] }),
};

async function runWith(bare: Record<string, Tool>, { guards, turns, mode, agentName, signal }: AdapterRun<TalosGuard>): Promise<AdapterOutcome> {
  const model = scriptedModel('v3', ...turns.map((calls) => calls.map(({ tool, args, id }) => ({ name: tool, args, id }))));
  const [first, ...others] = guards;
  const config = {
    id: agentName,
    name: agentName,
    instructions: 'Do the work.',
    model: model as never,
    tools: others.reduce((given, guard) => guard.tools(given), bare),
  };
  const agent = new Agent(first === undefined ? config : first.agent(config));
  const options = signal === undefined ? {} : { abortSignal: signal };
  if (mode === 'generate') return { text: (await agent.generate('go', options)).text, chunks: {}, answers: toolAnswers(model) };
  const stream = await agent.stream('go', options);
  await stream.consumeStream();
  return { text: await stream.text, chunks: {}, answers: toolAnswers(model) };
}

type Context = { readonly abortSignal?: AbortSignal };

/** Mastra streams no tool: one that yields is run to its end, as a tool of Mastra's would do it. */
function mastraTool(tool: AdapterTool) {
  const { name, description, args } = tool;
  const inputSchema = z.object(Object.fromEntries(args.map((argument) => [argument, z.string()])));
  const execute = async (input: Record<string, string>, given: unknown): Promise<unknown> => {
    const context = { signal: (given as Context).abortSignal };
    if (tool.run !== undefined) return tool.run(input, context);
    const steps = tool.generate(input, context);
    for (;;) {
      const { value, done } = await steps.next();
      if (done === true) return value;
    }
  };
  return createTool({ id: name, description, inputSchema, execute: execute as never }) as unknown as Tool;
}
