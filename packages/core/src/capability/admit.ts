/** From a token to a handle: every check that does not depend on a call (docs/spec/02 §7). @module */
import { checkUse, timeOf, track, verifyRoot, type AdmitContext } from './admit-checks.ts';
import { CapabilityHandle, type Admitted } from './capability-handle.ts';
import type { Policy } from './compile.ts';
import { compilePolicy } from './compile-policy.ts';
import { deny, type Denial } from './denial.ts';
import { Link } from './link.ts';
import { parseLink } from './parsed-link.ts';
import { splitChain } from './token.ts';
import { TokenFault } from './token-fault.ts';

export type Admission = { readonly handle: CapabilityHandle; readonly denied?: undefined } | { readonly denied: Denial; readonly handle?: undefined };

/**
 * Checks a token and compiles its grants. Whatever can be refused cheaply is refused before the first signature; signatures are verified
 * from the root down, so that a forged link costs one Ed25519 verification and nothing below it is looked at; grants are compiled last, so
 * that only trusted issuers and those they passed a right to reach the compiler.
 *
 * Total: any failure is a denial. Before the signature is verified a denial says nothing that the presenter did not send.
 * @param token - One compact JWS, or a chain of them, root → leaf: a list, or one text joined by `~`.
 */
export async function admit(token: string | readonly string[], context: AdmitContext): Promise<Admission> {
  if (token === undefined || token === null || token === '') return { denied: deny('CAP_ABSENT') };
  try {
    const links = splitChain(token);
    const admitted = links.length === 1 ? admitRoot(links[0], context) : admitLinks(links, context);
    return { handle: new CapabilityHandle(admitted instanceof Promise ? await admitted : admitted) };
  } catch (fault) {
    return { denied: fault instanceof TokenFault ? deny(fault.code, fault.details) : deny('MALFORMED') };
  }
}

/** Without a turn of the event loop for a token of common words. */
function admitRoot(text: unknown, context: AdmitContext): Admitted | Promise<Admitted> {
  const parsed = parseLink(text);
  const { claims } = parsed;
  if (claims.del_depth !== 0) throw new TokenFault('LINK_BROKEN');
  const time = timeOf(claims, context);
  checkUse(claims, time, context);
  verifyRoot(parsed, context);
  const conclude = (policy: Policy): Admitted => {
    const leaf = new Link({ claims, policy, time, text: parsed.text });
    const links = [leaf];
    track(links, time, context);
    return { links, leaf, time, env: context.env };
  };
  const policy = compilePolicy(claims.authorization_details, context.policies);
  return policy instanceof Promise ? policy.then(conclude) : conclude(policy);
}

let chain: Promise<{ readonly admitChain: (links: readonly unknown[], context: AdmitContext) => Admitted }> | undefined;

/** The code for chains is loaded by those who meet one; asking the loader again takes a twentieth of a verification. */
async function admitLinks(links: readonly unknown[], context: AdmitContext): Promise<Admitted> {
  chain ??= import('./chain.ts').catch((error: unknown) => {
    // A page that was offline asks again.
    chain = undefined;
    throw error;
  });
  return (await chain).admitChain(links, context);
}
