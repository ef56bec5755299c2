/**
 * The table of pairs: when a rule of one kind implies a rule of another. A pair that is not here implies nothing. But for `type`, a kind
 * that is held against each element of a list may only imply one that is, too.
 * @module
 */
import type { JsonValue } from '../../bytes/json-value.ts';
import type { Constraint, ToolArgs } from '../constraint.ts';
import { isInsideAny, parseBlocks } from '../constraints/cidr.ts';
import { matchesSegment, parseGlob } from '../constraints/glob.ts';
import { parseLength } from '../constraints/len.ts';
import { isInside, parsePath, type PathStyle } from '../constraints/path.ts';
import type { SubpathRule } from '../constraints/subpath.ts';
import { checkOf } from './check-of.ts';
import { isRangeInside } from './range.ts';
import { isTypeInside, scalarTypesOf } from './types.ts';
import { isUrlInside } from './url.ts';

/** What the table needs of the module that reads it. */
export type PairScope = {
  readonly isConstraintInside: (child: Constraint, parent: Constraint) => boolean;
  readonly isArgsInside: (child: ToolArgs, parent: ToolArgs) => boolean;
};

/** Sound, not complete: false also means "not decided". */
type Implies = (child: JsonValue, parent: JsonValue, scope: PairScope) => boolean;

const texts = ['len', 'prefix', 'suffix', 'glob', 'subpath', 'url', 'cidr', 'email'];
/** Held against each element of a list, and true of scalars alone. */
const scalars = ['in', 'not_in', 'range', ...texts];

export const pairs: ReadonlyMap<string, Implies> = /* @__PURE__ */ new Map<string, Implies>([
  ['range range', isRangeInside],
  ['len len', (child, parent) => isLengthInside(child, parent, 0)],
  ['size size', (child, parent) => isLengthInside(child, parent, 1)],
  ['prefix prefix', (child, parent) => (child as string).startsWith(parent as string)],
  ['suffix suffix', (child, parent) => (child as string).endsWith(parent as string)],
  ['glob glob', isGlobInside],
  [
    'glob prefix',
    (child, parent) =>
      (child as string)
        .split('*', 1)
        .join('')
        .startsWith(parent as string),
  ],
  ['glob suffix', (child, parent) => ((child as string).split('*').at(-1) as string).endsWith(parent as string)],
  ['subpath subpath', isSubpathInside],
  ['url url', isUrlInside],
  ['cidr cidr', (child, parent) => parseBlocks(child)?.every((block) => isInsideAny(block, parseBlocks(parent) ?? [])) === true],
  ['email email', (child, parent) => isSubset(domainsOf(child), domainsOf(parent))],
  ['each each', (child, parent, { isConstraintInside }) => isConstraintInside(child as Constraint, parent as Constraint)],
  ['keys keys', (child, parent, { isArgsInside }) => isArgsInside(child as ToolArgs, parent as ToolArgs)],
  ['type type', (child, parent) => isTypeInside('type', child, parent)],
  ...['each', 'size', 'keys', ...scalars].map((kind): [string, Implies] => [`${kind} type`, (child, parent) => isTypeInside(kind, child, parent)]),
  ...['in', 'not_in', ...texts, 'range'].map((kind): [string, Implies] => [`${kind} not_in`, (child, parent) => isOutside(kind, child, parent)]),
  ...['range', ...texts].map((kind): [string, Implies] => [`in ${kind}`, (child, parent) => isEachIn(child, kind, parent)]),
  ['in in', (child, parent) => isEachIn(child, 'in', parent)],
]);

function isEachIn(values: JsonValue, kind: string, rule: JsonValue): boolean {
  const check = checkOf({ kind, rule });
  return (values as readonly JsonValue[]).every((value) => check(value));
}

/** Of the types that `not_in` speaks of, and taking none of the values that it refuses. */
function isOutside(kind: string, child: JsonValue, parent: JsonValue): boolean {
  const refused = parent as readonly JsonValue[];
  const own = checkOf({ kind, rule: child });
  const types: ReadonlySet<string> = new Set(refused.map((value) => typeof value));
  return scalarTypesOf(kind, child).every((type) => types.has(type)) && refused.every((value) => !own(value));
}

function isLengthInside(child: JsonValue, parent: JsonValue, least: number): boolean {
  const own = parseLength(child, least);
  const above = parseLength(parent, least);
  return own !== undefined && above !== undefined && own.min >= above.min && own.max <= above.max;
}

function isGlobInside(child: JsonValue, parent: JsonValue): boolean {
  const own = parseGlob(child);
  const above = parseGlob(parent);
  return own !== undefined && above !== undefined && own.length === above.length && own.every((segment, i) => matchesSegment(segment, above[i] as string));
}

/** By the rules of one file system; `any` refuses whatever `posix` refuses. */
function isSubpathInside(child: JsonValue, parent: JsonValue): boolean {
  const { root, os = 'any' } = child as SubpathRule;
  const { root: rootAbove, os: style = 'any' } = parent as SubpathRule;
  if (os !== style && !(os === 'any' && style === 'posix')) return false;
  const own = parsePath(root, style as PathStyle);
  const above = parsePath(rootAbove, style as PathStyle);
  return own !== undefined && above !== undefined && isInside(own, above);
}

function domainsOf(rule: JsonValue): readonly JsonValue[] {
  return (rule as { readonly domains: readonly JsonValue[] }).domains;
}

function isSubset(child: readonly JsonValue[], parent: readonly JsonValue[]): boolean {
  return child.every((value) => parent.includes(value));
}
