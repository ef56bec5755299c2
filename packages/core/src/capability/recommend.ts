/** The tightest grants that would have allowed what was recorded (docs/spec/05 §7). Pure; runs over what observe mode learned. @module */
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { ToolGrant } from './capability.ts';
import type { Constraint, ToolArgs } from './constraint.ts';
import { joinValues } from './join-values.ts';
import { isToolName } from './tool-name.ts';

export type RecordedCall = { readonly tool: string; readonly input: JsonObject };

export type RecommendOptions = {
  /** Share of the calls that have to be allowed. 0.99 if not said: one call in a hundred may be the mistake that the grants are to stop. */
  readonly coverage?: number;
  /** Tools that are granted now, by name: to say which of them nobody called. */
  readonly granted?: readonly string[];
};

export type Recommendation = {
  readonly grants: readonly ToolGrant[];
  readonly calls: number;
  readonly covered: number;
  /** Granted, and not called: `3 of 41`. */
  readonly unused: readonly string[];
  /** Called, and left out because a few calls more would have widened the grants. */
  readonly leftOut: readonly { readonly tool: string; readonly calls: number }[];
};

/**
 * Joins the arguments of all calls of a tool upwards: one value, then up to eight, then what they have in common (a range, a folder, a host, a
 * domain, a beginning), then anything. Calls that are rarest are left out first, as far as `coverage` lets them.
 *
 * A proposal for a person: what was called is not what should have been.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` unless 0 < coverage ≤ 1.
 */
export function recommend(calls: readonly RecordedCall[], options: RecommendOptions = {}): Recommendation {
  const { coverage = 0.99, granted = [] } = options;
  if (!(coverage > 0 && coverage <= 1)) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'coverage is a share above 0, at most 1' });
  const usable = calls.filter(({ tool }) => isToolName(tool));
  const byTool = groupBy(usable, ({ tool }) => tool);
  // Rounded first: 0.01 × 100 is a little more than 1 in binary.
  let spare = calls.length - Math.ceil(Number((coverage * calls.length).toFixed(6)));
  spare -= calls.length - usable.length;
  const leftOut: { tool: string; calls: number }[] = [];
  const grants: ToolGrant[] = [];
  let covered = 0;
  const rarestFirst = [...byTool.values()].toSorted((a, b) => a.length - b.length || (toolOf(a) < toolOf(b) ? -1 : 1));
  for (const all of rarestFirst) {
    const tool = toolOf(all);
    const kept = all.length <= spare ? [] : dropRare(all, spare);
    spare -= all.length - kept.length;
    if (kept.length < all.length) leftOut.push({ tool, calls: all.length - kept.length });
    if (kept.length === 0) continue;
    covered += kept.length;
    grants.push({ type: 'talos_tool', tools: [tool], args: joinCalls(kept) });
  }
  const unused = granted.filter((tool) => !byTool.has(tool));
  return { grants: grants.toSorted((a, b) => ((a.tools[0] as string) < (b.tools[0] as string) ? -1 : 1)), calls: calls.length, covered, unused, leftOut };
}

function toolOf(calls: readonly RecordedCall[]): string {
  return (calls[0] as RecordedCall).tool;
}

function joinCalls(calls: readonly RecordedCall[]): ToolArgs {
  const names = new Set(calls.flatMap(({ input }) => Object.keys(input)));
  // No grant can name an argument that is called so: then all are allowed.
  if (names.has('*')) return { '*': 'any' };
  return Object.fromEntries([...names].toSorted().map((name) => [name, joinArgument(name, calls)]));
}

function joinArgument(name: string, calls: readonly RecordedCall[]): Constraint {
  const present = calls.filter(({ input }) => Object.hasOwn(input, name));
  const joined = joinValues(present.map(({ input }) => input[name] as JsonValue));
  if (present.length === calls.length) return joined;
  return joined === 'any' ? { any: true, optional: true } : { ...joined, optional: true };
}

/** Leaves out as many calls as are spare if that lets some argument be told by fewer values. */
function dropRare(calls: readonly RecordedCall[], spare: number): readonly RecordedCall[] {
  let kept = calls;
  for (const name of new Set(calls.flatMap(({ input }) => Object.keys(input)))) {
    const counts = groupBy(kept, ({ input }) => (Object.hasOwn(input, name) ? JSON.stringify(input[name]) : undefined));
    const left = spare - (calls.length - kept.length);
    const rare = rarest([...counts.values()], left);
    if (rare.size > 0 && joinIsNarrower(name, kept, rare)) kept = kept.filter((call) => !rare.has(call));
  }
  return kept;
}

function groupBy(calls: readonly RecordedCall[], keyOf: (call: RecordedCall) => string | undefined): Map<string | undefined, RecordedCall[]> {
  const groups = new Map<string | undefined, RecordedCall[]>();
  for (const call of calls) {
    const key = keyOf(call);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [call]);
    else group.push(call);
  }
  return groups;
}

function rarest(groups: readonly (readonly RecordedCall[])[], atMost: number): ReadonlySet<RecordedCall> {
  const rare = new Set<RecordedCall>();
  for (const group of groups.toSorted((a, b) => a.length - b.length)) {
    if (rare.size + group.length > atMost) break;
    for (const call of group) rare.add(call);
  }
  return rare;
}

function joinIsNarrower(name: string, calls: readonly RecordedCall[], without: ReadonlySet<RecordedCall>): boolean {
  const kept = calls.filter((call) => !without.has(call));
  return kept.length > 0 && width(joinArgument(name, kept)) < width(joinArgument(name, calls));
}

/** By kind, from one value to anything; an argument that may be missing is a little wider. */
const widths: readonly string[] = ['eq', 'in', 'range', 'subpath', 'url', 'email', 'prefix', 'any'];

function width(constraint: Constraint): number {
  const kinds = constraint === 'any' ? ['any'] : Object.keys(constraint);
  const kind = widths.findIndex((known) => kinds.includes(known));
  const values = constraint !== 'any' && Array.isArray(constraint.in) ? constraint.in.length / 100 : 0;
  return kind + values + (kinds.includes('optional') ? 0.5 : 0);
}
