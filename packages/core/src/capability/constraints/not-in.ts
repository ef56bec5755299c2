/** `not_in`: none of a list of scalars (docs/spec/02 §6.8). @module */
import type { JsonValue } from '../../bytes/json-value.ts';
import type { ConstraintKind } from '../constraint-kind.ts';

type Scalar = string | number | boolean;

/** None of these values, and of one of their types; of a list argument, every element. Names that can be spelled in two ways are better listed with `oneOf`. */
export function noneOf<const Value extends Scalar>(values: readonly Value[]): { readonly not_in: readonly Value[] } {
  return { not_in: values };
}

export const notInKind: ConstraintKind = {
  whole: false,
  compile(rule) {
    if (!Array.isArray(rule) || rule.length === 0) return undefined;
    const values = rule as readonly JsonValue[];
    if (values.some((value) => value === null || typeof value === 'object')) return undefined;
    const refused: ReadonlySet<unknown> = new Set(values);
    // "Not 'prod'" speaks of text: a number or an object that a tool turns into text is no answer to it.
    const types: ReadonlySet<string> = new Set(values.map((value) => typeof value));
    return (value) => types.has(typeof value) && !refused.has(value) && value === value;
  },
};
