/** A verifier that remembers tokens, so that one that is presented with every call is read once (docs/spec/02 §7). @module */
import { hashBase64url } from '#suite';
import { admit, type Admission } from './admit.ts';
import type { AdmitContext } from './admit-checks.ts';
import { didKeys } from './issuer-keys.ts';
import { deny, type DenialCode } from './denial.ts';
import { policyCache } from './policy-cache.ts';
import type { VerificationBudget } from './verification-budget.ts';

export interface CapabilityVerifier {
  /** `peer`: who sent it, by whatever names it before it is authenticated, for `budget`. As `admit` in this verifier's context. The handle of a token that was admitted before is the same one; `authorize` still decides each call anew. */
  admit(token: string, options?: { readonly peer?: string }): Promise<Admission>;
}

export type VerifierBounds = {
  /** Admitted tokens. Each holds its text of 1 to 64 kB. */
  readonly maxTokens?: number;
  /** Refused tokens. Each holds a hash. */
  readonly maxRefused?: number;
  /** How many bad signatures a peer may have checked: beyond it the answer is `RATE`. */
  readonly budget?: VerificationBudget;
};

const defaultMaxTokens = 4096;
const defaultMaxRefused = 4096;

/** What no later moment cures: time, trust and revocations have no part in it. */
const final: ReadonlySet<DenialCode> = /* @__PURE__ */ new Set([
  'SIG_BAD',
  'LINK_BROKEN',
  'WIDENED',
  'SUBJECT_CHANGED',
  'CONSTRAINT_UNKNOWN',
  'MALFORMED',
  'TOO_LARGE',
]);

/** Below this a token is refused for less than the hash of it would cost. */
const minRememberedLength = 256;

/**
 * A verifier with one context. Kept apart: tokens that were admitted, found by all of their text; tokens that were refused for good, found by
 * hash, so that a flood of forgeries drives out other forgeries only; and compiled grants, which tokens of one template share.
 */
export function capabilityVerifier(context: AdmitContext, bounds: VerifierBounds = {}): CapabilityVerifier {
  const { maxTokens = defaultMaxTokens, maxRefused = defaultMaxRefused, budget } = bounds;
  const own: AdmitContext = { ...context, keys: context.keys ?? didKeys(), policies: context.policies ?? policyCache() };
  const admitted = new Map<string, Admission>();
  const refused = new Map<string, Admission>();
  const admitFrom = async (token: string, peer: string | undefined): Promise<Admission> => {
    if (peer === undefined || budget === undefined) return admit(token, own);
    const waitMs = budget.spend(peer);
    if (waitMs !== undefined) return { denied: deny('RATE', { retryAfter: Math.ceil(waitMs / 1000) }) };
    const admission = await admit(token, own);
    if (admission.denied?.code !== 'SIG_BAD') budget.refund(peer);
    return admission;
  };
  return {
    async admit(token, { peer } = {}) {
      // Only text is found by what it is: a list could be changed under its name.
      if (typeof token !== 'string') return admitFrom(token, peer);
      const known = admitted.get(token) ?? findRefused(token, refused);
      if (known !== undefined) return known;
      const admission = await admitFrom(token, peer);
      if (admission.denied === undefined) keep(admitted, token, { value: admission, max: maxTokens });
      else if (final.has(admission.denied.code) && isRemembered(token)) keep(refused, hashBase64url(token), { value: admission, max: maxRefused });
      return admission;
    },
  };
}

/** Nothing is hashed while nothing was refused. */
function findRefused(token: string, refused: ReadonlyMap<string, Admission>): Admission | undefined {
  return refused.size > 0 && isRemembered(token) ? refused.get(hashBase64url(token)) : undefined;
}

function isRemembered(token: string): boolean {
  return token.length >= minRememberedLength && token.isWellFormed();
}

/** The oldest goes: what is still in use comes back at the price of one admission. */
function keep<T>(map: Map<string, T>, key: string, { value, max }: { readonly value: T; readonly max: number }): void {
  map.set(key, value);
  if (map.size > max) map.delete(map.keys().next().value as string);
}
