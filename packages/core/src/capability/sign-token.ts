/** From claims to a token, by the verifier's own rules: what is signed here would be admitted. @module */
import { parseStrictJson } from '../bytes/strict-json.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { CapabilityError } from '../errors/capability-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import { keyThumbprint } from '../identity/agent-id.ts';
import type { Signer } from '../identity/signer.ts';
import { maxJsonDepth, maxLifetimeSeconds, maxTokenLength } from './bounds.ts';
import type { CapabilityClaims } from './capability.ts';
import { readClaims } from './claims.ts';
import { formatHeader, formatSigningInput, joinToken } from './token.ts';
import { TokenFault } from './token-fault.ts';
import { compileAllGrants } from './vocabulary.ts';

export type WrittenClaims = { readonly payload: string; readonly claims: CapabilityClaims };

/**
 * The text that is signed, read back.
 * @throws {@link CapabilityError} `TALOS_CAPABILITY_INVALID_GRANT` naming the member that a verifier would refuse.
 */
export function writeClaims(claims: object): WrittenClaims {
  return orInvalid(() => {
    const payload = JSON.stringify(claims);
    const read = readClaims(parseStrictJson(payload, { maxDepth: maxJsonDepth }));
    const { grants } = compileAllGrants(read.authorization_details);
    if (typeof read.aud !== 'string' && read.aud.length > 1 && grants.some(({ limit }) => limit !== undefined))
      throw invalidGrant('what is limited is counted in one place: name one audience');
    return { payload, claims: read };
  });
}

/** Signs the payload with a header that names the signer's key. @throws as `issueCapability`. */
export async function signToken(payload: string, signer: Signer): Promise<string> {
  const signingInput = formatSigningInput(formatHeader(keyThumbprint(signer.publicKey)), payload);
  const signature = await signer.sign(encodeUtf8(signingInput));
  if (signature.length !== 64) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'the signer must give 64 bytes' });
  const token = joinToken(signingInput, signature);
  if (token.length > maxTokenLength) throw invalidGrant(`the token is longer than ${maxTokenLength} characters: grant less, or in several capabilities`);
  return token;
}

/** Makes an error of what a verifier would make a denial of. */
export function orInvalid<T>(act: () => T): T {
  try {
    return act();
  } catch (fault) {
    if (fault instanceof CapabilityError) throw fault;
    throw fault instanceof TokenFault ? invalidGrant(describeFault(fault)) : invalidGrant('it holds a value that is not I-JSON');
  }
}

/** The cause stays out: an engine's message about JSON quotes the values. */
export function invalidGrant(message: string): CapabilityError {
  return new CapabilityError({ code: 'TALOS_CAPABILITY_INVALID_GRANT', message: `cannot issue this capability: ${message}` });
}

/** Which option a claim came from, where its name does not say it. */
const options: { readonly [claim: string]: string } = {
  aud: 'audience',
  sub: 'subject',
  exp: `lifetimeSeconds (at most ${maxLifetimeSeconds}, counted from now)`,
  nbf: 'notBeforeSeconds or lifetimeSeconds',
  max_stale: 'maxStaleSeconds',
  del_max_depth: 'delegate',
};

function describeFault({ code, details }: TokenFault): string {
  const { grant, arg, constraint = 'token' } = details;
  const place = grant === undefined ? '' : `grant ${grant}${arg === undefined ? '' : `, argument ${JSON.stringify(arg)}`}: `;
  const option = options[constraint] ?? constraint;
  if (code === 'CONSTRAINT_UNKNOWN') return `${place}${JSON.stringify(constraint)} is no constraint of version 1`;
  if (code === 'TOO_LARGE') return `${place}more than a capability may hold; issue several`;
  if (code === 'WIDENED') return `${place}${option} is not provably within the capability that it is made from`;
  if (code === 'DEPTH_EXCEEDED') return 'the capability that it is made from may not be passed on so often: its issuer says how often with delegate';
  if (code === 'LINK_BROKEN') return 'the links that it is made from do not hang together';
  return `${place}${option} is not as docs/spec/02 says`;
}
