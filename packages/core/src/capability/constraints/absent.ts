/** `absent`: not there (docs/spec/02 §6.15). @module */
import type { ConstraintKind } from '../constraint-kind.ts';

/** The argument has to be left out: says in a grant with `'*': 'any'` what is not meant by it. */
export function absent(): { readonly absent: true } {
  return { absent: true };
}

export const absentKind: ConstraintKind = {
  whole: true,
  mayMiss: true,
  compile: (rule) => (rule === true ? () => false : undefined),
};
