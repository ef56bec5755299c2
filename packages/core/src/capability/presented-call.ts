/** A call that comes with a capability of somebody who is not known yet: the proof of possession says who it is (docs/spec/09 §3). @module */
import type { AgentId } from '../identity/agent-id.ts';
import { admit } from './admit.ts';
import type { AdmitContext } from './admit-checks.ts';
import type { CapabilityCall } from './authorize.ts';
import type { CapabilityHandle } from './capability-handle.ts';
import { deny, type Denial } from './denial.ts';
import { verifyInvocation, type InvocationClaims } from './invocation.ts';
import { importHolder, type HolderKey } from './issuer-keys.ts';
import { parseLink } from './parsed-link.ts';
import type { ReplayStore } from './replay-store.ts';
import { splitChain } from './token.ts';
import { TokenFault } from './token-fault.ts';
import type { VerificationBudget } from './verification-budget.ts';

export type PresentedCall = {
  /** The capability as it was sent; undefined if none was. */
  readonly capability: string | undefined;
  /** The proof as it was sent; undefined if none was. */
  readonly proof: { readonly token: unknown; readonly salt: unknown } | undefined;
  readonly call: CapabilityCall;
  /** Whom the proof has to name: the verifier, and where it was reached if that matters. */
  readonly audience: string;
  /** Whatever names the sender before it is authenticated, such as an address: each has a budget of forgeries. Those without share one for their capabilities, and nothing bounds what forged proofs cost. */
  readonly peer?: string | undefined;
};

export type PresentedContext = Omit<AdmitContext, 'holder'> & { readonly replay: ReplayStore; readonly budget: VerificationBudget };

export type Presented =
  | { readonly handle: CapabilityHandle; readonly holder: AgentId; readonly claims: InvocationClaims; readonly denied?: undefined }
  | { readonly denied: Denial; readonly handle?: undefined };

/**
 * Checks the capability, and that its holder made this very call for this verifier, once. It does not decide the call: a guard over the handle
 * does. Total: any failure is a denial.
 */
export async function verifyPresentedCall(presented: PresentedCall, context: PresentedContext): Promise<Presented> {
  const { capability, proof, call, audience, peer } = presented;
  if (capability === undefined || capability === '') return { denied: deny('CAP_ABSENT') };
  if (proof === undefined) return { denied: deny('POP_ABSENT') };
  const named = readHolder(capability);
  if ('denied' in named) return named;
  const admission = await admit(capability, { ...context, holder: named.key, ...(peer !== undefined && { peer }) });
  if (admission.denied !== undefined) return { denied: admission.denied };
  const { handle } = admission;
  const { replay, budget, env, keys } = context;
  const known = { ...(keys && { keys }), ...(peer !== undefined && { peer }) };
  const verified = await verifyInvocation({ proof, handle, call, audience, replay, env, budget, ...known });
  return verified.denied === undefined ? { handle, holder: named.did(), claims: verified.claims } : { denied: verified.denied };
}

/** Whom the token says it was made for. Believed by nobody until the signatures are good and the proof is by this key. */
function readHolder(capability: string): HolderKey | { readonly denied: Denial } {
  try {
    return importHolder(parseLink(splitChain(capability).at(-1)).claims.cnf.jwk.x);
  } catch (fault) {
    return { denied: fault instanceof TokenFault ? deny(fault.code, fault.details) : deny('MALFORMED') };
  }
}
