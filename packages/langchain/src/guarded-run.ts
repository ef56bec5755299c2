/** One guarded call, in LangChain's terms: what the guard is asked, and what the framework gets back. @module */
import { deniedError, type Guard, type GuardedResult, type Refusal, type ToolCall } from '@talosprotocol/core/guard';
import type { RunnableConfig } from '@langchain/core/runnables';
import { ToolMessage } from '@langchain/core/messages/tool';

type Arguments = Parameters<Parameters<Guard['run']>[1]>[0];

export type Refused = { readonly call: ToolCall; readonly refusal: Refusal; readonly entryId: string | undefined };

export type GuardedCall = {
  readonly call: ToolCall;
  /**
   * @param input - The guard's own copy of the arguments.
   * @param signal - Ends with the run, and when the capability is revoked meanwhile.
   */
  readonly execute: (input: Arguments, signal: AbortSignal) => unknown;
  /** What the framework gets in place of the tool's result; may throw. */
  readonly refuse: (refused: Refused) => unknown;
};

type CallContext = {
  readonly tool: string;
  readonly toolDigest: string | undefined;
  readonly value: unknown;
  readonly callId: string | undefined;
  readonly runId: string | undefined;
  readonly config: Partial<RunnableConfig> | undefined;
};

/** The call as the guard takes it. `value` is what the tool will receive. */
export function toolCallOf({ tool, toolDigest, value, callId, runId, config }: CallContext): ToolCall {
  return {
    tool,
    toolDigest,
    input: argumentsOf(value),
    callId,
    runId: graphRunOf(config) ?? runId ?? config?.runId ?? graphTaskOf(config),
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
function graphRunOf(config: Partial<RunnableConfig> | undefined): string | undefined {
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
function graphTaskOf(config: Partial<RunnableConfig> | undefined): string | undefined {
  const info: unknown = config === undefined ? undefined : Reflect.get(config, 'executionInfo');
  const taskId: unknown = typeof info === 'object' && info !== null ? Reflect.get(info, 'taskId') : undefined;
  return typeof taskId === 'string' ? taskId : undefined;
}

/** A tool of one string has its argument under `input`: the name that LangChain's schema for such tools and a grant give it. */
function argumentsOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? value : { input: value };
}

/** The way back: the guard's copy, in the form in which `value` came. */
export function valueOf(args: Arguments, value: unknown): unknown {
  return typeof value === 'object' && value !== null ? args : args['input'];
}

/**
 * Runs a call under the guard. Whether a tool streams is known only once it has begun, so a generator is passed on as soon as the tool
 * returns one, and the guarded run stays open until it has ended. What the tool throws is thrown, unchanged.
 */
export function guardedRun(guard: Guard, { call, execute, refuse }: GuardedCall): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const concluded = guard
      .run(call, async (input, _grant, signal) => {
        const output = await execute(input, signal);
        if (!isGenerator(output)) return output;
        return new Promise((finish, fail) => {
          resolve(relay(output, { finish, fail, concluded: () => concluded }));
        });
      })
      .then((result) => conclude(result, (refusal, entryId) => refuse({ call, refusal, entryId })));
    concluded.then(resolve, reject);
  });
}

/**
 * The refusal as the tool's own result, so that the agent's loop goes on, with and without middleware. Nothing but a tool call can
 * take a message: a tool that was called directly throws.
 * @throws {@link TalosDeniedError} `TALOS_DENIED` if the call has no tool call id.
 */
export function refusalMessage({ call, refusal, entryId }: Refused): ToolMessage {
  if (call.callId === undefined) throw deniedError(refusal, entryId);
  // The artifact is for the developer, who finds the log entry by it; models do not see it.
  return new ToolMessage({ status: 'error', content: JSON.stringify(refusal), tool_call_id: call.callId, name: call.tool, artifact: { entryId } });
}

function conclude(result: GuardedResult<unknown>, refuse: (refusal: Refusal, entryId: string | undefined) => unknown): unknown {
  if (result.status === 'ok') return result.value;
  if (result.status === 'error') throw result.error;
  return refuse(result.refusal, result.entryId);
}

type Generator = AsyncGenerator<unknown, unknown, undefined>;

/** LangChain's own test for a tool that streams. */
function isGenerator(output: unknown): output is Generator {
  return typeof output === 'object' && output !== null && typeof Reflect.get(output, 'next') === 'function';
}

type Run = { readonly finish: (value: unknown) => void; readonly fail: (error: unknown) => void; readonly concluded: () => Promise<unknown> };

/** Hands on what the tool yields, then ends the guarded run with what it returned or threw: that is recorded before anyone has it. */
async function* relay(tool: Generator, { finish, fail, concluded }: Run): Generator {
  try {
    finish(yield* tool);
  } catch (error) {
    fail(error);
  } finally {
    // Reached unsettled only when the consumer stopped early, which is no error of the tool.
    finish(undefined);
    await concluded();
  }
  return concluded();
}
