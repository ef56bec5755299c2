/** `prefix` and `suffix`: how a text begins or ends (docs/spec/02 §6.9). @module */
import type { ConstraintKind } from '../constraint-kind.ts';

/** Text that begins so; of a list argument, every element. For paths use `subpath`, for addresses `url`: `/data` is a prefix of `/data/../etc`. */
export function prefix(text: string): { readonly prefix: string } {
  return { prefix: text };
}

/** Text that ends so; of a list argument, every element. */
export function suffix(text: string): { readonly suffix: string } {
  return { suffix: text };
}

export const prefixKind: ConstraintKind = {
  whole: false,
  compile: (rule) => (isAffix(rule) ? (value) => typeof value === 'string' && value.startsWith(rule) : undefined),
};

export const suffixKind: ConstraintKind = {
  whole: false,
  compile: (rule) => (isAffix(rule) ? (value) => typeof value === 'string' && value.endsWith(rule) : undefined),
};

/** Every text begins with nothing: that is `type`, said by mistake. */
function isAffix(rule: unknown): rule is string {
  return typeof rule === 'string' && rule.length > 0;
}
