/** Which objects are tools that can be stopped. @module */
import { UsageError } from '@talosprotocol/core/errors';

/** Mastra's `ToolsInput`, loosely: the exact type goes through unchanged. */
export type Tools = { readonly [name: string]: object };

/** What Mastra calls a tool, as far as it decides where the tool runs. */
export type ToolShape = {
  readonly id?: unknown;
  readonly type?: unknown;
  readonly inputSchema?: unknown;
  readonly parameters?: unknown;
  readonly execute?: unknown;
};

/** On every tool made by createTool, and on spreads of one: a registered symbol, so it holds across copies of the package. */
const mastraTool = Symbol.for('mastra.core.tool.Tool');
const providerTypes: ReadonlySet<unknown> = /* @__PURE__ */ new Set(['provider', 'provider-defined']);

/** Whether its `execute` validates the input before the user's code sees it, as that of createTool does. */
export function validatesInside(tool: ToolShape): boolean {
  return mastraTool in tool;
}

/** A shape that we do not know is a path that we do not guard. @throws {@link UsageError} `TALOS_USAGE_UNKNOWN_TOOL` */
export function knownShape(name: string, tool: unknown): ToolShape {
  if (typeof tool !== 'object' || tool === null) throw unknownTool(`"${name}" is not a Mastra tool: make it with createTool(), or with tool() of the AI SDK.`);
  const shape: ToolShape = tool;
  const hasExecute = typeof shape.execute === 'function';
  if (providerTypes.has(shape.type) && !hasExecute)
    throw unknownTool(`"${name}" runs at the model provider, where no guard can stop it: leave it out of the guarded tools.`);
  const isTool = validatesInside(shape) || shape.inputSchema !== undefined || shape.parameters !== undefined || (typeof shape.id === 'string' && hasExecute);
  if (!isTool || (shape.execute !== undefined && !hasExecute))
    throw unknownTool(`"${name}" is not a tool of a shape this version knows: make it with createTool(), or with tool() of the AI SDK.`);
  return shape;
}

export function unknownTool(message: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_UNKNOWN_TOOL', message });
}
