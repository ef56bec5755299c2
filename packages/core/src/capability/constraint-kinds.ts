import type { ConstraintKind } from './constraint-kind.ts';
import { anyKind } from './constraints/any.ts';
import { eqKind } from './constraints/eq.ts';
import { inKind } from './constraints/in.ts';

/** The words that name values. The others are in rare-kinds; one that is in neither refuses the token: nobody knows what it meant to forbid. */
export const constraintKinds: ReadonlyMap<string, ConstraintKind> = /* @__PURE__ */ new Map([
  ['any', anyKind],
  ['eq', eqKind],
  ['in', inKind],
]);
