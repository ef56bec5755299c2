/** Passes a right on: the holder of a capability makes a narrower one, without asking anybody (docs/spec/02 §3). @module */
import type { Env } from '../env/env.ts';
import { formatAgentId, jwkThumbprint, keyThumbprint } from '../identity/agent-id.ts';
import type { Signer } from '../identity/signer.ts';
import { inProcessAudience } from './audience.ts';
import { defaultLifetimeSeconds, maxDelegationDepth } from './bounds.ts';
import type { CapabilityClaims } from './capability.ts';
import { checkChain, parentHash, proveChain } from './chain.ts';
import { linkClaims, type LinkRequest } from './issue.ts';
import { importHolder } from './issuer-keys.ts';
import { parseLink, type ParsedLink } from './parsed-link.ts';
import { invalidGrant, orInvalid, signToken, writeClaims } from './sign-token.ts';
import { joinChain, splitChain } from './token.ts';

/** `signer`: of the key that holds the capability. */
export type AttenuateContext = { readonly signer: Signer; readonly env: Env };

/**
 * Signs a link below a capability. What is not said is taken over: the subject, the task, and how fresh revocations have to be. The
 * lifetime ends with the capability's at the latest.
 *
 * Refuses early what no verifier would admit. The signatures above are not checked: whoever was given a token has admitted it before.
 * @param token - The capability, a chain of it if it was passed on before.
 * @returns The chain, root → leaf, joined by `~`.
 * @throws {@link CapabilityError} `TALOS_CAPABILITY_INVALID_GRANT` if the signer does not hold the capability, or if something is not provably narrower.
 */
export async function attenuateCapability(token: string | readonly string[], request: LinkRequest, { signer, env }: AttenuateContext): Promise<string> {
  const links = orInvalid(() => splitChain(token).map(parseLink));
  const parent = links.at(-1) as ParsedLink;
  const iss = keyThumbprint(signer.publicKey);
  if (iss !== jwkThumbprint(parent.claims.cnf.jwk.x)) throw invalidGrant('the signer does not hold the capability that it is made from');
  const { payload } = writeClaims({ ...childClaims(request, parent, env), iss });
  const text = await signToken(payload, signer);
  orInvalid(() => {
    const chain = [...links, parseLink(text)];
    checkChain(chain, maxDelegationDepth);
    proveChain(chain);
  });
  return joinChain([...links.map((link) => link.text), text]);
}

function childClaims(request: LinkRequest, { claims: parent, signed }: ParsedLink, env: Env): object {
  const iat = Math.floor(env.now() / 1000);
  const nbf = request.notBeforeSeconds ?? Math.max(iat, parent.nbf);
  const depth = parent.del_depth + 1;
  return {
    v: 1,
    sub: parent.sub,
    aud: request.audience ?? audienceBelow(request, parent),
    ...linkClaims(request, env),
    iat,
    nbf,
    exp: request.lifetimeSeconds === undefined ? Math.min(nbf + defaultLifetimeSeconds, parent.exp) : nbf + request.lifetimeSeconds,
    del_depth: depth,
    del_max_depth: depth + (request.delegate ?? 0),
    par_hash: parentHash(signed()),
    max_stale: request.maxStaleSeconds ?? parent.max_stale,
    task: request.task ?? parent.task,
  };
}

/** A right that counts in its holder's own process moves with it; every other counts where it counted. */
function audienceBelow({ holder }: LinkRequest, parent: CapabilityClaims): string | readonly string[] {
  const own = inProcessAudience(importHolder(parent.cnf.jwk.x).did());
  return parent.aud === own || (Array.isArray(parent.aud) && parent.aud.includes(own)) ? inProcessAudience(formatAgentId(holder)) : parent.aud;
}
