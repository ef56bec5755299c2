/** Guards the tools that run in `_call`: `tool()`, DynamicTool, DynamicStructuredTool and classes of one's own. @module */
import type { CallbackManagerForToolRun } from '@langchain/core/callbacks/manager';
import { DynamicStructuredTool, DynamicTool, StructuredTool, Tool, type ToolRunnableConfig } from '@langchain/core/tools';
import type { Caller } from './caller.ts';
import { guardedRun, refusalMessage } from './guarded-run.ts';
import { toolCallOf, valueOf } from './tool-call-of.ts';
import { digestOf } from './tool-definition.ts';

type Body = (value: unknown, runManager?: CallbackManagerForToolRun, config?: ToolRunnableConfig) => unknown;

/** Every method through which something runs a tool. A class that replaces one may never come to `_call`. */
const entryPoints = ['invoke', 'call', 'batch', 'stream', 'transform', 'streamEvents', '_streamIterator'] as const;

/** Whether all ways into this tool are LangChain's own, and so end in `_call`. */
export function isStructuredTool(tool: unknown): tool is StructuredTool {
  if (!(tool instanceof StructuredTool)) return false;
  const classes = [DynamicStructuredTool, DynamicTool, Tool, StructuredTool];
  return entryPoints.every((name) => classes.some((known) => Reflect.get(known.prototype, name) === Reflect.get(tool, name)));
}

/**
 * A tool in front of `tool`, all its own but for `_call`. The body still runs on the original, so that `#private` members work.
 * What `_call` is given has passed the schema: the guard decides on what the tool will receive, and the tool gets the guard's copy of it.
 */
export function guardStructuredTool({ caller, name }: { readonly caller: Caller; readonly name: string }, tool: StructuredTool): object {
  const body = Reflect.get(tool, '_call') as Body;
  const guardedCall: Body = (value, runManager, config) =>
    guardedRun(caller, {
      call: toolCallOf({ tool: name, toolDigest: digestOf(name, tool), value, callId: config?.toolCall?.id, runId: runManager?.runId, config }),
      config,
      execute: (input, signal) => body.call(tool, valueOf(input, value), runManager, { ...config, signal } as ToolRunnableConfig),
      refuse: (refused) => {
        const message = refusalMessage(refused);
        // Such a tool has to return a pair; a message in its first place is passed on as it is.
        return tool.responseFormat === 'content_and_artifact' ? [message, undefined] : message;
      },
    });
  return Object.create(tool, { ...accessorsOf(tool), _call: { value: guardedCall } }) as object;
}

/** A class may compute its name, description or schema from `#private` members, which only the original has. */
function accessorsOf(tool: StructuredTool): PropertyDescriptorMap {
  const accessors: PropertyDescriptorMap = {};
  for (let level = Object.getPrototypeOf(tool) as object; level !== StructuredTool.prototype; level = Object.getPrototypeOf(level) as object) {
    for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if ('get' in descriptor) accessors[key] ??= { get: () => Reflect.get(tool, key) as unknown };
    }
  }
  return accessors;
}
