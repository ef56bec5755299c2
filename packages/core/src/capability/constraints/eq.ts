/** `eq`: one exact JSON value (docs/spec/02 §6.2). @module */
import { canonicalJson } from '../../bytes/canonical-json.ts';
import type { JsonValue } from '../../bytes/json-value.ts';
import type { ConstraintKind } from '../constraint-kind.ts';

/** Exactly this value: a list is compared as a list, text by its code units without Unicode normalisation. */
export function eq<Value extends JsonValue>(value: Value): { readonly eq: Value } {
  return { eq: value };
}

export const eqKind: ConstraintKind = {
  // An `eq` that let lists of the value through would allow more than the one call a `missing` grant speaks of.
  whole: true,
  compile(rule) {
    if (typeof rule !== 'object' || rule === null) return (value) => value === rule;
    const granted = canonicalJson(rule);
    return (value) => typeof value === 'object' && value !== null && isCanonically(value, granted);
  },
};

/** The canonical form has own members only, in one order; what has no such form equals nothing. */
function isCanonically(value: object, granted: string): boolean {
  try {
    return canonicalJson(value as JsonValue) === granted;
  } catch {
    return false;
  }
}
