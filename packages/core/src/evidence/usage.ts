/** What receipts of one period come to: sums over calls that both sides signed, and by name those that they did not (docs/spec/08 §7). @module */
import type { JsonObject } from '../bytes/json-value.ts';
import { EvidenceError } from '../errors/evidence-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { OutcomeClaims } from '../receipt/outcome.ts';
import type { RestingReceipt } from './receipts-at-rest.ts';

export type UsagePeriod = {
  readonly provider: string;
  readonly caller: string;
  /** Milliseconds since 1970; calls that ended from `from` on and before `to`, by the time that both sides signed. */
  readonly from: number;
  readonly to: number;
};

/** One tool's share. */
export type ToolUsage = {
  readonly tool: string;
  readonly calls: number;
  /** Sums of whole numbers by name. */
  readonly units: { readonly [unit: string]: number };
  /** Sums as decimal text by unit. */
  readonly cost: { readonly [unit: string]: string };
  /** SHA-256 of each R, base64url, in order: what was counted, call by call. */
  readonly requests: readonly string[];
};

export type Usage = {
  /** Of calls that both signed; by name of the tool. */
  readonly tools: readonly ToolUsage[];
  /** Answered, and not countersigned: not counted. */
  readonly unacknowledged: readonly string[];
  /** Not counted. */
  readonly disputed: readonly string[];
};

/** A statement names every call: above it a bill is made for a shorter period. */
export const maxUsageCalls = 65_536;

/**
 * @param receipts - of one log: a call that two logs hold would be billed twice.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` on a period that is none, or a call that stands twice.
 * @throws {@link EvidenceError} `TALOS_EVIDENCE_LIMIT` on more than 65,536 calls, or a sum above 2^53 − 1.
 */
export function usageOf(receipts: readonly RestingReceipt[], period: UsagePeriod): Usage {
  const { provider, caller, from, to } = period;
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 0 || from >= to)
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'a period is from and to in milliseconds since 1970' });
  const inPeriod = receipts.filter((each) => each.callee === provider && each.caller === caller && isWithin(each.outcome, { from, to }));
  if (inPeriod.length > maxUsageCalls)
    throw new EvidenceError({ code: 'TALOS_EVIDENCE_LIMIT', message: `more than ${maxUsageCalls} calls: make a statement for a shorter period` });
  if (new Set(inPeriod.map(({ request }) => request)).size !== inPeriod.length)
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'a call stands twice in the receipts: pass those of one log' });
  const tools = new Map<string, RestingReceipt[]>();
  for (const receipt of inPeriod) {
    if (receipt.state !== 'both-signed') continue;
    const counted = tools.get(receipt.tool) ?? [];
    counted.push(receipt);
    tools.set(receipt.tool, counted);
  }
  const named = (state: RestingReceipt['state']): string[] => inPeriod.flatMap((each) => (each.state === state ? [each.request] : [])).toSorted();
  return {
    tools: [...tools].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([tool, counted]) => sumOf(tool, counted)),
    unacknowledged: named('tool-signed'),
    disputed: named('disputed'),
  };
}

function isWithin(outcome: OutcomeClaims | undefined, { from, to }: { readonly from: number; readonly to: number }): boolean {
  return outcome !== undefined && outcome.times.ended >= from && outcome.times.ended < to;
}

function sumOf(tool: string, receipts: readonly RestingReceipt[]): ToolUsage {
  const units = new Map<string, number>();
  const cost = new Map<string, string>();
  for (const { outcome } of receipts) {
    for (const [unit, count] of Object.entries(outcome?.units ?? {})) units.set(unit, requireSum((units.get(unit) ?? 0) + count));
    if (outcome?.cost !== undefined) cost.set(outcome.cost.unit, addDecimals(cost.get(outcome.cost.unit) ?? '0', outcome.cost.amount));
  }
  return { tool, calls: receipts.length, units: sortedMembers(units), cost: sortedMembers(cost), requests: receipts.map(({ request }) => request).toSorted() };
}

function requireSum(sum: number): number {
  if (!Number.isSafeInteger(sum))
    throw new EvidenceError({ code: 'TALOS_EVIDENCE_LIMIT', message: 'a sum is above 2^53 − 1: make a statement for a shorter period' });
  return sum;
}

function sortedMembers<T>(members: ReadonlyMap<string, T>): { [name: string]: T } {
  return Object.fromEntries([...members].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Money is decimal text from end to end: a binary fraction would make the two sides' sums differ. */
export function addDecimals(a: string, b: string): string {
  const places = Math.max(fraction(a).length, fraction(b).length);
  const scaled = (text: string): bigint => BigInt(`${text.split('.')[0]}${fraction(text).padEnd(places, '0')}`);
  const digits = (scaled(a) + scaled(b)).toString().padStart(places + 1, '0');
  const whole = digits.slice(0, digits.length - places);
  const rest = digits.slice(digits.length - places).replace(/0+$/, '');
  return rest === '' ? whole : `${whole}.${rest}`;
}

function fraction(text: string): string {
  return text.split('.')[1] ?? '';
}

/** One way in which two sides' usage of a period differs. */
export type UsageDifference =
  | {
      /** `UNKNOWN`: not in one's own log. `STATE`: there, in another state. `NOT_LISTED`: both-signed in one's own log, and not in the statement. */
      readonly code: 'UNKNOWN' | 'STATE' | 'NOT_LISTED';
      readonly request: string;
      /** Where the statement has it. */
      readonly stated?: 'counted' | 'unacknowledged' | 'disputed';
      readonly own?: RestingReceipt['state'];
    }
  | { readonly code: 'SUM'; readonly tool: string; readonly stated: JsonObject; readonly own: JsonObject };

/** What a statement says against one's own receipts, call by call and sum by sum. Empty: the same. */
export function compareUsage(stated: Usage, own: Usage, receipts: readonly RestingReceipt[]): readonly UsageDifference[] {
  const states = new Map(receipts.map(({ request, state }) => [request, state]));
  const [theirs, ours] = [placesOf(stated), placesOf(own)];
  const calls = [...new Set([...theirs.keys(), ...ours.keys()])].toSorted().flatMap((request): UsageDifference[] => {
    const [place, ownPlace] = [theirs.get(request), ours.get(request)];
    const state = states.get(request);
    if (place === ownPlace) return [];
    if (place === undefined) return ownPlace === 'counted' ? [{ code: 'NOT_LISTED', request, ...(state && { own: state }) }] : [];
    // Ours is countersigned and theirs is not: A was lost on its way, and this is where the provider learns of it.
    return [state === undefined ? { code: 'UNKNOWN', request, stated: place } : { code: 'STATE', request, stated: place, own: state }];
  });
  return [...calls, ...compareSums(stated, own)];
}

function compareSums(stated: Usage, own: Usage): UsageDifference[] {
  const tools = new Set([...stated.tools, ...own.tools].map(({ tool }) => tool));
  return [...tools].toSorted().flatMap((tool): UsageDifference[] => {
    const [theirs, ours] = [sums(stated, tool), sums(own, tool)];
    return JSON.stringify(theirs) === JSON.stringify(ours) ? [] : [{ code: 'SUM', tool, stated: theirs, own: ours }];
  });
}

function sums({ tools }: Usage, tool: string): JsonObject {
  const { calls = 0, units = {}, cost = {} } = tools.find((each) => each.tool === tool) ?? {};
  return { calls, cost, units };
}

function placesOf({ tools, unacknowledged, disputed }: Usage): Map<string, 'counted' | 'unacknowledged' | 'disputed'> {
  return new Map([
    ...tools.flatMap(({ requests }) => requests.map((request) => [request, 'counted'] as const)),
    ...unacknowledged.map((request) => [request, 'unacknowledged'] as const),
    ...disputed.map((request) => [request, 'disputed'] as const),
  ]);
}
