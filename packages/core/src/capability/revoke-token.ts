import { UsageError } from '../errors/usage-error.ts';
import { jwkThumbprint, keyThumbprint } from '../identity/agent-id.ts';
import { parseLink, type ParsedLink } from './parsed-link.ts';
import type { Revocations, RevokeContext } from './revocations.ts';
import { splitChain } from './token.ts';

/**
 * Takes a capability back: its last link, and with it whatever was made from it.
 * @param token - As it was issued or passed on: a chain is needed whole, since it says who may take its last link back.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` if it is no token, or the signer is neither an issuer in it nor its holder: such an entry
 * would end nothing.   @throws {@link StoreError} if it could not be kept; here the capability has ended all the same.
 */
export async function revokeToken(revocations: Revocations, token: string | readonly string[], context: RevokeContext): Promise<void> {
  const links = parse(token);
  const { claims } = links.at(-1) as ParsedLink;
  const own = keyThumbprint(context.signer.publicKey);
  const isInChain = links[0]?.claims.iss === context.issuer || links.some((link) => jwkThumbprint(link.claims.cnf.jwk.x) === own);
  if (!isInChain) throw refuse('only an issuer in its chain or its holder can take a capability back');
  await revocations.revoke([{ iss: claims.iss, jti: claims.jti }], context);
}

function parse(token: string | readonly string[]): ParsedLink[] {
  try {
    return splitChain(token).map(parseLink);
  } catch {
    throw refuse('this is no capability token');
  }
}

function refuse(message: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message });
}
