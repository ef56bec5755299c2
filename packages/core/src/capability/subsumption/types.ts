/** What types of values a kind lets through. @module */
import type { JsonValue } from '../../bytes/json-value.ts';
import { parseTypes } from '../constraints/type.ts';

/** Whether a rule lets only values of these types through. What is held against each element lets lists through as well. */
export function isTypeInside(kind: string, rule: JsonValue, parent: JsonValue): boolean {
  const above = parseTypes(parent);
  return above !== undefined && typesOf(kind, rule).every((type) => above.has(type) || (type === 'integer' && above.has('number')));
}

/** As `typeof` says, of a rule that scalars satisfy. */
export function scalarTypesOf(kind: string, rule: JsonValue): readonly string[] {
  if (kind === 'in' || kind === 'not_in') return (rule as readonly JsonValue[]).map((value) => typeof value);
  if (kind === 'range') return isDecimal(rule) ? ['number', 'string'] : ['number'];
  return ['string'];
}

function typesOf(kind: string, rule: JsonValue): readonly string[] {
  if (kind === 'type') return [...(parseTypes(rule) ?? [])];
  if (kind === 'each' || kind === 'size') return ['array'];
  if (kind === 'keys') return ['object', 'array'];
  if (kind === 'in')
    return ['array', ...(rule as readonly JsonValue[]).map((value) => (value === null ? 'null' : Number.isSafeInteger(value) ? 'integer' : typeof value))];
  if (kind === 'range' && !isDecimal(rule)) return ['array', 'integer'];
  return ['array', ...scalarTypesOf(kind, rule)];
}

function isDecimal(rule: JsonValue): boolean {
  return Object.values(rule as object).some((bound) => typeof bound === 'string');
}
