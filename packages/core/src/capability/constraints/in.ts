/** `in`: one of a list of scalars (docs/spec/02 §6.3). @module */
import type { JsonValue } from '../../bytes/json-value.ts';
import type { ConstraintKind } from '../constraint-kind.ts';

type Scalar = string | number | boolean | null;

/** One of these values; of a list argument, every element. */
export function oneOf<const Value extends Scalar>(values: readonly Value[]): { readonly in: readonly Value[] } {
  return { in: values };
}

export const inKind: ConstraintKind = {
  whole: false,
  compile(rule) {
    if (!Array.isArray(rule)) return undefined;
    const values = rule as readonly JsonValue[];
    if (values.some((value) => typeof value === 'object' && value !== null)) return undefined;
    const allowed: ReadonlySet<unknown> = new Set(values);
    return (value) => allowed.has(value);
  },
};
