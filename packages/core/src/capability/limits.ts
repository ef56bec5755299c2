/** What one call draws on: every limit of every link (docs/spec/05 §2). @module */
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { clockSkewSeconds } from './bounds.ts';
import { parseDecimal } from './constraints/decimal.ts';
import type { LimitCode, ReachedCode } from './denial.ts';
import type { PathStep } from './grant-path.ts';
import type { Charge, ChargeRule } from './limit-store.ts';
import type { Budget, Limit } from './limits-claim.ts';
import { TokenFault } from './token-fault.ts';

/** A charge, and what to say when it is refused. */
export type LimitCharge = Charge & {
  readonly code: LimitCode & ReachedCode;
  readonly link: number;
  readonly grant: number;
  /** The budget whose cost is known only when the tool has reported it. */
  readonly reported?: Pick<Budget, 'unit' | 'decimals'>;
};

/**
 * The charges of a call, root → leaf. Ten children of one parent draw on the parent's counters, each under its own name: the keys are those of
 * the links, not of the token that is presented.
 * @throws {@link TokenFault} `AUD_MISMATCH` if a link with a limit counts in several places; `ARG_MISSING` or `ARG_VIOLATES` if the argument that says the cost does not say one.
 */
export function limitCharges(path: readonly PathStep[], input: JsonObject): readonly LimitCharge[] {
  const root = path[0]?.link.iss ?? '';
  return path.flatMap((step, link) => {
    const { limit, index: grant } = step.grant;
    if (limit === undefined) return [];
    const { claims, iss, jti } = step.link;
    // Each place would count it anew.
    if (typeof claims.aud !== 'string' && claims.aud.length > 1) throw new TokenFault('AUD_MISMATCH', { link, grant, constraint: 'limit' });
    const counted = {
      from: claims.iat * 1000,
      until: (claims.exp + clockSkewSeconds) * 1000,
      link,
      grant,
    };
    return rulesOf(limit, input, { link, grant }).map(({ id, ...rule }) => ({ ...counted, ...rule, key: `${root} ${iss} ${jti} ${grant}.${id}` }));
  });
}

type Rule = Pick<LimitCharge, 'rule' | 'amount' | 'code' | 'reported'> & { readonly id: string };

function rulesOf(limit: Limit, input: JsonObject, at: { readonly link: number; readonly grant: number }): Rule[] {
  const { rate, count, once, concurrent, budget } = limit;
  const rules: Rule[] = [];
  const add = (id: string, code: Rule['code'], rule: ChargeRule): void => void rules.push({ id, code, rule, amount: 1 });
  if (rate !== undefined) add('rate', 'RATE', { kind: 'rate', n: rate.n, periodMs: rate.per_s * 1000, burst: rate.burst ?? rate.n });
  if (concurrent !== undefined) add('concurrent', 'CONCURRENCY', { kind: 'slots', max: concurrent });
  if (once !== undefined) add('once', 'COUNT_SPENT', { kind: 'total', max: 1 });
  if (count !== undefined) add('count', 'COUNT_SPENT', { kind: 'total', max: count });
  if (budget !== undefined) rules.push(budgetRule(budget, input, at));
  return rules;
}

function budgetRule(budget: Budget, input: JsonObject, at: { readonly link: number; readonly grant: number }): Rule {
  const { cost, max, bound, unit, decimals } = budget;
  const rule = { id: 'budget', code: 'BUDGET_SPENT', rule: { kind: 'total', max } } as const;
  if (cost === 'reported') return { ...rule, amount: bound as number, reported: { unit, decimals } };
  if (typeof cost === 'number') return { ...rule, amount: cost };
  if (!Object.hasOwn(input, cost.arg)) throw new TokenFault('ARG_MISSING', { ...at, arg: cost.arg, constraint: 'budget' });
  const amount = toSmallestParts(input[cost.arg], decimals);
  if (amount === undefined) throw new TokenFault('ARG_VIOLATES', { ...at, arg: cost.arg, constraint: 'budget' });
  return { ...rule, amount };
}

/**
 * An amount in the smallest parts of its unit: 19.99 with two decimals is 1999. Numbers are read as they are written, so no rounding comes in.
 * Undefined for what is negative, finer than the decimals, or no amount: a negative cost would give the budget back.
 */
export function toSmallestParts(value: JsonValue | undefined, decimals: number): number | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const amount = parseDecimal(String(value));
  if (amount === undefined) return undefined;
  const scale = 10n ** BigInt(Math.max(0, amount.scale - decimals));
  if (amount.units < 0n || amount.units % scale !== 0n) return undefined;
  const parts = Number((amount.units / scale) * 10n ** BigInt(Math.max(0, decimals - amount.scale)));
  return Number.isSafeInteger(parts) ? parts : undefined;
}
