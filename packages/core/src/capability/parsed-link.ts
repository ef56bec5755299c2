/** One link, read and not yet verified: everything here can only refuse (docs/spec/02 §7). @module */
import { encodeUtf8, verifyEd25519 } from '#suite';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import type { CapabilityClaims } from './capability.ts';
import { readClaims } from './claims.ts';
import { decodeSignature, parseToken, type TokenParts } from './token.ts';
import { TokenFault } from './token-fault.ts';

/** `signed`: what the signature is over, and what the link below holds the hash of; encoded once. */
export type ParsedLink = { readonly text: string; readonly parts: TokenParts; readonly claims: CapabilityClaims; readonly signed: () => Uint8Array };

/** @throws {@link TokenFault} */
export function parseLink(text: unknown): ParsedLink {
  const parts = parseToken(text);
  let signed: Uint8Array | undefined;
  return { text: text as string, parts, claims: readClaims(parts.payload), signed: () => (signed ??= encodeUtf8(parts.signingInput)) };
}

/** @throws {@link TokenFault} `SIG_BAD`, or `MALFORMED` if it is not 64 bytes. */
export function verifyLink({ parts, signed }: ParsedLink, key: Ed25519PublicKey): void {
  const signature = decodeSignature(parts.signature);
  try {
    verifyEd25519(key, signed(), signature);
  } catch {
    throw new TokenFault('SIG_BAD');
  }
}

/** Says of which link a fault speaks. */
export function atLink<T>(link: number, act: () => T): T {
  try {
    return act();
  } catch (fault) {
    throw fault instanceof TokenFault ? new TokenFault(fault.code, { ...fault.details, link }) : fault;
  }
}
