/** What values have in common, in the words of the vocabulary: the least that allows all of them (docs/spec/05 §7). @module */
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonValue } from '../bytes/json-value.ts';
import type { Constraint, ConstraintRules } from './constraint.ts';
import { checkOf } from './subsumption/check-of.ts';

/** More are no list that a person reads, but a property that has not been named yet. */
const maxListed = 8;

/** Shorter beginnings are shared by chance. */
const minPrefix = 4;

/** @param values - At least one. */
export function joinValues(values: readonly JsonValue[]): Constraint {
  const distinct = [...new Map(values.map((value) => [canonicalJson(value), value])).values()];
  if (distinct.length === 1) return { eq: distinct[0] as JsonValue };
  // A list is judged by its elements, as every kind but `eq` judges it.
  const items = [
    ...new Map(distinct.flatMap((value) => (Array.isArray(value) ? (value as JsonValue[]) : [value])).map((value) => [canonicalJson(value), value])).values(),
  ];
  if (items.length === 0) return 'any';
  const candidates = [listed(items), range(items), subpath(items), host(items), email(items), prefix(items)];
  return candidates.find((candidate): candidate is ConstraintRules => candidate !== undefined && distinct.every((value) => allows(candidate, value))) ?? 'any';
}

/** By the compiled check itself: what this recommends, admission allows. */
function allows(constraint: ConstraintRules, value: JsonValue): boolean {
  const [[kind, rule] = ['any', true]] = Object.entries(constraint);
  try {
    return checkOf({ kind, rule: rule as JsonValue })(value);
  } catch {
    return false;
  }
}

function listed(items: readonly JsonValue[]): ConstraintRules | undefined {
  if (items.length > maxListed || items.some((value) => typeof value === 'object' && value !== null)) return undefined;
  return { in: items.toSorted((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1)) as (string | number | boolean | null)[] };
}

function range(items: readonly JsonValue[]): ConstraintRules | undefined {
  if (!items.every((value) => Number.isSafeInteger(value))) return undefined;
  const numbers = items as readonly number[];
  return { range: { min: numbers.reduce((a, b) => Math.min(a, b)), max: numbers.reduce((a, b) => Math.max(a, b)) } };
}

/** The folder that holds all of them. The root of everything is no folder, and a single name below nothing is no path. */
function subpath(items: readonly JsonValue[]): ConstraintRules | undefined {
  const paths = texts(items)?.map((path) => path.split('/'));
  if (paths === undefined) return undefined;
  const [first = []] = paths;
  let shared = 0;
  while (shared < first.length - 1 && paths.every((path) => path[shared] === first[shared])) shared++;
  const root = first.slice(0, shared).join('/');
  return root === '' || root.includes(':') ? undefined : { subpath: { root } };
}

function host(items: readonly JsonValue[]): ConstraintRules | undefined {
  const urls = texts(items)?.map((text) => /^([a-z][a-z0-9+.-]*):\/\/([a-z0-9.-]+)(?=[/?#]|$)/.exec(text));
  if (urls === undefined || urls.includes(null)) return undefined;
  const found = urls as RegExpExecArray[];
  const hosts = [...new Set(found.map(([, , name]) => name as string))].toSorted();
  const schemes = [...new Set(found.map(([, scheme]) => scheme as string))].toSorted();
  return hosts.length > maxListed ? undefined : { url: { ...(schemes.join() === 'https' ? {} : { schemes }), hosts } };
}

function email(items: readonly JsonValue[]): ConstraintRules | undefined {
  const domains = texts(items)?.map((text) => text.split('@').at(-1)?.toLowerCase() as string);
  const distinct = [...new Set(domains)].toSorted();
  return domains === undefined || distinct.length > maxListed ? undefined : { email: { domains: distinct } };
}

function prefix(items: readonly JsonValue[]): ConstraintRules | undefined {
  const all = texts(items);
  // A beginning of a path or an address is no bound: `/data` begins `/data/../etc`.
  if (all === undefined || all.some((text) => /[/\\@:]/.test(text))) return undefined;
  let [shared = ''] = all;
  for (const text of all) while (!text.startsWith(shared)) shared = shared.slice(0, -1);
  return shared.length < minPrefix || !shared.isWellFormed() ? undefined : { prefix: shared };
}

function texts(items: readonly JsonValue[]): readonly string[] | undefined {
  return items.every((value) => typeof value === 'string') ? (items as readonly string[]) : undefined;
}
