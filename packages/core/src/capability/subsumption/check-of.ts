import type { JsonValue } from '../../bytes/json-value.ts';
import { compileConstraint, compileScope } from '../compile-constraint.ts';
import type { Check } from '../constraint-kind.ts';
import { allKinds } from '../rare-kinds.ts';

/** The check of one part of a constraint, as admission compiles it. `optional`: of the constraint that it stands in. */
export function checkOf({ kind, rule, optional = false }: { readonly kind: string; readonly rule: JsonValue; readonly optional?: boolean }): Check {
  const { parts } = compileConstraint({ [kind]: rule, ...(optional ? { optional } : {}) }, compileScope(allKinds));
  return (value) => parts.every(({ check }) => check(value));
}
