/** The wrapper around one tool's `execute`: the only place in the SDK that every path to a tool goes through. @module */
import { deniedError, type Guard, type ToolCall } from '@talosprotocol/core/guard';
import type { Runs } from './call-ids.ts';
import { digestOf } from './tool-definition.ts';

/** As the SDK calls it. `messages` and the rest pass through untouched. */
export type Execute = (this: unknown, input: unknown, options: ExecuteOptions | undefined) => unknown;
type ExecuteOptions = { readonly toolCallId?: string; readonly messages?: unknown; readonly abortSignal?: AbortSignal };

/** In whose name calls are recorded, and which run they belong to. */
export type Caller = { readonly guard: Guard; readonly runs: Runs; readonly agentName: string | undefined };

type Wrapping = { readonly caller: Caller; readonly name: string; readonly tool: object; readonly execute: Execute };
type Mark = { readonly guard: Guard; readonly name: string };

/** On the function, not on the tool: a tool that is spread and given another `execute` must not pass for guarded. */
const guardedBy = Symbol.for('org.talosprotocol/guarded-by');

/** Whether this very guard stands before it under this name already. Another guard wraps again, and then both have to allow. */
export function isGuardedBy(execute: Execute, { guard, name }: Mark): boolean {
  return marksOf(execute).some((mark) => mark.guard === guard && mark.name === name);
}

export function guardExecute(wrapping: Wrapping): Execute {
  const guarded = isAsyncGenerator(wrapping.execute) ? streaming(wrapping) : single(wrapping);
  const mark: Mark = { guard: wrapping.caller.guard, name: wrapping.name };
  return Object.defineProperty(guarded, guardedBy, { value: [...marksOf(wrapping.execute), mark] });
}

function marksOf(execute: Execute): readonly Mark[] {
  return (execute as { readonly [guardedBy]?: readonly Mark[] })[guardedBy] ?? [];
}

function single(wrapping: Wrapping): Execute {
  const { caller, tool, execute } = wrapping;
  return async (input, options) => {
    const call = toolCall(wrapping, input, options);
    const result = await caller.guard.run(call instanceof Promise ? await call : call, (granted, _grant, abortSignal) =>
      lastOutput(execute.call(tool, granted, { ...options, abortSignal })),
    );
    if (result.status === 'denied') throw deniedError(result.refusal, result.entryId);
    if (result.status === 'error') throw result.error;
    return result.value;
  };
}

/** A generator stays a generator: behind an async function the SDK would take the generator object for the tool's output. */
function streaming(wrapping: Wrapping): Execute {
  const { caller, tool, execute } = wrapping;
  return async function* (input, options) {
    const call = await toolCall(wrapping, input, options);
    yield* caller.guard.iterate(call, (granted, _grant, abortSignal) => execute.call(tool, granted, { ...options, abortSignal }) as AsyncIterable<unknown>);
  };
}

function toolCall({ caller, name, tool }: Wrapping, input: unknown, options: ExecuteOptions | undefined): ToolCall | Promise<ToolCall> {
  const digest = digestOf(name, tool);
  const call = { tool: name, input, callId: options?.toolCallId, ...idsOf(caller, options?.messages), signal: options?.abortSignal };
  return digest instanceof Promise ? digest.then((toolDigest) => ({ ...call, toolDigest })) : { ...call, toolDigest: digest };
}

/** The members of a call or a turn that say whose it is. */
export function idsOf(
  { runs, agentName }: Caller,
  messages: unknown,
): { readonly runId?: string | undefined; readonly agentName?: string | undefined; readonly framework: string } {
  return { runId: runs.idOf(messages), agentName, framework: 'vercel-ai' };
}

/**
 * A plain function that returns an iterable (a generator compiled for an old target): whether it does is known only once it runs, and by then the
 * SDK was told to await. The tool still runs to its end behind the guard and its last value is the output, as the SDK has it; what came before is not streamed.
 */
function lastOutput(returned: unknown): unknown {
  return isAsyncIterable(returned) ? drain(returned) : returned;
}

async function drain(values: AsyncIterable<unknown>): Promise<unknown> {
  let last: unknown;
  for await (const value of values) last = value;
  return last;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function';
}

function isAsyncGenerator(execute: Execute): boolean {
  return Object.prototype.toString.call(execute) === '[object AsyncGeneratorFunction]';
}
