/** `len`: the length of a text (docs/spec/02 §6.5). @module */
import type { JsonValue } from '../../bytes/json-value.ts';
import { closedObject } from '../closed-object.ts';
import type { ConstraintKind } from '../constraint-kind.ts';

/** In Unicode code points, as JSON Schema counts; both ends included. */
export type LenRule = { readonly min?: number; readonly max?: number };

/** Text of `min` to `max` code points; of a list argument, every element. */
export function len(rule: LenRule): { readonly len: LenRule } {
  return { len: rule };
}

const members: ReadonlySet<string> = /* @__PURE__ */ new Set(['min', 'max']);

export const lenKind: ConstraintKind = {
  whole: false,
  compile(rule) {
    const bounds = parseLength(rule, 0);
    return bounds === undefined ? undefined : (value) => typeof value === 'string' && fits(value, bounds.min, bounds.max);
  },
};

/** `{ min?, max? }`, at least one of them; undefined if it is not. */
export function parseLength(rule: JsonValue, least: number): { readonly min: number; readonly max: number } | undefined {
  const bounds = closedObject(rule, members);
  if (bounds === undefined || Object.keys(bounds).length === 0) return undefined;
  const { min = least, max = Number.MAX_SAFE_INTEGER } = bounds;
  return isLength(min) && isLength(max) ? { min, max } : undefined;
}

function isLength(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A code point has one or two units: most texts are decided without counting, and none longer than twice the maximum is counted. */
function fits(text: string, min: number, max: number): boolean {
  const units = text.length;
  if (units < min || units > 2 * max) return false;
  if (units <= max && units >= 2 * min) return true;
  const points = Array.from(text).length;
  return points >= min && points <= max;
}
