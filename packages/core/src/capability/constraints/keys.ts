/** `keys`: the members of an object (docs/spec/02 §6.18). @module */
import type { JsonObject } from '../../bytes/json-value.ts';
import type { ToolArgs } from '../constraint.ts';
import type { ConstraintKind } from '../constraint-kind.ts';

/** An object with these members and no others, each constrained like an argument. `'*': 'any'` allows others. Of a list argument, every element. */
export function keys(members: ToolArgs): { readonly keys: ToolArgs } {
  return { keys: members };
}

export const keysKind: ConstraintKind = {
  whole: false,
  compile: (rule, { members }) => (typeof rule === 'object' && rule !== null && !Array.isArray(rule) ? members(rule as JsonObject) : undefined),
};
