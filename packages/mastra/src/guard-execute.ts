/** The wrapper around one tool's `execute`: agents, workflow steps, HTTP routes and direct calls all end here. @module */
import type { TalosDeniedError } from '@talosprotocol/core/errors';
import { askPeople, deniedError, type GuardedResult, type ToolCall } from '@talosprotocol/core/guard';
import { suspended, suspendingIn } from './ask-people.ts';
import type { Caller } from './caller.ts';
import { carriedRunId } from './request-context.ts';
import { effectiveInput, type InputRule } from './effective-input.ts';
import type { Mark } from './tool-seal.ts';
import { digestOf } from './tool-definition.ts';
import type { ToolShape } from './tool-shape.ts';

export type Execute = (this: unknown, input: unknown, context: unknown) => unknown;

type Wrapping = {
  readonly caller: Caller;
  readonly name: string;
  readonly tool: ToolShape;
  readonly execute: Execute;
  readonly validates: boolean;
  /** Where the tool itself is told neither. */
  readonly ids?: { readonly runId?: string | undefined; readonly agentName?: string | undefined };
};

/** On the function, not on the tool: a tool that is spread and given another `execute` must not pass for guarded. */
const guardedBy = Symbol.for('org.talosprotocol/guarded-by');

/** Whether this very guard stands before it under this name already. Another guard wraps again, and then both have to allow. */
export function isGuardedBy(execute: Execute, { guard, name }: Mark): boolean {
  return marksOf(execute).some((mark) => mark.guard === guard && mark.name === name);
}

/** Whether any guard stands before this tool. */
export function isGuarded(tool: unknown): boolean {
  const execute = typeof tool === 'object' && tool !== null ? (tool as ToolShape).execute : undefined;
  return typeof execute === 'function' && marksOf(execute as Execute).length > 0;
}

export function guardExecute(wrapping: Wrapping): Execute {
  const { caller, name, execute } = wrapping;
  const guarding = { ...wrapping, rule: effectiveInput(wrapping) };
  const { guard, desk } = caller;
  const guarded: Execute =
    desk === undefined
      ? (input, context) => runGuarded(guarding, { input, context })
      : async (input, given) => {
          const { context, pause } = suspendingIn(given);
          return runGuarded(guarding, { input, context, ask: (call, run) => askPeople({ desk: desk(), call, pause }, run) }).catch(unlessSuspended);
        };
  return Object.defineProperty(guarded, guardedBy, { value: [...marksOf(execute), { guard, name }] satisfies Mark[] });
}

type Called = {
  readonly input: unknown;
  readonly context: unknown;
  readonly ask?: (call: ToolCall, run: () => Promise<GuardedResult<unknown>>) => Promise<GuardedResult<unknown>>;
};

async function runGuarded(
  { caller, name, tool, execute, ids = {}, rule }: Wrapping & { readonly rule: InputRule },
  { input, context, ask }: Called,
): Promise<unknown> {
  const effective = await rule.resolve(input, context);
  if ('invalid' in effective) return effective.invalid;
  const { runId = ids.runId, agentName = ids.agentName, callId, signal: own } = toldOf(context);
  const call: ToolCall = { tool: name, input: effective.input, toolDigest: digestOf(name, tool), callId, runId, agentName, framework: 'mastra', signal: own };
  const run = () => caller.guard.run(call, (granted, _grant, signal) => runGranted({ rule, tool, execute, granted, context: withSignal(context, signal) }));
  return valueOf(await (ask === undefined ? run() : ask(call, run)));
}

function unlessSuspended(error: unknown): undefined {
  if (error !== suspended) throw error;
}

function marksOf(execute: Execute): readonly Mark[] {
  return (execute as { readonly [guardedBy]?: readonly Mark[] })[guardedBy] ?? [];
}

async function runGranted({
  rule,
  tool,
  execute,
  granted,
  context,
}: Pick<Wrapping, 'tool' | 'execute'> & { readonly rule: InputRule; readonly granted: unknown; readonly context: unknown }): Promise<unknown> {
  await rule.confirm(granted, context);
  const returned = execute.call(tool, granted, context);
  // An AI SDK generator tool: Mastra does not stream those. It still runs to its end here, behind the guard, and its last value is the result.
  return isAsyncIterable(returned) ? drain(returned) : returned;
}

/** The tool's own abort option: it ends with the run, and when the capability is revoked meanwhile. */
function withSignal(context: unknown, abortSignal: AbortSignal): unknown {
  return typeof context === 'object' && context !== null ? { ...context, abortSignal } : { abortSignal };
}

function valueOf(result: GuardedResult<unknown>): unknown {
  if (result.status === 'denied') throw withHttpStatus(deniedError(result.refusal, result.entryId));
  if (result.status === 'error') throw result.error;
  return result.value;
}

/** Mastra's server answers with the status that an error carries, and with 500 without one. A refusal is the caller's: 403. */
function withHttpStatus(error: TalosDeniedError): TalosDeniedError {
  return Object.defineProperty(error, 'status', { value: 403 });
}

type Context = {
  readonly runId?: unknown;
  readonly toolCallId?: unknown;
  readonly abortSignal?: AbortSignal;
  readonly requestContext?: unknown;
  readonly agent?: { readonly agentId?: unknown; readonly toolCallId?: unknown };
  readonly workflow?: { readonly runId?: unknown; readonly workflowId?: unknown };
};

/** Which call of which run by which agent, as Mastra tells a tool. A direct HTTP call brings a `workflow` with a run id of the caller's choice and no workflow: ours comes before that one. */
export function toldOf(given: unknown): Pick<ToolCall, 'callId' | 'runId' | 'agentName' | 'signal'> {
  const context: Context = typeof given === 'object' && given !== null ? given : {};
  const ofWorkflow = context.workflow?.workflowId === undefined ? undefined : context.workflow.runId;
  return {
    callId: text(context.agent?.toolCallId ?? context.toolCallId),
    runId: text(context.runId ?? ofWorkflow ?? carriedRunId(context.requestContext)),
    agentName: text(context.agent?.agentId),
    signal: context.abortSignal,
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function';
}

async function drain(values: AsyncIterable<unknown>): Promise<unknown> {
  let last: unknown;
  for await (const value of values) last = value;
  return last;
}
