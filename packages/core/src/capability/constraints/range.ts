/** `range`: a number between bounds (docs/spec/02 §6.4). @module */
import type { JsonObject } from '../../bytes/json-value.ts';
import { closedObject } from '../closed-object.ts';
import type { Check, ConstraintKind } from '../constraint-kind.ts';
import { isMultiple, parseDecimal, subtractDecimal, type Decimal } from './decimal.ts';

/**
 * All members of one type, `step` above 0. Integers: the argument is a safe integer. Decimal text such as `'19.99'`: the argument is decimal text,
 * or a number that is written without exponent, compared exactly. `step` counts from `min`, or from 0 without one.
 */
export type RangeRule =
  | { readonly min?: number; readonly max?: number; readonly step?: number }
  | { readonly min?: string; readonly max?: string; readonly step?: string };

/** A number from `min` to `max`, both included; of a list argument, every element. */
export function range(rule: RangeRule): { readonly range: RangeRule } {
  return { range: rule };
}

const members: ReadonlySet<string> = /* @__PURE__ */ new Set(['min', 'max', 'step']);

export const rangeKind: ConstraintKind = {
  whole: false,
  compile(rule) {
    const bounds = closedObject(rule, members);
    if (bounds === undefined) return undefined;
    const values = Object.values(bounds);
    const integers = values.every((value) => Number.isSafeInteger(value));
    if (values.length === 0 || !(integers || values.every((value) => typeof value === 'string'))) return undefined;
    if (integers && !Object.hasOwn(bounds, 'step')) return betweenIntegers(bounds);
    const parsed = values.map((value) => parseDecimal(String(value as string | number)));
    const { min, max, step } = Object.fromEntries(Object.keys(bounds).map((name, i) => [name, parsed[i]]));
    return parsed.includes(undefined) || (step !== undefined && step.units <= 0n) ? undefined : between({ min, max, step }, integers);
  },
};

/** The common case, without a detour through text. */
function betweenIntegers(bounds: JsonObject): Check {
  const { min = -Infinity, max = Infinity } = bounds as { min?: number; max?: number };
  return (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

type Bounds = { readonly min: Decimal | undefined; readonly max: Decimal | undefined; readonly step: Decimal | undefined };

function between({ min, max, step }: Bounds, integers: boolean): Check {
  return (argument) => {
    const value = readArgument(argument, integers);
    if (value === undefined) return false;
    const aboveMin = min === undefined ? value : subtractDecimal(value, min);
    if (min !== undefined && aboveMin.units < 0n) return false;
    if (max !== undefined && subtractDecimal(max, value).units < 0n) return false;
    return step === undefined || isMultiple(aboveMin, step);
  };
}

/** A number stands for the decimal that JSON writes for it; NaN, Infinity and exponents have no plain notation. */
function readArgument(argument: unknown, integers: boolean): Decimal | undefined {
  const readable = integers ? Number.isSafeInteger(argument) : typeof argument === 'number' || typeof argument === 'string';
  return readable ? parseDecimal(String(argument)) : undefined;
}
