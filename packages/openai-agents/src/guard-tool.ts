/** Tools behind the guard: where they are defined, or where the SDK invokes those that others made. @module */
import { UsageError } from '@talosprotocol/core/errors';
import { digestsBySchema } from '@talosprotocol/core/capability';
import type { Guard, GuardedResult, Refusal } from '@talosprotocol/core/guard';
import { tool as sdkTool } from '@openai/agents';
import type { Runs } from './runs.ts';

export type Caller = { readonly guard: Guard; readonly runs: Runs };

/** As much of the SDK's `FunctionTool` as is used. */
type Tool = {
  readonly type: 'function';
  readonly name: string;
  readonly description: string;
  readonly parameters: object;
  readonly invoke: (runContext: unknown, input: string, details?: Details) => Promise<unknown>;
  readonly isEnabled: (runContext: unknown, agent: unknown) => Promise<boolean>;
};
export type Details = { readonly toolCall?: { readonly callId?: string }; readonly signal?: AbortSignal };
type Execute = (input: unknown, runContext: unknown, details?: Details) => unknown;
type Call = { readonly tool: Tool; readonly input: unknown; readonly runContext: unknown; readonly details: Details | undefined };

/** The guards that stand before a tool, by its `invoke`: a tool that is spread and given another one must not pass for guarded. */
const guardsOf = /* @__PURE__ */ new WeakMap<object, readonly Guard[]>();

/** The SDK's own `tool()`, with the guard around `execute`: it gets what the schema made of the model's arguments, and its errors are seen as what they are. */
export function defineTool(caller: Caller): typeof sdkTool {
  const define = (options: Parameters<typeof sdkTool>[0]): Tool => {
    const own = options.execute as Execute;
    const execute: Execute = async (input, runContext, details) => {
      const result = await run(caller, { tool: made, input, runContext, details }, (granted, known) => own(granted, runContext, known));
      return textOr(result);
    };
    const named = { ...options, name: options.name ?? own.name, execute } as unknown as Parameters<typeof sdkTool>[0];
    const made = observed(caller, sdkTool(named) as unknown as Tool, {});
    guardsOf.set(made.invoke, [caller.guard]);
    return made;
  };
  return define as unknown as typeof sdkTool;
}

/** Around `invoke`, where the SDK has turned an error into words already. */
export function guardTool<TOOL extends object>(caller: Caller, given: TOOL): TOOL {
  const tool = knownTool(given);
  const guards = guardsOf.get(tool.invoke) ?? [];
  if (guards.includes(caller.guard)) return given;
  const invoke: Tool['invoke'] = async (runContext, text, details) => {
    const result = await run(caller, { tool, input: parsed(text), runContext, details }, (granted, known) =>
      tool.invoke.call(given, runContext, JSON.stringify(granted), known),
    );
    return textOr(result);
  };
  guardsOf.set(invoke, [...guards, caller.guard]);
  return observed(caller, tool, { invoke }) as unknown as TOOL;
}

const digests = /* @__PURE__ */ digestsBySchema((schema) => schema);

/** The digest of a tool as the model is told of it, 64 hexadecimal digits, for `tool_digest` of a grant. */
export function digestOf({ name, description, parameters }: Pick<Tool, 'name' | 'description' | 'parameters'>): string | undefined {
  return digests({ name, description, schema: parameters });
}

async function run(
  { guard, runs }: Caller,
  { tool, input, runContext, details }: Call,
  execute: (granted: unknown, known: Details) => unknown,
): Promise<GuardedResult<unknown>> {
  const ids = { ...runs.idsOf(runContext), callId: details?.toolCall?.callId, framework: 'openai-agents', signal: details?.signal };
  return guard.run({ tool: tool.name, input, toolDigest: digestOf(tool), ...ids }, (granted, _grant, signal) => execute(granted, { ...details, signal }));
}

/** A refusal is the tool's output: what is thrown the SDK hides from the model, or ends the run for. */
export function textOr(result: GuardedResult<unknown>): unknown {
  if (result.status === 'denied') return refusalText(result.refusal);
  if (result.status === 'error') throw result.error;
  return result.value;
}

export function refusalText(refusal: Refusal): string {
  return JSON.stringify(refusal);
}

/** By descriptors: symbols and hidden members carry namespaces and validators. */
function observed({ runs }: Caller, tool: Tool, changes: Partial<Tool>): Tool {
  const isEnabled: Tool['isEnabled'] = async (runContext, agent) => {
    runs.enter(runContext, agent);
    return tool.isEnabled(runContext, agent);
  };
  const clone = Object.create(Object.getPrototypeOf(tool) as object | null, Object.getOwnPropertyDescriptors(tool)) as Tool;
  return Object.assign(clone, { isEnabled, ...changes });
}

/** What is no JSON is for no guard to read: refused as a call without arguments that can be copied. */
function parsed(text: string): unknown {
  try {
    return text === '' ? {} : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

/** A shape that is not known is a path that is not guarded. @throws {@link UsageError} `TALOS_USAGE_UNKNOWN_TOOL` */
function knownTool(tool: object): Tool {
  const { type, name, invoke, isEnabled } = (tool ?? {}) as { readonly [key: string]: unknown };
  if (type === 'function' && typeof name === 'string' && typeof invoke === 'function' && typeof isEnabled === 'function') return tool as Tool;
  const what = typeof name === 'string' ? `"${name}"` : 'This tool';
  const message = `${what} is no function tool: what runs at the provider, on a computer or in a shell of the SDK's no guard can stop. Leave it out.`;
  throw new UsageError({ code: 'TALOS_USAGE_UNKNOWN_TOOL', message });
}
