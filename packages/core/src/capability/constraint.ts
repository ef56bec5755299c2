/**
 * What narrows an argument. A constraint is closed, total and free of side effects: it reads one value, never throws, and a
 * value of the wrong type does not satisfy it (docs/spec/02 §6).
 * @module
 */
import type { JsonValue } from '../bytes/json-value.ts';
import type { DigestRule } from './constraints/digest.ts';
import type { EmailRule } from './constraints/email.ts';
import type { LenRule } from './constraints/len.ts';
import type { RangeRule } from './constraints/range.ts';
import type { SubpathRule } from './constraints/subpath.ts';
import type { TypeName } from './constraints/type.ts';
import type { UrlRule } from './constraints/url.ts';

/** Constraints by argument name. `'*': 'any'` lifts the closed world: arguments that are not named are allowed too. */
export type ToolArgs = { readonly [argument: string]: Constraint };

/** The constraints of one object must all hold. */
export type ConstraintRules = {
  readonly any?: true;
  readonly eq?: JsonValue;
  readonly in?: readonly (string | number | boolean | null)[];
  readonly range?: RangeRule;
  readonly len?: LenRule;
  readonly subpath?: SubpathRule;
  readonly email?: EmailRule;
  readonly not_in?: readonly (string | number | boolean)[];
  readonly prefix?: string;
  readonly suffix?: string;
  readonly glob?: string;
  readonly url?: UrlRule;
  readonly cidr?: readonly string[];
  readonly type?: TypeName | readonly TypeName[];
  readonly size?: LenRule;
  readonly absent?: true;
  readonly digest?: DigestRule;
  readonly each?: Constraint;
  readonly keys?: ToolArgs;
  readonly any_of?: readonly ConstraintRules[];
  /** The argument may be left out; an empty list counts as left out. */
  readonly optional?: true;
};

export type Constraint = 'any' | ConstraintRules;

/** The same constraint on an argument that may be left out. */
export function optional(constraint: Constraint): ConstraintRules {
  return constraint === 'any' ? { any: true, optional: true } : { ...constraint, optional: true };
}
