/** `any`: every JSON value (docs/spec/02 §6.1). @module */
import type { ConstraintKind } from '../constraint-kind.ts';

/** Every value. Said aloud: an argument that no constraint names is refused. */
export function any(): 'any' {
  return 'any';
}

/** Every argument of the tool, named or not. */
export function anyArgs(): { readonly '*': 'any' } {
  return { '*': 'any' };
}

export const anyKind: ConstraintKind = {
  whole: true,
  compile: (rule) => (rule === true ? () => true : undefined),
};
