/** What a model may read about a refusal: one short sentence, nothing of the policy (docs/spec/02 §9). @module */
import type { Denial, DenialClass } from './denial.ts';

/** Where the general sentence would send a model the wrong way. */
const byClass: { readonly [Class in DenialClass]?: string } = {
  SIGNATURE_INVALID: 'The capability is not valid.',
  EXPIRED: 'The capability is not valid now.',
  REVOKED: 'The capability was withdrawn.',
  DELEGATION_INVALID: 'The capability is not valid here.',
  UNKNOWN_TOOL: 'The capability does not cover this tool.',
  REPLAY: 'The capability belongs to another agent.',
  LIMIT: 'A limit of the capability is used up.',
  APPROVAL: 'A person has to agree to this call.',
  AUDIT: 'The call could not be recorded, so it was not run.',
};

/** What tool schemas call their arguments; any other name could be text meant for the reader of the message. */
const plainName = /^[\w.-]{1,64}$/;

/**
 * One sentence for the model that made the call. It names an argument only if the call itself had it, and never a
 * constraint, a bound or a granted value: those would teach an attacker what to ask for.
 */
export function describeDenial(denial: Denial): string {
  const { code, arg } = denial;
  if (code === 'ARG_MISSING') return 'A required argument is missing.';
  if (code === 'RATE' || code === 'CONCURRENCY') return 'Too many calls: try again later.';
  if (code === 'APPROVAL_DENIED') return 'A person has refused this call.';
  if (arg !== undefined && plainName.test(arg)) {
    if (code === 'ARG_UNLISTED') return `The argument "${arg}" is not allowed.`;
    if (code === 'ARG_VIOLATES') return `The value of the argument "${arg}" is not allowed.`;
  }
  return byClass[denial.class] ?? 'No capability covers this call.';
}
