/**
 * How the gate of an agent knows a guarded tool again. Mastra makes every tool anew for a run and keeps of ours only some properties by reference;
 * one of them, `onInputStart`, carries the seal. A tool of a toolset may have the name of a guarded one and is told apart by this.
 * @module
 */
import type { Guard } from '@talosprotocol/core/guard';

export type Mark = { readonly guard: Guard; readonly name: string };

const property = 'onInputStart';
const seals = /* @__PURE__ */ new WeakMap<object, Mark>();

/**
 * What a guarded tool carries. Not enumerable: whoever spreads the tool and gives it another `execute` does not get it.
 * @param own - The tool's own `onInputStart`, which is called as before.
 */
export function sealOf(mark: Mark, tool: object): PropertyDescriptorMap {
  const own = (tool as { readonly [property]?: unknown })[property];
  const carrier = function (this: unknown, ...args: unknown[]): unknown {
    return typeof own === 'function' ? (own as (...args: unknown[]) => unknown).apply(this, args) : undefined;
  };
  seals.set(carrier, mark);
  return { [property]: { value: carrier, enumerable: false, writable: true, configurable: true } };
}

/** Whether this tool, as Mastra made it for a run, is one that this guard stands before under this name. */
export function isSealed(tool: object, { guard, name }: Mark): boolean {
  const carrier = (tool as { readonly [property]?: unknown })[property];
  const mark = typeof carrier === 'function' ? seals.get(carrier) : undefined;
  return mark?.guard === guard && mark.name === name;
}
