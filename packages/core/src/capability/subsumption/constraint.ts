/** Whether every value that one constraint allows is allowed by another, and every input by one set of arguments (docs/spec/02 §7). @module */
import { canonicalJson } from '../../bytes/canonical-json.ts';
import type { JsonValue } from '../../bytes/json-value.ts';
import type { Constraint, ConstraintRules, ToolArgs } from '../constraint.ts';
import { checkOf } from './check-of.ts';
import { pairs, type PairScope } from './pairs.ts';

type Rules = { readonly [kind: string]: JsonValue };

/** Sound, not complete: false also means "not decided". Both have been compiled before, so both are well formed. */
export function isConstraintInside(child: Constraint, parent: Constraint): boolean {
  if (mayMiss(child) && !mayMiss(parent)) return false;
  const own = rulesOf(child);
  // Nothing satisfies `absent` but absence.
  if (Object.hasOwn(own, 'absent')) return true;
  const { optional, ...above } = rulesOf(parent);
  return Object.keys(above).every((kind) => isImplied(own, { kind, rule: above[kind] as JsonValue, optional: optional === true }));
}

/** Whether every input that one set of arguments allows is allowed by another. Sound, not complete, too. */
export function isArgsInside(child: ToolArgs, parent: ToolArgs): boolean {
  if (JSON.stringify(child) === JSON.stringify(parent)) return true;
  const open = Object.hasOwn(child, '*');
  if (open && !Object.hasOwn(parent, '*')) return false;
  if (!Object.hasOwn(parent, '*') && !Object.keys(child).every((name) => Object.hasOwn(parent, name))) return false;
  return Object.keys(parent).every((name) => name === '*' || isArgInside(name, { child, parent, open }));
}

function isArgInside(name: string, { child, parent, open }: { readonly child: ToolArgs; readonly parent: ToolArgs; readonly open: boolean }): boolean {
  const above = parent[name] as ToolArgs[string];
  if (Object.hasOwn(child, name)) return isConstraintInside(child[name] as ToolArgs[string], above);
  // Not named: an open child lets any value through, a closed one none.
  return mayMiss(above) && (!open || isConstraintInside({ any: true, optional: true }, above));
}

/** Whether the argument may be left out. */
function mayMiss(constraint: Constraint): boolean {
  return constraint !== 'any' && (constraint.optional === true || constraint.absent === true);
}

type Part = { readonly kind: string; readonly rule: JsonValue; readonly optional: boolean };

/** All kinds of one object hold together: it is enough if one of them implies the part. */
function isImplied(own: Rules, part: Part): boolean {
  if (part.kind === 'any') return true;
  if (Object.keys(own).some((kind) => kind === part.kind && isSame(own[kind] as JsonValue, part.rule))) return true;
  // One value: asked of the check itself, which also knows what an empty list is.
  if (Object.hasOwn(own, 'eq')) return checkOf(part)(own['eq']);
  if (Object.entries(own).some(([kind, rule]) => pairs.get(`${kind} ${part.kind}`)?.(rule, part.rule, scope) === true)) return true;
  return isImpliedByAlternatives(own, part) || isImpliedOfAlternatives(own, part);
}

/** Each alternative of the child, with what stands beside them. The alternatives themselves take no empty list. */
function isImpliedByAlternatives({ any_of: alternatives, ...own }: Rules, part: Part): boolean {
  if (!Array.isArray(alternatives)) return false;
  return (alternatives as readonly Rules[]).every((alternative) => {
    const { optional: _, ...beside } = own;
    return isImplied(alternative, part) || isImplied(beside, part);
  });
}

/** One alternative of the parent that takes all of the child. An optional child may carry an empty list, which alternatives do not take. */
function isImpliedOfAlternatives(own: Rules, { kind, rule }: Part): boolean {
  if (kind !== 'any_of' || Object.hasOwn(own, 'optional')) return false;
  return (rule as readonly ConstraintRules[]).some((alternative) => isConstraintInside(own as ConstraintRules, alternative));
}

function rulesOf(constraint: Constraint): Rules {
  return constraint === 'any' ? { any: true } : (constraint as Rules);
}

/** Mostly a link repeats the text of the one above it. */
function isSame(a: JsonValue, b: JsonValue): boolean {
  return JSON.stringify(a) === JSON.stringify(b) || canonicalJson(a) === canonicalJson(b);
}

const scope: PairScope = { isConstraintInside, isArgsInside };
