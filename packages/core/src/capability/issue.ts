/** Issues a capability: one link, from a root to a holder (docs/spec/02 §3). @module */
import { encodeBase64url } from '../bytes/base64url.ts';
import type { JsonObject } from '../bytes/json-value.ts';
import type { Env } from '../env/env.ts';
import { formatAgentId, type AgentId } from '../identity/agent-id.ts';
import type { Signer } from '../identity/signer.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import { inProcessAudience } from './audience.ts';
import { defaultLifetimeSeconds } from './bounds.ts';
import type { ToolGrant } from './capability.ts';
import type { ToolArgs } from './constraint.ts';
import { signToken, writeClaims } from './sign-token.ts';

/** What an issuer and a holder who passes a right on both say. */
export type LinkRequest = {
  /** The key that may use the capability (`cnf`): nobody else can. */
  readonly holder: Ed25519PublicKey;
  readonly grants: readonly ToolGrant[];
  /** Where it counts. The holder's own process if not said. */
  readonly audience?: string | readonly string[];
  /** 300 if not said, at most 86,400. */
  readonly lifetimeSeconds?: number;
  /** Seconds since 1970; now if not said. The lifetime counts from here. */
  readonly notBeforeSeconds?: number;
  /** How often it may be passed on: 0 if not said, and a holder cannot say more than was said to it. */
  readonly delegate?: number;
  /** The issuer's revocation epoch; 0 if not said. */
  readonly epoch?: number;
  /** How old the verifier's knowledge of revocations may be. */
  readonly maxStaleSeconds?: number;
  /** Opaque task or trace id. */
  readonly task?: string;
  /** For people; never evaluated. */
  readonly purpose?: string;
  /** Free data; never evaluated. */
  readonly ext?: JsonObject;
};

export type CapabilityRequest = LinkRequest & {
  /** On whose behalf the holder acts. The issuer if not said. */
  readonly subject?: string;
};

/** How to sign: `issuer` is the DID that verifiers trust, `signer` holds its current key. */
export type IssueContext = { readonly signer: Signer; readonly issuer: AgentId; readonly env: Env };

/**
 * Signs a capability.
 * @returns The token, a compact JWS of at most 8,192 characters.
 * @throws {@link CapabilityError} `TALOS_CAPABILITY_INVALID_GRANT` if a verifier would refuse what was asked for; the message names the member.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` if the signer does not give an Ed25519 signature.
 */
export async function issueCapability(request: CapabilityRequest, { signer, issuer, env }: IssueContext): Promise<string> {
  const iat = Math.floor(env.now() / 1000);
  const { notBeforeSeconds: nbf = iat, lifetimeSeconds = defaultLifetimeSeconds } = request;
  const { payload } = writeClaims({
    v: 1,
    iss: issuer,
    sub: request.subject ?? issuer,
    aud: request.audience ?? inProcessAudience(formatAgentId(request.holder)),
    ...linkClaims(request, env),
    iat,
    nbf,
    exp: nbf + lifetimeSeconds,
    del_depth: 0,
    del_max_depth: request.delegate ?? 0,
    max_stale: request.maxStaleSeconds,
    task: request.task,
  });
  return signToken(payload, signer);
}

/** The claims that a root and a link below it write alike. */
export function linkClaims(request: LinkRequest, env: Env): object {
  return {
    cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(request.holder.bytes) } },
    jti: encodeBase64url(env.randomBytes(16)),
    epoch: request.epoch ?? 0,
    purpose: request.purpose,
    authorization_details: request.grants,
    ext: request.ext,
  };
}

/** One grant per tool, from the form that people write: `{ search: anyArgs(), send_mail: { to: email({ … }) } }`. */
export function toolGrants(tools: { readonly [tool: string]: ToolArgs }): ToolGrant[] {
  return Object.entries(tools).map(([tool, args]) => ({ type: 'talos_tool', tools: [tool], args }));
}
