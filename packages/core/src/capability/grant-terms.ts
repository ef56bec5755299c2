/** What a grant asks for beside its tools and arguments (docs/spec/02 §4 and §8). @module */
import type { ReachedCode } from './denial.ts';

/** `leaf`: the grant is the one that is used, not one above it. `now`: milliseconds since 1970. */
export type TermsContext = { readonly leaf: boolean; readonly now: number; readonly toolDigest: string | undefined };

/** Why these terms refuse a call now; undefined if they do not. Total. */
export type GrantTerms = (context: TermsContext) => ReachedCode | undefined;
