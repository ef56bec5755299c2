/** Reads the `limit` member of a grant: a closed set of bounds on how often and for how much (docs/spec/05 §2). @module */
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { maxLimitBurst, maxLimitPeriodSeconds } from './bounds.ts';
import { closedObject } from './closed-object.ts';
import { malformed } from './token-fault.ts';

/** At most `n` calls in each `per_s` seconds in the long run, at most `burst` (default `n`) at once: a bucket that refills steadily. */
export type RateLimit = { readonly n: number; readonly per_s: number; readonly burst?: number };

/** What a call costs: the argument of this name, what the tool reports (at most `bound` is set aside for it), or always the same. */
export type Cost = { readonly arg: string } | 'reported' | number;

/** `max`, `bound` and a fixed cost count the smallest part of the unit: with `decimals: 2`, cents. */
export type Budget = { readonly unit: string; readonly max: number; readonly decimals: number; readonly cost: Cost; readonly bound?: number };

/** All of them hold together. They are shared by every capability that was made from this one. */
export type Limit = {
  readonly rate?: RateLimit;
  /** Calls in all. */
  readonly count?: number;
  /** One call in all. */
  readonly once?: true;
  /** Calls at one time. */
  readonly concurrent?: number;
  readonly budget?: Budget;
};

const members: ReadonlySet<string> = /* @__PURE__ */ new Set(['rate', 'count', 'once', 'concurrent', 'budget']);
const rateMembers: ReadonlySet<string> = /* @__PURE__ */ new Set(['n', 'per_s', 'burst']);
const budgetMembers: ReadonlySet<string> = /* @__PURE__ */ new Set(['unit', 'max', 'decimals', 'cost', 'bound']);
const costMembers: ReadonlySet<string> = /* @__PURE__ */ new Set(['arg']);

/** A word of ASCII: two spellings of one unit would be two budgets to a reader. */
const unitName = /^[A-Za-z][\w.-]{0,31}$/;

/** Ten to this power is still a safe integer: one whole unit can be said. */
const maxDecimals = 15;

/** @throws {@link TokenFault} `MALFORMED` if a member is unknown, or is not a whole number within its bounds; an empty `limit` too. */
export function readLimit(value: JsonValue): Limit {
  const limit = closedObject(value, members);
  const names = Object.keys(limit ?? {});
  if (limit === undefined || names.length === 0) throw malformed('limit');
  for (const name of names) if (!isLimit(name, limit[name] as JsonValue)) throw malformed(name);
  return limit as Limit;
}

function isLimit(name: string, value: JsonValue): boolean {
  if (name === 'once') return value === true;
  if (name === 'rate') return isRate(closedObject(value, rateMembers));
  return name === 'budget' ? isBudget(closedObject(value, budgetMembers)) : isWhole(value, 1);
}

function isRate(rate: JsonObject | undefined): boolean {
  if (rate === undefined) return false;
  const { n, per_s: period, burst = 1 } = rate;
  return isWhole(n, 1, maxLimitBurst) && isWhole(period, 1, maxLimitPeriodSeconds) && isWhole(burst, 1, maxLimitBurst);
}

function isBudget(budget: JsonObject | undefined): boolean {
  if (budget === undefined) return false;
  const { unit, max, decimals, cost, bound } = budget;
  if (typeof unit !== 'string' || !unitName.test(unit) || !isWhole(max, 1) || !isWhole(decimals, 0, maxDecimals)) return false;
  // A reported cost is known when it has been spent: without a bound nothing could be set aside for it.
  if (cost === 'reported') return isWhole(bound, 1);
  if (bound !== undefined) return false;
  if (typeof cost === 'number') return isWhole(cost, 1);
  const arg = closedObject(cost, costMembers)?.['arg'];
  return typeof arg === 'string';
}

function isWhole(value: JsonValue | undefined, min: number, max = Number.MAX_SAFE_INTEGER): boolean {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}
