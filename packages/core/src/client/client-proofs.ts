/** Calls that leave a client's process with a proof, and those that come to it with one. Imported when the first is made. @module */
import { encodeBase64url } from '../bytes/base64url.ts';
import type { CapabilityCall } from '../capability/authorize.ts';
import type { Denial } from '../capability/denial.ts';
import { issueInvocation, type Invocation } from '../capability/invocation.ts';
import { policyCache } from '../capability/policy-cache.ts';
import { verifyPresentedCall, type PresentedCall, type PresentedContext } from '../capability/presented-call.ts';
import { createReservations } from '../capability/reservations.ts';
import { verificationBudget } from '../capability/verification-budget.ts';
import { createGuard, type Guard } from '../guard/guard.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { capabilityHash, type CapabilityParts } from './client-capabilities.ts';

export type ProveOptions = {
  /** A capability of this agent's, as it was given to it. */
  readonly capability: string;
  /** Whom the proof is for: the audience of the verifier. */
  readonly audience: string;
  /** The caller's id of the call, 1 to 512 characters. Default: a random one. */
  readonly call?: string;
};

export type VerifiedCall =
  | {
      /** Decides and records the call, under the capability that it came with. */
      readonly guard: Guard;
      /** Who made the call. */
      readonly caller: AgentId;
      /** The caller's id of it. */
      readonly call: string;
      readonly denied?: undefined;
    }
  | { readonly denied: Denial; readonly guard?: undefined };

export async function proveCall({ identity, env }: CapabilityParts, call: CapabilityCall, options: ProveOptions): Promise<Invocation> {
  const { capability, audience, call: id = encodeBase64url(env.randomBytes(16)) } = options;
  return issueInvocation({ ...call, aud: audience, cap: capabilityHash(capability), call: id }, { signer: identity.signer, env });
}

/** One for each client: what it has spent on forgeries, and the grants it compiled. */
const contexts = /* @__PURE__ */ new WeakMap<CapabilityParts, PresentedContext>();

export async function verifyCall(parts: CapabilityParts, presented: PresentedCall): Promise<VerifiedCall> {
  const { identity, log, state } = parts;
  const verified = await verifyPresentedCall(presented, contextOf(parts));
  if (verified.denied !== undefined) return { denied: verified.denied };
  const { handle, holder, claims } = verified;
  const guard = createGuard({
    agent: identity.did,
    capabilityHash: handle.cap,
    log,
    // A person is asked by the holder, at the holder's: a call that needs one is refused here.
    reservations: createReservations({ limits: state.limits }),
    admit: async () => ({ handle }),
  });
  return { guard, caller: holder, call: claims.call };
}

function contextOf(parts: CapabilityParts): PresentedContext {
  const known = contexts.get(parts);
  if (known !== undefined) return known;
  const { identity, env, issuers, keys, state } = parts;
  const { replay, revocations } = state;
  const bounds = { replay, budget: verificationBudget(env), policies: policyCache() };
  const context = { trust: { issuers }, audience: identity.did, env, keys, revocations, ...bounds };
  contexts.set(parts, context);
  return context;
}
