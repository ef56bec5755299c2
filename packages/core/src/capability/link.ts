/** One link of an admitted chain (docs/spec/02 §3). @module */
import { hashBase64url } from '#suite';
import { jwkThumbprint } from '../identity/agent-id.ts';
import type { CapabilityClaims } from './capability.ts';
import type { Candidate, Policy } from './compile.ts';
import type { ValidTime } from './valid-time.ts';

export type LinkParts = {
  readonly claims: CapabilityClaims;
  readonly policy: Policy;
  readonly time: ValidTime;
  /** The compact JWS. */
  readonly text: string;
  /** Of every grant and each of its tools: which grant of the link above was proved to be no narrower. Absent at the root. */
  readonly covers?: readonly (readonly Candidate[])[];
};

/** A link whose signature was verified and whose grants were proved to be inside those of the link above. Hashes are made on first use. */
export class Link {
  readonly claims: CapabilityClaims;
  readonly policy: Policy;
  readonly time: ValidTime;
  readonly covers: LinkParts['covers'];
  /** DID of the root issuer; below it the thumbprint of the key that held the link above. */
  readonly iss: string;
  readonly jti: string;
  readonly #text: string;
  #key: string | undefined;
  #holder: string | undefined;

  constructor({ claims, policy, time, text, covers }: LinkParts) {
    this.claims = claims;
    this.policy = policy;
    this.time = time;
    this.covers = covers;
    this.iss = claims.iss;
    this.jti = claims.jti;
    this.#text = text;
  }

  /** SHA-256 of the compact JWS, base64url. */
  get key(): string {
    return (this.#key ??= hashBase64url(this.#text));
  }

  /** RFC 7638 thumbprint of `cnf`. */
  get holder(): string {
    return (this.#holder ??= jwkThumbprint(this.claims.cnf.jwk.x));
  }
}
