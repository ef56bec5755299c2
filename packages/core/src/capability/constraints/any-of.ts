/** `any_of`: one of several constraints (docs/spec/02 §6.19). @module */
import type { JsonValue } from '../../bytes/json-value.ts';
import type { ConstraintRules } from '../constraint.ts';
import type { ConstraintKind } from '../constraint-kind.ts';

/** At least one of these, for the value as a whole: a list has to satisfy one of them with every element. They cannot be nested. */
export function anyOf(alternatives: readonly ConstraintRules[]): { readonly any_of: readonly ConstraintRules[] } {
  return { any_of: alternatives };
}

export const anyOfKind: ConstraintKind = {
  whole: true,
  compile(rule, { constraint }) {
    if (!Array.isArray(rule) || rule.length === 0 || !rule.every(isAlternative)) return undefined;
    const checks = rule.map((alternative) => constraint(alternative));
    return (value) => checks.some((check) => check(value));
  },
};

/** One level, and nothing that speaks of an argument that is not there. */
function isAlternative(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !['any_of', 'optional', 'absent'].some((name) => Object.hasOwn(value, name));
}
