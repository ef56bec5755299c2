/** Whether one range of numbers lies within another. @module */
import type { JsonObject, JsonValue } from '../../bytes/json-value.ts';
import { isMultiple, parseDecimal, subtractDecimal, type Decimal } from '../constraints/decimal.ts';

type Bounds = { readonly min?: Decimal | undefined; readonly max?: Decimal | undefined; readonly step?: Decimal | undefined };

const zero: Decimal = { units: 0n, scale: 0 };

/** Decimal text is nothing to a range of integers; integers are decimals, too. */
export function isRangeInside(child: JsonValue, parent: JsonValue): boolean {
  if (isText(child) && !isText(parent)) return false;
  const own = boundsOf(child);
  const above = boundsOf(parent);
  if (above.min !== undefined && (own.min === undefined || isBelow(own.min, above.min))) return false;
  if (above.max !== undefined && (own.max === undefined || isBelow(above.max, own.max))) return false;
  return above.step === undefined || isOnSteps(own, above, isText(child));
}

/** Every step of the child is one of the parent: they begin on one and are whole multiples apart. Integers go in steps of 1. */
function isOnSteps(own: Bounds, above: Bounds, decimals: boolean): boolean {
  const step = own.step ?? (decimals ? undefined : { units: 1n, scale: 0 });
  if (step === undefined || above.step === undefined || !isMultiple(step, above.step)) return false;
  const begin = own.step === undefined ? zero : (own.min ?? zero);
  return isMultiple(subtractDecimal(begin, above.min ?? zero), above.step);
}

function isText(rule: JsonValue): boolean {
  return Object.values(rule as JsonObject).some((bound) => typeof bound === 'string');
}

function boundsOf(rule: JsonValue): Bounds {
  return Object.fromEntries(Object.entries(rule as JsonObject).map(([name, bound]) => [name, parseDecimal(String(bound as string | number))]));
}

function isBelow(a: Decimal, b: Decimal): boolean {
  return subtractDecimal(a, b).units < 0n;
}
