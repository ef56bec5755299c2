/** The wrapper around one tool's `execute`: the only place in the SDK that every path to a tool goes through. @module */
import { deniedError, type Guard, type ToolCall } from '@talosprotocol/core/guard';

/** As the SDK calls it. `messages` and the rest pass through untouched. */
export type Execute = (this: unknown, input: unknown, options: ExecuteOptions | undefined) => unknown;
type ExecuteOptions = { readonly toolCallId?: string; readonly abortSignal?: AbortSignal };

type Wrapping = { readonly guard: Guard; readonly name: string; readonly tool: object; readonly execute: Execute };
type Mark = Pick<Wrapping, 'guard' | 'name'>;

/** On the function, not on the tool: a tool that is spread and given another `execute` must not pass for guarded. */
const guardedBy = Symbol.for('org.talosprotocol/guarded-by');

/** Whether this very guard stands before it under this name already. Another guard wraps again, and then both have to allow. */
export function isGuardedBy(execute: Execute, { guard, name }: Mark): boolean {
  return marksOf(execute).some((mark) => mark.guard === guard && mark.name === name);
}

export function guardExecute(wrapping: Wrapping): Execute {
  const guarded = isAsyncGenerator(wrapping.execute) ? streaming(wrapping) : single(wrapping);
  return Object.defineProperty(guarded, guardedBy, { value: [...marksOf(wrapping.execute), { guard: wrapping.guard, name: wrapping.name }] satisfies Mark[] });
}

function marksOf(execute: Execute): readonly Mark[] {
  return (execute as { readonly [guardedBy]?: readonly Mark[] })[guardedBy] ?? [];
}

function single({ guard, name, tool, execute }: Wrapping): Execute {
  return async (input, options) => {
    const result = await guard.run(toolCall(name, input, options), (granted) => lastOutput(execute.call(tool, granted, options)));
    if (result.status === 'denied') throw deniedError(result.refusal, result.entryId);
    if (result.status === 'error') throw result.error;
    return result.value;
  };
}

/** A generator stays a generator: behind an async function the SDK would take the generator object for the tool's output. */
function streaming({ guard, name, tool, execute }: Wrapping): Execute {
  return async function* (input, options) {
    yield* guard.iterate(toolCall(name, input, options), (granted) => execute.call(tool, granted, options) as AsyncIterable<unknown>);
  };
}

function toolCall(name: string, input: unknown, options: ExecuteOptions | undefined): ToolCall {
  return { tool: name, input, callId: options?.toolCallId, signal: options?.abortSignal, framework: 'vercel-ai' };
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
