/** One link, read and not yet verified: everything here can only refuse (docs/spec/02 §7). @module */
import { encodeUtf8, verifyEd25519 } from '#suite';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import type { CapabilityClaims } from './capability.ts';
import { readClaims } from './claims.ts';
import { decodeSignature, parseToken, type TokenParts } from './token.ts';
import { TokenFault } from './token-fault.ts';
import type { VerificationBudget } from './verification-budget.ts';

/** `signed`: what the signature is over, and what the link below holds the hash of; encoded once. */
export type ParsedLink = { readonly text: string; readonly parts: TokenParts; readonly claims: CapabilityClaims; readonly signed: () => Uint8Array };

/** @throws {@link TokenFault} */
export function parseLink(text: unknown): ParsedLink {
  const parts = parseToken(text);
  let signed: Uint8Array | undefined;
  return { text: text as string, parts, claims: readClaims(parts.payload), signed: () => (signed ??= encodeUtf8(parts.signingInput)) };
}

/** Who has it checked, and what bounds how many bad signatures they may present. */
export type VerifyingPeer = {
  /** Bounds how many bad signatures one peer may have checked: then `RATE`, before the signature is looked at. */
  readonly budget?: VerificationBudget;
  /** Who sent the token, by whatever names it before it is authenticated: an address, a session. Default: the issuer that each link names. */
  readonly peer?: string;
};

/** @throws {@link TokenFault} `SIG_BAD`, `MALFORMED` if it is not 64 bytes, or `RATE`. */
export function verifyLink({ parts, claims, signed }: ParsedLink, key: Ed25519PublicKey, { budget, peer }: VerifyingPeer): void {
  const signature = decodeSignature(parts.signature);
  const refund = budget?.draw(claims.iss, peer);
  try {
    verifyEd25519(key, signed(), signature);
  } catch {
    throw new TokenFault('SIG_BAD');
  }
  refund?.();
}

/** Says of which link a fault speaks. */
export function atLink<T>(link: number, act: () => T): T {
  try {
    return act();
  } catch (fault) {
    throw fault instanceof TokenFault ? new TokenFault(fault.code, { ...fault.details, link }) : fault;
  }
}
