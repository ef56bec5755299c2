/** A set of tools, each behind the guard. @module */
import { UsageError } from '@talosprotocol/core/errors';
import { guardExecute, isGuardedBy, type Caller, type Execute } from './guard-execute.ts';

/** The SDK's `ToolSet`, as loosely as both majors and every compiler option take it: the exact type goes through unchanged. */
export type Tools = { readonly [name: string]: object };

/** What the SDK calls a tool, as far as it decides where the tool runs. Structural: AI SDK 6 and 7 differ in the rest. */
type ToolShape = { readonly type?: unknown; readonly inputSchema?: unknown; readonly execute?: unknown; readonly isProviderExecuted?: unknown };

const knownTypes: ReadonlySet<unknown> = /* @__PURE__ */ new Set([undefined, 'function', 'dynamic', 'provider']);

export function guardTools<TOOLS extends Tools>(caller: Caller, tools: TOOLS): TOOLS {
  if (typeof tools !== 'object' || tools === null || Array.isArray(tools)) throw unknownTool('The tools are not an object of tools by name.');
  return Object.fromEntries(Object.entries(tools).map(([name, tool]) => [name, guardTool(caller, { name, tool })])) as TOOLS;
}

function guardTool(caller: Caller, { name, tool }: { readonly name: string; readonly tool: unknown }): unknown {
  const shape = knownShape(name, tool);
  const execute = shape.execute;
  // It runs at the caller: nothing here to wrap. toolApproval gates it.
  if (execute === undefined) return tool;
  const original = execute as Execute;
  if (isGuardedBy(original, { guard: caller.guard, name })) return tool;
  // By descriptors and prototype: a spread would lose getters, class methods and the properties that code mode hides.
  const descriptors = Object.getOwnPropertyDescriptors(shape);
  const guarded = guardExecute({ caller, name, tool: shape, execute: original });
  return Object.create(Object.getPrototypeOf(shape) as object | null, {
    ...descriptors,
    ...guardedToolCaller(caller, name, descriptors[toolCallerKey]),
    execute: { value: guarded, enumerable: true, writable: true, configurable: true },
  });
}

/** Where code mode and its like keep what makes the tool that really runs: the SDK asks it for one in each run, past `execute`. */
const toolCallerKey = 'experimental_toolCaller';

type ToolCaller = { readonly type?: unknown; readonly bind?: unknown };

function guardedToolCaller(caller: Caller, name: string, descriptor: PropertyDescriptor | undefined): PropertyDescriptorMap {
  const toolCaller = descriptor?.value as ToolCaller | undefined;
  if (descriptor === undefined || typeof toolCaller?.bind !== 'function') return {};
  const bind = toolCaller.bind as (tools: unknown) => unknown;
  const guardedBind = (tools: unknown): unknown => guardTool(caller, { name, tool: bind.call(toolCaller, tools) });
  return { [toolCallerKey]: { ...descriptor, value: Object.create(toolCaller, { bind: { value: guardedBind } }) as object } };
}

/** A shape that we do not know is a path that we do not guard. */
function knownShape(name: string, tool: unknown): ToolShape {
  if (typeof tool !== 'object' || tool === null) throw unknownTool(`"${name}" is not an AI SDK tool: make it with tool() or dynamicTool().`);
  const shape: ToolShape = tool;
  const hasExecute = typeof shape.execute === 'function';
  if (shape.inputSchema === undefined || !knownTypes.has(shape.type) || (shape.execute !== undefined && !hasExecute)) {
    throw unknownTool(`"${name}" is not a tool of a shape this version knows: make it with tool() or dynamicTool() of AI SDK 6 or 7.`);
  }
  // The SDK asks for approval of such a call when the provider has already run it.
  const runsAtProvider = shape.isProviderExecuted === true || (shape.type === 'provider' && !hasExecute && shape.isProviderExecuted !== false);
  if (runsAtProvider) throw unknownTool(`"${name}" runs at the model provider, where no guard can stop it: leave it out, or give it an execute of your own.`);
  return shape;
}

function unknownTool(message: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_UNKNOWN_TOOL', message });
}
