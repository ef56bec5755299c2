/**
 * Puts a guard into a tool. The tool itself is the one place that every way to it passes: callbacks can be cut off, middleware does not
 * reach sub-agents, and a tool can be called without any agent.
 * @module
 */
import { UsageError } from '@talosprotocol/core/errors';
import type { RunnableToolLike } from '@langchain/core/runnables';
import { isRunnableToolLike, type DynamicTool, type StructuredToolInterface } from '@langchain/core/tools';
import type { Caller } from './caller.ts';
import { guardRunnableTool } from './guard-runnable-tool.ts';
import { guardStructuredTool, isStructuredTool } from './guard-structured-tool.ts';

/** The tools LangChain runs in this process. A provider's own tool (a plain object) runs elsewhere and cannot be guarded here. */
export type GuardableTool = StructuredToolInterface | DynamicTool | RunnableToolLike;

/** Stands on a guarded tool, and on what it tells callbacks of itself. Registered, so that two copies of this package know each other's tools. */
const guardedBy = /* @__PURE__ */ Symbol.for('org.talosprotocol/guarded-by');

/** Every tool guarded, or none: the first one of unknown shape stops the set-up. */
export function guardTools<Tools extends readonly GuardableTool[]>(caller: Caller, tools: Tools): { -readonly [Index in keyof Tools]: Tools[Index] } {
  if (!Array.isArray(tools))
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'guard.tools() takes an array of tools; of a toolkit, pass getTools().' });
  return tools.map((tool: unknown) => guardTool(caller, tool)) as unknown as { -readonly [Index in keyof Tools]: Tools[Index] };
}

/** Whether this tool, or the description of itself that it hands to callbacks, is a guarded tool's own: one made from it inherits no brand. */
export function isGuarded(value: object): boolean {
  return callersOf(value).length > 0;
}

/** With a guard that is in the tool already, the tool as it is: one decision, one record. With another guard, both have to allow. */
export function guardTool(caller: Caller, tool: unknown): object {
  const name = nameOf(tool);
  const callers = callersOf(tool as object);
  if (callers.includes(caller)) return tool as object;
  return brand(withGuard({ caller, name }, tool), [...callers, caller]);
}

function withGuard(at: { readonly caller: Caller; readonly name: string }, tool: unknown): object {
  if (isStructuredTool(tool)) return guardStructuredTool(at, tool);
  if (isRunnableToolLike(tool)) return guardRunnableTool(at, tool);
  throw unknownTool(
    at.name,
    'it is none of the tool classes of this copy of @langchain/core, or replaces their invoke or call. Make it with tool(), or override only _call',
  );
}

function nameOf(tool: unknown): string {
  const name: unknown = typeof tool === 'object' && tool !== null ? Reflect.get(tool, 'name') : undefined;
  if (typeof name !== 'string' || name === '') throw unknownTool('(no name)', 'it has no name. Tools that run at the model provider cannot be guarded here');
  return name;
}

/** Callbacks are told of a tool by its `toJSON()` alone. */
function brand(tool: object, callers: readonly Caller[]): object {
  const original = Object.getPrototypeOf(tool) as { toJSON(): object };
  const describe = (): object => Object.defineProperty({ ...original.toJSON() }, guardedBy, { value: callers });
  return Object.defineProperties(tool, { [guardedBy]: { value: callers }, toJSON: { value: describe } });
}

function callersOf(value: object): readonly Caller[] {
  const callers: unknown = Object.getOwnPropertyDescriptor(value, guardedBy)?.value;
  return Array.isArray(callers) ? (callers as readonly Caller[]) : [];
}

function unknownTool(name: string, reason: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_UNKNOWN_TOOL', message: `The tool ${JSON.stringify(name)} cannot be guarded: ${reason}.` });
}
