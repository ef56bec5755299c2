/** The shape of a capability: what is signed (docs/spec/02 §3 and §4). @module */
import type { JsonObject } from '../bytes/json-value.ts';
import type { Approve } from './approve-claim.ts';
import type { ToolArgs } from './constraint.ts';
import type { Limit } from './limits-claim.ts';
import type { WindowRule } from './windows.ts';

/** Media type of the token, in the `typ` header: a token of another kind by the same key is never one of these. */
export const capabilityType = 'talos-cap+jwt';

/** One entry of `authorization_details` (RFC 9396): these tools, with arguments like these. */
export type ToolGrant = {
  readonly type: 'talos_tool';
  /** Names or patterns (docs/spec/02 §5). Empty grants nothing. */
  readonly tools: readonly string[];
  readonly args: ToolArgs;
  /** How often and for how much (docs/spec/05 §2). */
  readonly limit?: Limit;
  /** Which calls a person has to agree to (docs/spec/05 §5). */
  readonly approve?: Approve;
  /** The hours in which the grant holds (docs/spec/02 §8). */
  readonly when?: WindowRule;
  /** `delegate`: to be passed on and not used. */
  readonly mode?: 'execute' | 'delegate';
  /** SHA-256 of the tool's definition, hexadecimal (`toolDigest`): another definition is another tool. */
  readonly tool_digest?: string;
};

/** The holder key as a JWK (RFC 8037). `x`: 32 bytes, base64url. */
export type HolderJwk = { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string };

/** The claims of one link, checked. Times in seconds since 1970. */
export type CapabilityClaims = {
  readonly v: 1;
  /** DID of the root issuer; below the root the thumbprint of the key that holds the link above. */
  readonly iss: string;
  /** On whose behalf the holder acts; the issuer unless said otherwise. */
  readonly sub: string;
  readonly aud: string | readonly string[];
  readonly cnf: { readonly jwk: HolderJwk };
  /** 128 bits, base64url: unique per issuer. */
  readonly jti: string;
  readonly iat: number;
  readonly nbf: number;
  readonly exp: number;
  readonly del_depth: number;
  readonly del_max_depth: number;
  /** SHA-256 of the signing input of the link above, base64url; absent at the root. */
  readonly par_hash?: string;
  /** The issuer's revocation epoch at issue. */
  readonly epoch: number;
  /** Seconds of revocation-state age that the issuer tolerates. */
  readonly max_stale?: number;
  /** Opaque task or trace id. */
  readonly task?: string;
  /** For people; never evaluated. */
  readonly purpose?: string;
  readonly authorization_details: readonly ToolGrant[];
  /** Free data; never evaluated. */
  readonly ext?: JsonObject;
};
