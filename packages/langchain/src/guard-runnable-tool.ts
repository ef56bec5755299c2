/** Guards the tools made by `runnable.asTool()`: they have no `_call`, fire no tool callback, and bind a runnable to `invoke`. @module */
import type { ToolCall } from '@langchain/core/messages/tool';
import { Runnable, type RunnableConfig, type RunnableToolLike } from '@langchain/core/runnables';
import { ToolInputParsingException } from '@langchain/core/tools';
import { interopParseAsync, type InteropZodType } from '@langchain/core/utils/types';
import type { Caller } from './caller.ts';
import { guardedRun, refusalMessage } from './guarded-run.ts';
import { toolCallOf, valueOf } from './tool-call-of.ts';
import { digestOf } from './tool-definition.ts';

/**
 * A RunnableToolLike hands each of these to what it binds, past `invoke`; the base class's go through `invoke`. `withConfig` and its
 * kin would copy what is bound into a new, unguarded tool; the base class's put themselves in front of this one.
 */
const baseMethods = ['batch', 'stream', '_streamIterator', 'transform', 'streamEvents', 'withConfig', 'withRetry', 'withListeners'] as const;

export function guardRunnableTool({ caller, name }: { readonly caller: Caller; readonly name: string }, tool: RunnableToolLike): object {
  const original = tool.invoke.bind(tool);
  const invoke = async (input: unknown, config?: Partial<RunnableConfig>): Promise<unknown> => {
    const toolCall = isToolCall(input) ? input : undefined;
    const value = toolCall === undefined ? input : await parse(tool.schema, toolCall.args);
    return guardedRun(caller, {
      call: toolCallOf({ tool: name, toolDigest: digestOf(name, tool), value, callId: toolCall?.id, runId: undefined, config }),
      config,
      // As plain input: it is not parsed again, so the tool receives what was decided on.
      execute: (args, signal) => original(valueOf(args, value), { ...config, signal }),
      refuse: refusalMessage,
    });
  };
  const properties = Object.fromEntries(baseMethods.map((method) => [method, { value: Reflect.get(Runnable.prototype, method) as unknown }]));
  return Object.create(tool, { ...properties, invoke: { value: invoke } }) as object;
}

function isToolCall(input: unknown): input is ToolCall {
  return typeof input === 'object' && input !== null && Reflect.get(input, 'type') === 'tool_call';
}

/** What LangChain does with a tool call's arguments, done before the decision instead of after it. */
async function parse(schema: InteropZodType, args: unknown): Promise<unknown> {
  const value = await interopParseAsync(schema, args).catch(() => undefined);
  // Arguments that look like a tool call would be unwrapped once more, to values nobody decided on.
  if (value === undefined || isToolCall(value)) throw new ToolInputParsingException('Received tool input did not match expected schema', JSON.stringify(args));
  return value;
}
