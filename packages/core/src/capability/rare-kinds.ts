import type { ConstraintKind } from './constraint-kind.ts';
import { constraintKinds } from './constraint-kinds.ts';
import { absentKind } from './constraints/absent.ts';
import { anyOfKind } from './constraints/any-of.ts';
import { cidrKind } from './constraints/cidr.ts';
import { digestKind } from './constraints/digest.ts';
import { eachKind } from './constraints/each.ts';
import { emailKind } from './constraints/email.ts';
import { globKind } from './constraints/glob.ts';
import { keysKind } from './constraints/keys.ts';
import { lenKind } from './constraints/len.ts';
import { notInKind } from './constraints/not-in.ts';
import { prefixKind, suffixKind } from './constraints/affix.ts';
import { rangeKind } from './constraints/range.ts';
import { sizeKind } from './constraints/size.ts';
import { subpathKind } from './constraints/subpath.ts';
import { typeKind } from './constraints/type.ts';
import { urlKind } from './constraints/url.ts';

const rareKinds: ReadonlyMap<string, ConstraintKind> = /* @__PURE__ */ new Map([
  ['range', rangeKind],
  ['len', lenKind],
  ['subpath', subpathKind],
  ['email', emailKind],
  ['not_in', notInKind],
  ['prefix', prefixKind],
  ['suffix', suffixKind],
  ['glob', globKind],
  ['url', urlKind],
  ['cidr', cidrKind],
  ['type', typeKind],
  ['size', sizeKind],
  ['absent', absentKind],
  ['digest', digestKind],
  ['each', eachKind],
  ['keys', keysKind],
  ['any_of', anyOfKind],
]);

/** The closed vocabulary of version 1. */
export const allKinds: ReadonlyMap<string, ConstraintKind> = /* @__PURE__ */ new Map([...constraintKinds, ...rareKinds]);
