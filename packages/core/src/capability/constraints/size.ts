/** `size`: how many elements (docs/spec/02 §6.14). @module */
import type { ConstraintKind } from '../constraint-kind.ts';
import { parseLength, type LenRule } from './len.ts';

/** A list of `min` to `max` elements. `min` is 1 if not said: an empty list is the absence of a value. */
export function size(rule: LenRule): { readonly size: LenRule } {
  return { size: rule };
}

export const sizeKind: ConstraintKind = {
  whole: true,
  compile(rule) {
    const bounds = parseLength(rule, 1);
    return bounds === undefined ? undefined : (value) => Array.isArray(value) && value.length >= bounds.min && value.length <= bounds.max;
  },
};
