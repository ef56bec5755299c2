/** The OpenAI Agents SDK for the adapter suite. It imports what a user would, so that it runs on packed packages too. */
import { Agent, run, setTracingDisabled, tool, type Tool } from '@openai/agents';
import { assistantMessage, functionCall, ScriptedModel } from '@openai/agents/testing';
import type { AdapterHarness, AdapterOutcome, AdapterRun, AdapterTool } from '@talosprotocol/core/testing';
import { talosGuard, toolDigests, type TalosGuard } from '@talosprotocol/openai-agents';
import { z } from 'zod';

setTracingDisabled(true);

export const harness: AdapterHarness<TalosGuard> = {
  framework: 'openai-agents',
  modes: ['generate', 'stream'],
  guard: (options) => talosGuard(options),
  digest: async (given) => toolDigests([tool(definition(given))])[given.name] ?? '',
  run: ({ guards: [first, ...others], ...run }) => {
    const made = run.tools.map((given) => (first === undefined ? tool(definition(given)) : first.tool(definition(given))));
    return runWith(
      others.reduce((given, guard) => guard.tools(given), made),
      run,
    );
  },
  remote: async ({ guards, ...run }) => runWith(await guards[0]!.remote(run.peer, run.offered), run),
};

async function runWith(tools: Tool[], { turns, mode, agentName, signal }: Omit<AdapterRun<TalosGuard>, 'guards' | 'tools'>): Promise<AdapterOutcome> {
  const model = new ScriptedModel([
    ...turns.map((calls) => calls.map((call) => functionCall(call.tool, call.args as Record<string, unknown>, { callId: call.id }))),
    [assistantMessage('done')],
  ]);
  const agent = new Agent({ name: agentName, instructions: 'Do the work.', model, tools });
  const options = signal === undefined ? {} : { signal };
  if (mode === 'generate') {
    const { finalOutput } = await run(agent, 'go', options);
    return { text: String(finalOutput), chunks: {}, answers: answersTo(model) };
  }
  const stream = await run(agent, 'go', { ...options, stream: true });
  await stream.completed;
  return { text: String(stream.finalOutput), chunks: {}, answers: answersTo(model) };
}

/** The SDK streams no tool: one that yields is run to its end, as a tool of the SDK's would do it. */
function definition(given: AdapterTool) {
  const { name, description, args } = given;
  return {
    name,
    description,
    parameters: z.object(Object.fromEntries(args.map((argument) => [argument, z.string()]))),
    execute: async (input: Record<string, string>, _context: unknown, details?: { readonly signal?: AbortSignal }): Promise<unknown> => {
      const context = { signal: details?.signal };
      if (given.run !== undefined) return given.run(input, context);
      const steps = given.generate(input, context);
      for (;;) {
        const { value, done } = await steps.next();
        if (done === true) return value;
      }
    },
  };
}

type Item = { readonly type?: string; readonly callId?: string; readonly output?: unknown };

/** What the model was sent last in answer to each call. */
function answersTo({ lastCall }: ScriptedModel): Record<string, string> {
  const input = (lastCall?.request.input ?? []) as readonly Item[];
  return Object.fromEntries(input.flatMap(({ type, callId = '', output }) => (type === 'function_call_result' ? [[callId, textOf(output)]] : [])));
}

function textOf(output: unknown): string {
  return typeof output === 'string' ? output : ((output as { readonly text?: string }).text ?? JSON.stringify(output));
}
