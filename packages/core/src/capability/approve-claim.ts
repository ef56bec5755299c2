/** Reads the `approve` member of a grant: which calls a person has to agree to, and who may (docs/spec/05 §5). @module */
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { isAgentId, type AgentId } from '../identity/agent-id.ts';
import { maxApprovers, maxLifetimeSeconds } from './bounds.ts';
import { closedObject } from './closed-object.ts';
import { compileConstraint, compileScope, type CompiledConstraint } from './compile-constraint.ts';
import type { Constraint } from './constraint.ts';
import { parseDecimal } from './constraints/decimal.ts';
import { allKinds } from './rare-kinds.ts';
import { malformed } from './token-fault.ts';

export type Approve = {
  /** All calls, or those whose named arguments all match. */
  readonly when: 'always' | { readonly [argument: string]: Constraint };
  /** Whose approval counts. */
  readonly by: readonly AgentId[];
  /** How many of them have to agree. */
  readonly m: number;
  /** Seconds that a request, an approval and a refusal are good for. */
  readonly ttl: number;
  /** `exact`: one approval for one call with these arguments. `pattern`: for `count` calls of the tool with any arguments of the grant. */
  readonly reuse: 'exact' | 'pattern';
  readonly count?: number;
};

export type CompiledApprove = Omit<Approve, 'when'> & {
  /** Whether the call needs an approval. Total; in doubt, true. */
  readonly applies: (input: JsonObject) => boolean;
};

const members: ReadonlySet<string> = /* @__PURE__ */ new Set(['when', 'by', 'm', 'ttl', 'reuse', 'count']);

/**
 * The kinds that may decide that nobody has to be asked. With the others a value that names the same thing in another way, such as a path with
 * `..`, does not satisfy: good where satisfying is what allows, an open door here.
 */
const decisiveKinds: ReadonlySet<string> = /* @__PURE__ */ new Set(['any', 'eq', 'in', 'range', 'len']);

/** @throws {@link TokenFault} `MALFORMED` or `CONSTRAINT_UNKNOWN`. */
export function readApprove(value: JsonValue): CompiledApprove {
  const approve = closedObject(value, members);
  if (approve === undefined) throw malformed('approve');
  const { when, by, m, ttl, reuse, count } = approve;
  if (!isApprovers(by)) throw malformed('by');
  if (!isWhole(m, by.length)) throw malformed('m');
  if (!isWhole(ttl, maxLifetimeSeconds)) throw malformed('ttl');
  if (reuse === 'pattern' ? !isWhole(count, Number.MAX_SAFE_INTEGER) : reuse !== 'exact' || count !== undefined) throw malformed('reuse');
  return { ...(approve as unknown as Approve), applies: compileWhen(when) };
}

function compileWhen(when: JsonValue | undefined): (input: JsonObject) => boolean {
  if (when === 'always') return () => true;
  if (typeof when !== 'object' || when === null || Array.isArray(when)) throw malformed('when');
  const rules = Object.entries(when as JsonObject).map(([name, rule]) => ({ name, matches: compileMatch(name, rule) }));
  if (rules.length === 0) throw malformed('when');
  return (input) => rules.every(({ name, matches }) => !Object.hasOwn(input, name) || matches(input[name] as JsonValue));
}

/** An argument that is absent or that the constraint cannot judge matches: a tool may read "100" as 100, and a list as its elements. */
function compileMatch(name: string, rule: JsonValue): (value: JsonValue) => boolean {
  const { parts, optional }: CompiledConstraint = compileConstraint(rule, compileScope(allKinds));
  if (optional || parts.some(({ kind }) => !decisiveKinds.has(kind))) throw malformed('when', { arg: name });
  return (value) => typeof value === 'object' || parts.every(({ kind, check }) => check(value) || !isJudged({ kind, rule, value }));
}

/** Whether the constraint knows what to say about such a value: a range of integers does not about 100.5, nor about text. */
function isJudged({ kind, rule, value }: { readonly kind: string; readonly rule: JsonValue; readonly value: JsonValue }): boolean {
  if (kind === 'len') return typeof value === 'string';
  if (kind !== 'range') return true;
  const [bound] = Object.values((rule as { readonly range: JsonObject }).range);
  if (typeof bound === 'number') return Number.isSafeInteger(value);
  return (typeof value === 'number' || typeof value === 'string') && parseDecimal(String(value)) !== undefined;
}

function isApprovers(value: JsonValue | undefined): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.length <= maxApprovers && new Set(value).size === value.length && value.every(isAgentId);
}

function isWhole(value: JsonValue | undefined, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= max;
}
