/** A call as the guard takes it, read from what LangChain tells a tool: which call, of which run, by which agent. @module */
import type { ToolCall } from '@talosprotocol/core/guard';
import type { RunnableConfig } from '@langchain/core/runnables';

export type Config = Partial<RunnableConfig>;

type CallContext = {
  readonly tool: string;
  readonly toolDigest: string | undefined;
  readonly value: unknown;
  readonly callId: string | undefined;
  readonly runId: string | undefined;
  readonly config: Config | undefined;
};

/** `value` is what the tool will receive. */
export function toolCallOf({ tool, toolDigest, value, callId, runId, config }: CallContext): ToolCall {
  return {
    tool,
    toolDigest,
    input: argumentsOf(value),
    callId,
    runId: runIdOf(config) ?? runId ?? config?.runId ?? graphTaskOf(config),
    agentName: agentNameOf(config?.metadata),
    framework: 'langchain',
    signal: config?.signal,
  };
}

export function agentNameOf(metadata: Record<string, unknown> | undefined): string | undefined {
  const name = metadata?.['lc_agent_name'];
  return typeof name === 'string' ? name : undefined;
}

const runOfControl = /* @__PURE__ */ new WeakMap<object, string>();

/**
 * LangGraph makes one control object for each run of a graph and hands it to every tool of that run; an id it has only if the caller gave one.
 * A tool's own run id is another for each call, and there only while somebody traces.
 */
export function runIdOf(config: Config | undefined): string | undefined {
  if (config === undefined) return undefined;
  const [info, control] = ['executionInfo', 'control'].map((name) => Reflect.get(config, name) as unknown);
  const given: unknown = typeof info === 'object' && info !== null ? Reflect.get(info, 'runId') : undefined;
  if (typeof given === 'string') return given;
  if (typeof control !== 'object' || control === null) return undefined;
  const known = runOfControl.get(control) ?? crypto.randomUUID();
  runOfControl.set(control, known);
  return known;
}

/** A tool has a run id only while somebody traces it; LangGraph's task is there always. */
function graphTaskOf(config: Config | undefined): string | undefined {
  const info: unknown = config === undefined ? undefined : Reflect.get(config, 'executionInfo');
  const taskId: unknown = typeof info === 'object' && info !== null ? Reflect.get(info, 'taskId') : undefined;
  return typeof taskId === 'string' ? taskId : undefined;
}

/** What a run was given beside its messages. */
export function contextOf(config: Config | undefined): unknown {
  return config === undefined ? undefined : (Reflect.get(config, 'context') as unknown);
}

/** A tool of one string has its argument under `input`: the name that LangChain's schema for such tools and a grant give it. */
function argumentsOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? value : { input: value };
}

/** The way back: the guard's copy, in the form in which `value` came. */
export function valueOf(args: { readonly [name: string]: unknown }, value: unknown): unknown {
  return typeof value === 'object' && value !== null ? args : args['input'];
}
