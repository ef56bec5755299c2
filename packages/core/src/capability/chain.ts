/**
 * Chains: every link is checked against the one above it, and none may be wider (docs/spec/02 §3 and §7). Apart from admission, so that
 * only those who meet a chain load it.
 * @module
 */
import { hashBase64url } from '#suite';
import { checkUse, timeOf, track, verifyRoot, type AdmitContext } from './admit-checks.ts';
import { defaultMaxDepth, defaultMaxStaleSeconds, maxDelegationDepth } from './bounds.ts';
import type { CapabilityClaims } from './capability.ts';
import { inProcessAudience, inProcessPrefix } from './audience.ts';
import type { Admitted } from './capability-handle.ts';
import { compileAllGrants } from './vocabulary.ts';
import type { Candidate, Policy } from './compile.ts';
import { coverGrants } from './cover-grants.ts';
import { importHolder, type HolderKey, type IssuerKeys } from './issuer-keys.ts';
import { pathTo } from './grant-path.ts';
import { Link } from './link.ts';
import { atLink, parseLink, verifyLink, type ParsedLink } from './parsed-link.ts';
import { compileShared } from './policy-cache.ts';
import { TokenFault } from './token-fault.ts';
import { intersectTimes, validTime } from './valid-time.ts';

/**
 * Admits a chain of two links or more.
 * @throws {@link TokenFault} with the index of the link that is at fault.
 */
export function admitChain(texts: readonly unknown[], context: AdmitContext): Admitted {
  const parsed = texts.map((text, i) => atLink(i, () => parseLink(text)));
  checkChain(parsed, context.maxDepth ?? defaultMaxDepth);
  const times = parsed.map(({ claims }) => timeOf(claims, context));
  const time = intersectTimes(times);
  const last = parsed.length - 1;
  atLink(last, () => checkUse((parsed[last] as ParsedLink).claims, time, context));
  atLink(0, () => verifyRoot(parsed[0] as ParsedLink, context));
  verifyBelow(parsed, context);
  const links = proveChain(parsed, context);
  track(links, time, context);
  return { links, leaf: links[last] as Link, time, env: context.env };
}

/** Everything that the claims alone say, before any signature. @throws {@link TokenFault} */
export function checkChain(links: readonly ParsedLink[], maxDepth: number): void {
  links.forEach((link, i) => {
    atLink(i, () => {
      const parent = links[i - 1];
      if (parent !== undefined) checkChild(link, parent);
      else if (link.claims.del_depth !== 0) throw new TokenFault('LINK_BROKEN');
      if (i > Math.min(maxDepth, maxDelegationDepth)) throw new TokenFault('DEPTH_EXCEEDED', { constraint: 'maxDepth' });
    });
  });
}

/** A link against the one above it: made from it, and one step below. Whether its key is the one that held it takes a hash: `verifyBelow` asks. */
function checkChild({ claims, parts }: ParsedLink, { claims: parent, signed }: ParsedLink): void {
  if (parts.kid !== claims.iss) throw broken('iss');
  if (claims.par_hash !== parentHash(signed())) throw broken('par_hash');
  if (claims.del_depth !== parent.del_depth + 1) throw broken('del_depth');
  if (claims.del_depth > parent.del_max_depth) throw new TokenFault('DEPTH_EXCEEDED', { constraint: 'del_max_depth' });
  checkNarrower(claims, parent);
}

/** The claims beside the grants. */
function checkNarrower(claims: CapabilityClaims, parent: CapabilityClaims): void {
  if (claims.sub !== parent.sub) throw new TokenFault('SUBJECT_CHANGED', { constraint: 'sub' });
  if (claims.del_max_depth > parent.del_max_depth) throw widened('del_max_depth');
  if (claims.nbf < parent.nbf) throw widened('nbf');
  if (claims.exp > parent.exp) throw widened('exp');
  if ((claims.max_stale ?? defaultMaxStaleSeconds) > (parent.max_stale ?? defaultMaxStaleSeconds)) throw widened('max_stale');
  // Which process an id means takes keys: looked at once the signatures are good.
  if (!movedAudiences(claims, parent).every((id) => id.startsWith(inProcessPrefix))) throw widened('aud');
}

/** SHA-256 of what the signature of the link above is over, base64url. */
export function parentHash(signed: Uint8Array): string {
  return hashBase64url(signed);
}

/** Ids that the link above does not hold. */
function movedAudiences(claims: CapabilityClaims, parent: CapabilityClaims): readonly string[] {
  const above = audiences(parent);
  return audiences(claims).filter((id) => !above.includes(id));
}

function audiences({ aud }: CapabilityClaims): readonly string[] {
  return typeof aud === 'string' ? [aud] : aud;
}

/** From the root down: the key of a link is known only once the link above is good. */
function verifyBelow(links: readonly ParsedLink[], context: AdmitContext): void {
  for (let i = 1; i < links.length; i++) {
    atLink(i, () => {
      const { x } = (links[i - 1] as ParsedLink).claims.cnf.jwk;
      const link = links[i] as ParsedLink;
      const holder = holderKey(x, context.keys);
      if (link.claims.iss !== holder.thumbprint()) throw broken('iss');
      verifyLink(link, holder.key, context);
    });
  }
}

/** @throws {@link TokenFault} `KEY_UNRESOLVED` for a key that is none, or that was given up. */
export function holderKey(x: string, keys: IssuerKeys | undefined): HolderKey {
  try {
    const key = keys?.holder === undefined ? importHolder(x) : keys.holder(x);
    if (key !== undefined) return key;
  } catch {
    // Falls through: a text that is no key has signed nothing.
  }
  throw new TokenFault('KEY_UNRESOLVED');
}

/** The static proof, link by link. @throws {@link TokenFault} `WIDENED`, or what `compileGrants` throws. */
export function proveChain(parsed: readonly ParsedLink[], { keys, policies, home }: Pick<AdmitContext, 'keys' | 'policies' | 'home'> = {}): readonly Link[] {
  const links: Link[] = [];
  for (const [i, { claims, text }] of parsed.entries()) {
    const parent = links[i - 1];
    atLink(i, () => {
      const policy = compileShared(claims.authorization_details, policies, compileAllGrants);
      const parts = { claims, policy, time: validTime(claims), text };
      if (parent === undefined) return links.push(new Link(parts));
      const covers = policy === parent.policy ? sameGrants(policy) : coverGrants(claims.authorization_details, parent);
      const moved = movedAudiences(claims, parent.claims);
      if (moved.length > 0) {
        if (!isWithHolder(moved, { claims, parent: parent.claims, keys })) throw widened('aud');
        const isCountedHere = home !== undefined && [...audiences(parent.claims), ...moved].every((id) => home(id));
        if (!isCountedHere && covers.flat().some((cover) => isLimited(cover, links))) throw widened('aud');
      }
      return links.push(new Link({ ...parts, covers }));
    });
  }
  return links;
}

/** Grants that are one object are inside themselves, each in its place. */
function sameGrants({ grants }: Policy): readonly (readonly Candidate[])[] {
  return grants.map((grant) => grant.tools.map((_, entry) => ({ grant, entry })));
}

/** A right that counts in its holder's own process moves with it, and nowhere else. */
function isWithHolder(
  moved: readonly string[],
  { claims, parent, keys }: { readonly claims: CapabilityClaims; readonly parent: CapabilityClaims; readonly keys: IssuerKeys | undefined },
): boolean {
  const process = ({ cnf }: CapabilityClaims): string => inProcessAudience(holderKey(cnf.jwk.x, keys).did());
  return audiences(parent).includes(process(parent)) && moved.every((id) => id === process(claims));
}

/** What is limited is counted in one place: a right that moves to where others count would be counted in each place anew. */
function isLimited(cover: Candidate, links: readonly Link[]): boolean {
  return pathTo(links, cover).some(({ grant }) => grant.limit !== undefined);
}

function broken(constraint: string): TokenFault {
  return new TokenFault('LINK_BROKEN', { constraint });
}

function widened(constraint: string): TokenFault {
  return new TokenFault('WIDENED', { constraint });
}
