/** A verifier that remembers tokens, so that one that is presented with every call is read once (docs/spec/02 §7). @module */
import { hashBase64url } from '#suite';
import { admit, type Admission } from './admit.ts';
import type { AdmitContext } from './admit-checks.ts';
import { didKeys } from './issuer-keys.ts';
import type { DenialCode } from './denial.ts';
import { parseLink } from './parsed-link.ts';
import { policyCache } from './policy-cache.ts';
import { splitChain } from './token.ts';
import { unnamed, verificationBudget } from './verification-budget.ts';

export interface CapabilityVerifier {
  /**
   * As `admit` in this verifier's context. The handle of a token that was admitted before is the same one; `authorize` still decides each call
   * anew.
   * @param options - `peer`: who sent it, by whatever names it before it is authenticated. Those without a name share one for each issuer that they name.
   */
  admit(token: string, options?: { readonly peer?: string }): Promise<Admission>;
}

export type VerifierBounds = {
  /** Admitted tokens. Each holds its text of 1 to 64 kB. */
  readonly maxTokens?: number;
  /** Refused tokens. Each holds a hash. */
  readonly maxRefused?: number;
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

/** What costs more to refuse than a forgery; `SIG_BAD` has drawn already. */
const wasted: ReadonlySet<DenialCode> = /* @__PURE__ */ new Set(['WIDENED', 'CONSTRAINT_UNKNOWN']);

/**
 * A verifier with one context, and with a budget of 20 forgeries and one a second for each peer if the context brings none. Kept apart: tokens that
 * were admitted, found by all of their text; tokens that were refused for good, found by hash, so that a flood of forgeries drives out other
 * forgeries only; and compiled grants, which tokens of one template share.
 */
export function capabilityVerifier(context: AdmitContext, bounds: VerifierBounds = {}): CapabilityVerifier {
  const { maxTokens = defaultMaxTokens, maxRefused = defaultMaxRefused } = bounds;
  const budget = context.budget ?? verificationBudget(context.env);
  const own: AdmitContext = { ...context, keys: context.keys ?? didKeys(), policies: context.policies ?? policyCache(), budget };
  const admitted = new Map<string, Admission>();
  const refused = new Map<string, Admission>();
  const admitFrom = async (token: string, peer = context.peer): Promise<Admission> => {
    const admission = await admit(token, { ...own, ...(peer === undefined ? {} : { peer }) });
    // A good signature over what nobody may ask for is work for nothing as well, and a holder can sign any number of them.
    if (admission.denied !== undefined && wasted.has(admission.denied.code)) budget.spend(peer ?? signerOf(token, admission.denied.link));
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

/** Of the link that is at fault: who signed it, by its own word, which was verified. */
function signerOf(token: string, link = 0): string {
  return unnamed(parseLink(splitChain(token)[link]).claims.iss);
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
