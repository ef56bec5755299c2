/** Compiles the constraint of one argument into checks (docs/spec/02 §6). @module */
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { allowsArgs } from './allows-args.ts';
import { maxConstraints } from './bounds.ts';
import type { Check, CompiledArg, CompiledArgs, CompiledConstraint, ConstraintKind, KindScope } from './constraint-kind.ts';
import { constraintKinds } from './constraint-kinds.ts';
import { malformed, TokenFault } from './token-fault.ts';

export type { CompiledConstraint };

/** `left`: how many constraints this token may still hold, nested ones included. */
export type CompileScope = { readonly kinds: ReadonlyMap<string, ConstraintKind>; left: number };

export function compileScope(kinds: CompileScope['kinds'] = constraintKinds): CompileScope {
  return { kinds, left: maxConstraints };
}

/** A constraint of `any` weighs one, as every kind does. */
const anyValue: CompiledConstraint = /* @__PURE__ */ Object.freeze({ optional: false, parts: [] });

/**
 * Compiles the constraint of one argument.
 * @throws {@link TokenFault} `MALFORMED`, `CONSTRAINT_UNKNOWN` or `TOO_LARGE`.
 */
export function compileConstraint(value: JsonValue, scope: CompileScope = compileScope()): CompiledConstraint {
  if (value === 'any') {
    take(scope);
    return anyValue;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('args');
  const { optional, ...rules } = value as JsonObject;
  if (optional !== undefined && optional !== true) throw malformed('optional');
  const parts = Object.keys(rules).map((name) => compilePart(name, rules[name] as JsonValue, { optional: optional === true, scope }));
  // `{}` or `{ optional: true }` reads like "anything" to one person and like "nothing" to another.
  if (parts.length === 0) throw malformed('args');
  return { optional: optional === true || parts.some(({ mayMiss }) => mayMiss), parts };
}

/** Compiles the constraints of the arguments of a tool. @throws {@link TokenFault} naming the argument. */
export function compileArgs(rules: JsonObject, scope: CompileScope): CompiledArgs {
  const args: CompiledArg[] = [];
  let open = false;
  for (const name of Object.keys(rules)) {
    const rule = rules[name] as JsonValue;
    if (name === '*') {
      if (rule !== 'any') throw malformed('*');
      open = true;
    } else args.push(compileArg(name, rule, scope));
  }
  return { args, open };
}

function compileArg(name: string, rule: JsonValue, scope: CompileScope): CompiledArg {
  try {
    const { optional, parts } = compileConstraint(rule, scope);
    return { name, optional, parts };
  } catch (fault) {
    if (fault instanceof TokenFault) throw new TokenFault(fault.code, { ...fault.details, arg: name });
    throw fault;
  }
}

type PartScope = { readonly optional: boolean; readonly scope: CompileScope };

function compilePart(
  name: string,
  rule: JsonValue,
  { optional, scope }: PartScope,
): { readonly kind: string; readonly check: Check; readonly mayMiss: boolean } {
  take(scope);
  const kind = scope.kinds.get(name);
  if (kind === undefined) throw new TokenFault('CONSTRAINT_UNKNOWN', { constraint: name });
  const check = kind.compile(rule, innerScope(optional, scope));
  if (check === undefined) throw malformed(name);
  return { kind: name, check: kind.whole ? check : each(check, optional), mayMiss: kind.mayMiss === true };
}

function innerScope(optional: boolean, scope: CompileScope): KindScope {
  return {
    optional,
    constraint: (value) => {
      const { parts } = compileConstraint(value, scope);
      return (argument) => parts.every(({ check }) => check(argument));
    },
    members: (rules) => {
      const members = compileArgs(rules, scope);
      return (argument) => typeof argument === 'object' && argument !== null && !Array.isArray(argument) && allowsArgs(members, argument);
    },
  };
}

/** Bounds the work of the one admission that an issuer's token buys. */
function take(scope: CompileScope): void {
  if (--scope.left < 0) throw new TokenFault('TOO_LARGE', { constraint: 'args' });
}

/**
 * A list satisfies if each element does: "some element" would let one good recipient carry any number of others.
 * An empty list is the absence of a value, and some tools read it as "all": it passes only where absence passes.
 */
function each(check: Check, emptyPasses: boolean): Check {
  return (value) => {
    if (!Array.isArray(value)) return check(value);
    for (let i = 0; i < value.length; i++) if (!check(value[i])) return false;
    return value.length > 0 || emptyPasses;
  };
}
