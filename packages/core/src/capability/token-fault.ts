import type { ReachedCode, DenialDetails } from './denial.ts';

/**
 * Thrown and caught inside this room only: a token that is not what the format says. `admit` makes a denial of it, `issueCapability`
 * an error. It carries the member at fault, never its value.
 */
export class TokenFault extends Error {
  readonly code: ReachedCode;
  readonly details: DenialDetails;

  constructor(code: ReachedCode, details: DenialDetails = {}) {
    super(code);
    this.code = code;
    this.details = details;
  }
}

/** The commonest fault: a member that is absent, unknown or of the wrong form. */
export function malformed(member: string, details: DenialDetails = {}): TokenFault {
  return new TokenFault('MALFORMED', { ...details, constraint: member });
}
