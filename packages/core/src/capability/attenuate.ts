/** Passes a right on: the holder of a capability makes a narrower one, without asking anybody (docs/spec/02 §3). @module */
import { encodeBase64url } from '../bytes/base64url.ts';
import type { Env } from '../env/env.ts';
import { jwkThumbprint, keyThumbprint } from '../identity/agent-id.ts';
import type { Signer } from '../identity/signer.ts';
import { inProcessAudience } from './audience.ts';
import { defaultLifetimeSeconds, maxDelegationDepth } from './bounds.ts';
import type { CapabilityClaims } from './capability.ts';
import { checkChain, holderKey, parentHash, proveChain } from './chain.ts';
import { linkClaims, type LinkRequest } from './issue.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { parseLink, type ParsedLink } from './parsed-link.ts';
import { invalidGrant, orInvalid, signToken, writeClaims } from './sign-token.ts';
import { joinChain, splitChain } from './token.ts';

/** `signer`: of the key that holds the capability. */
export type AttenuateContext = {
  readonly signer: Signer;
  readonly env: Env;
  /** As in `AdmitContext`: between the processes of one home a limited right may move. */
  readonly home?: (audience: string) => boolean;
  /** Whose key a holder's is, for agents that have rotated. Default: the DID that it can be written as. */
  readonly keys?: IssuerKeys;
};

/**
 * Signs a link below a capability. What is not said is taken over: the subject, the task, and how fresh revocations have to be. The
 * lifetime ends with the capability's at the latest.
 *
 * Refuses early what no verifier would admit. The signatures above are not checked: whoever was given a token has admitted it before.
 * @param token - The capability, a chain of it if it was passed on before.
 * @returns The chain, root → leaf, joined by `~`.
 * @throws {@link CapabilityError} `TALOS_CAPABILITY_INVALID_GRANT` if the signer does not hold the capability, or if something is not provably narrower.
 */
export async function attenuateCapability(token: string | readonly string[], request: LinkRequest, context: AttenuateContext): Promise<string> {
  const { signer, home, keys } = context;
  const links = orInvalid(() => splitChain(token).map(parseLink));
  const parent = links.at(-1) as ParsedLink;
  const iss = keyThumbprint(signer.publicKey);
  if (iss !== jwkThumbprint(parent.claims.cnf.jwk.x)) throw invalidGrant('the signer does not hold the capability that it is made from');
  const { payload } = writeClaims({ ...childClaims(request, parent, context), iss });
  const text = await signToken(payload, signer);
  orInvalid(() => {
    const chain = [...links, parseLink(text)];
    checkChain(chain, maxDelegationDepth);
    proveChain(chain, { ...(home && { home }), ...(keys && { keys }) });
  });
  return joinChain([...links.map((link) => link.text), text]);
}

function childClaims(request: LinkRequest, { claims: parent, signed }: ParsedLink, { env, keys }: AttenuateContext): object {
  const iat = Math.floor(env.now() / 1000);
  const nbf = request.notBeforeSeconds ?? Math.max(iat, parent.nbf);
  const depth = parent.del_depth + 1;
  return {
    v: 1,
    sub: parent.sub,
    aud: request.audience ?? audienceBelow(request, { parent, keys }),
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

type Above = { readonly parent: CapabilityClaims; readonly keys: IssuerKeys | undefined };

/** A right that counts in its holder's own process moves with it; every other counts where it counted. */
function audienceBelow({ holder }: LinkRequest, { parent, keys }: Above): string | readonly string[] {
  const process = (x: string): string => inProcessAudience(holderKey(x, keys).did());
  const own = process(parent.cnf.jwk.x);
  return parent.aud === own || (Array.isArray(parent.aud) && parent.aud.includes(own)) ? process(encodeBase64url(holder.bytes)) : parent.aud;
}
