/** What one word of the vocabulary is made of. @module */
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';

/** Whether a value satisfies. Total: called with whatever the call carried. */
export type Check = (value: unknown) => boolean;

/** What a kind that holds other constraints compiles them with. `optional`: the constraint that it stands in may be left out. */
export type KindScope = {
  readonly optional: boolean;
  /** The check of a whole constraint. @throws {@link TokenFault} */
  readonly constraint: (value: JsonValue) => Check;
  /** The check of an object whose members are constrained like the arguments of a call. @throws {@link TokenFault} */
  readonly members: (rules: JsonObject) => Check;
};

/** One word of the vocabulary. Another word is another of these, and one line in constraint-kinds or rare-kinds. */
export type ConstraintKind = {
  /** The check for these parameters of the token, or undefined if they are not of this kind's form. */
  compile(rule: JsonValue, scope: KindScope): Check | undefined;
  /** True: the check sees an array as one value. False: every element has to satisfy it. */
  readonly whole: boolean;
  /** True: the argument may be left out whether or not the constraint says `optional`. */
  readonly mayMiss?: true;
};

export type CompiledConstraint = {
  readonly optional: boolean;
  readonly parts: readonly { readonly kind: string; readonly check: Check }[];
};

export type CompiledArg = CompiledConstraint & { readonly name: string };

/** `open`: arguments that are not named are allowed too. */
export type CompiledArgs = { readonly args: readonly CompiledArg[]; readonly open: boolean };
