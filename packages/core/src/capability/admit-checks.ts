/** What a verifier asks of a chain, however long (docs/spec/02 §7). @module */
import { encodeBase64url } from '../bytes/base64url.ts';
import type { Env } from '../env/env.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import type { CapabilityClaims } from './capability.ts';
import { didKeys, type IssuerKeys } from './issuer-keys.ts';
import type { PolicyCache } from './policy-cache.ts';
import { verifyLink, type ParsedLink, type VerifyingPeer } from './parsed-link.ts';
import type { RevocationTracker, StandingLink } from './standing.ts';
import { TokenFault } from './token-fault.ts';
import { checkTime, validTime, type ValidTime } from './valid-time.ts';

export type AdmitContext = VerifyingPeer & {
  /** Issuers whose capabilities count, by exact DID. Empty trusts nobody. */
  readonly trust: { readonly issuers: readonly AgentId[] };
  /** Who is asked: has to stand in `aud`. In-process guards use `inProcessAudience(did)`. */
  readonly audience: string;
  /** The key of the agent that presents the token: has to be the `cnf` of its last link. */
  readonly holder: Ed25519PublicKey;
  readonly env: Env;
  /** Keep one per verifier: without it each admission imports the issuer's key anew. */
  readonly keys?: IssuerKeys;
  /** How often a right may have been passed on, whatever its issuer allows. 3 if not said, at most 7. */
  readonly maxDepth?: number;
  /** Compiled grants, shared by tokens that say the same. */
  readonly policies?: PolicyCache;
  /** Whether the limits of a process, named as an audience, are counted in the store of this verifier too: those of one home are. None if not said. */
  readonly home?: (audience: string) => boolean;
  /** What is known of revocations. Without it only `max_stale` counts. */
  readonly revocations?: RevocationTracker;
};

/** Of the link that is used: that it holds now, here, and for this holder. @throws {@link TokenFault} */
export function checkUse({ aud, cnf }: CapabilityClaims, time: ValidTime, context: AdmitContext): void {
  const untimely = checkTime(time, context.env);
  if (untimely !== undefined) throw new TokenFault(untimely);
  if (!(typeof aud === 'string' ? aud === context.audience : aud.includes(context.audience))) throw new TokenFault('AUD_MISMATCH');
  if (cnf.jwk.x !== encodeBase64url(context.holder.bytes)) throw new TokenFault('POP_BAD');
}

/** Trust begins here: only keys of trusted issuers are asked for. @throws {@link TokenFault} */
export function verifyRoot(root: ParsedLink, context: AdmitContext): void {
  const { trust, keys = didKeys() } = context;
  const issuer = root.claims.iss as AgentId;
  if (!trust.issuers.includes(issuer)) throw new TokenFault('ISSUER_UNTRUSTED');
  const key = keys.resolve(issuer, root.parts.kid);
  if (key === undefined) throw new TokenFault('KEY_UNRESOLVED');
  verifyLink(root, key, context);
}

/** When a link holds. With a tracker, how fresh its news are is judged once the signatures are good. */
export function timeOf(claims: CapabilityClaims, { revocations }: AdmitContext): ValidTime {
  const time = validTime(claims);
  return revocations === undefined ? time : { ...time, staleAfter: Infinity };
}

/** Asks what was revoked, now that the links are known to be genuine. @throws {@link TokenFault} */
export function track(links: readonly StandingLink[], time: ValidTime, { revocations, env }: AdmitContext): void {
  if (revocations === undefined) return;
  const standing = revocations.track(links);
  time.standing = standing;
  const code = checkTime(time, env);
  if (code !== undefined) throw new TokenFault(code, standing.ended === undefined ? {} : { link: standing.ended.link });
}
