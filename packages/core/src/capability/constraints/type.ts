/** `type`: what kind of JSON value (docs/spec/02 §6.13). @module */
import type { ConstraintKind } from '../constraint-kind.ts';

const typeNames = ['string', 'number', 'integer', 'boolean', 'null', 'object', 'array'] as const;
export type TypeName = (typeof typeNames)[number];

/** A JSON value of one of these types, as JSON Schema names them. A list is an `array` whatever its elements are. */
export function ofType(...types: readonly TypeName[]): { readonly type: TypeName | readonly TypeName[] } {
  return { type: types.length === 1 ? (types[0] as TypeName) : types };
}

export const typeKind: ConstraintKind = {
  whole: true,
  compile(rule) {
    const names = parseTypes(rule);
    return names === undefined ? undefined : (value) => names.has(typeOf(value)) || (names.has('number') && typeOf(value) === 'integer');
  },
};

/** Undefined if it names no types. */
export function parseTypes(rule: unknown): ReadonlySet<string> | undefined {
  const names: readonly unknown[] = Array.isArray(rule) ? rule : [rule];
  return names.length > 0 && names.every((name) => typeNames.includes(name as TypeName)) ? new Set(names as readonly string[]) : undefined;
}

/** `integer` for numbers without a fraction that I-JSON carries. */
function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isSafeInteger(value) ? 'integer' : typeof value;
}
