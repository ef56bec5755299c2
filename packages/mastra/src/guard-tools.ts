/** A record of tools, each behind the guard. @module */
import type { Caller } from './caller.ts';
import { guardExecute, isGuardedBy, type Execute } from './guard-execute.ts';
import { sealOf } from './tool-seal.ts';
import { knownShape, unknownTool, validatesInside, type Tools } from './tool-shape.ts';

export function guardTools<TOOLS extends Tools>(caller: Caller, tools: TOOLS): TOOLS {
  if (typeof tools !== 'object' || tools === null || Array.isArray(tools)) throw unknownTool('The tools are not an object of tools by name.');
  return Object.fromEntries(Object.entries(tools).map(([name, tool]) => [name, guardTool(caller, { name, tool })])) as TOOLS;
}

function guardTool(caller: Caller, { name, tool }: { readonly name: string; readonly tool: unknown }): unknown {
  const { guard } = caller;
  const shape = knownShape(name, tool);
  // A client's tool: Mastra hands the call to the caller, so there is nothing here to run and nothing to wrap.
  if (shape.execute === undefined) return tool;
  const execute = shape.execute as Execute;
  if (isGuardedBy(execute, { guard, name })) return tool;
  // By descriptors and prototype: Mastra asks `instanceof Tool`, and a class of the user's may keep methods on its prototype.
  const descriptors = Object.getOwnPropertyDescriptors(shape);
  const guarded = guardExecute({ caller, name, tool: shape, execute, validates: validatesInside(shape) });
  return Object.create(Object.getPrototypeOf(shape) as object | null, {
    ...descriptors,
    ...sealOf({ guard, name }, shape),
    execute: { value: guarded, enumerable: true, writable: true, configurable: true },
  });
}
