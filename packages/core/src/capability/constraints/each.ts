/** `each`: every element of a list (docs/spec/02 §6.17). @module */
import type { JsonValue } from '../../bytes/json-value.ts';
import type { Constraint } from '../constraint.ts';
import type { ConstraintKind } from '../constraint-kind.ts';

/** A list, and every element satisfies. Other kinds take a list or a single value; this one takes no single value, and may look into lists of lists. */
export function each(constraint: Constraint): { readonly each: Constraint } {
  return { each: constraint };
}

export const eachKind: ConstraintKind = {
  whole: true,
  compile(rule: JsonValue, { constraint, optional }) {
    const check = constraint(rule);
    return (value) => Array.isArray(value) && (value.length > 0 || optional) && value.every((element) => check(element));
  },
};
