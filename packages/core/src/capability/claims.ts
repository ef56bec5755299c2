/** Reads the claims of a token: a closed set, every one of its own form (docs/spec/02 §3). @module */
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { maxAudiences, maxDelegationDepth, maxIdLength, maxLifetimeSeconds, maxPurposeLength } from './bounds.ts';
import type { CapabilityClaims } from './capability.ts';
import { closedObject } from './closed-object.ts';
import { malformed, TokenFault } from './token-fault.ts';

type Reader = (value: JsonValue) => boolean;

const isText =
  (maxLength: number): Reader =>
  (value) =>
    typeof value === 'string' && value.length > 0 && value.length <= maxLength;
const isId = /* @__PURE__ */ isText(maxIdLength);
const isPurpose = /* @__PURE__ */ isText(maxPurposeLength);
const isCount: Reader = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isObject: Reader = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** 16 bytes in canonical base64url: the last character carries two bits only. */
const jti = /^[\w-]{21}[AQgw]$/;

const required: readonly (readonly [string, Reader])[] = /* @__PURE__ */ Object.entries({
  v: (value) => value === 1,
  iss: isId,
  sub: isId,
  aud: isAudience,
  cnf: isConfirmation,
  jti: (value) => typeof value === 'string' && jti.test(value),
  iat: isCount,
  nbf: isCount,
  exp: isCount,
  del_depth: isCount,
  del_max_depth: (value) => isCount(value) && (value as number) <= maxDelegationDepth,
  epoch: isCount,
  authorization_details: (value) => Array.isArray(value),
} satisfies Record<string, Reader>);

/** 32 bytes in canonical base64url. */
const hash = /^[\w-]{42}[AEIMQUYcgkosw048]$/;

const optional: readonly (readonly [string, Reader])[] = [
  ['par_hash', (value) => typeof value === 'string' && hash.test(value)],
  ['max_stale', isCount],
  ['task', isId],
  ['purpose', isPurpose],
  ['ext', isObject],
];

/**
 * The claims of one link. The grants are compiled later, once the signature is known to be good.
 * @throws {@link TokenFault} `MALFORMED` naming the claim, or `LINK_BROKEN` if it is neither a root nor a link below one.
 */
export function readClaims(value: JsonValue): CapabilityClaims {
  if (!isObject(value)) throw malformed('payload');
  const claims = value as JsonObject;
  for (const [name, reads] of required) {
    if (!Object.hasOwn(claims, name) || !reads(claims[name] as JsonValue)) throw malformed(name);
  }
  let known = required.length;
  for (const [name, reads] of optional) {
    if (!Object.hasOwn(claims, name)) continue;
    if (!reads(claims[name] as JsonValue)) throw malformed(name);
    known++;
  }
  // All that are required are there: with more members than known ones, one is unknown.
  if (Object.keys(claims).length !== known) throw malformed('payload');
  return checkWhole(claims as unknown as CapabilityClaims);
}

/** What one claim says of another. */
function checkWhole(claims: CapabilityClaims): CapabilityClaims {
  if (claims.exp <= claims.nbf || claims.nbf < claims.iat) throw malformed('nbf');
  if (claims.exp - claims.iat > maxLifetimeSeconds) throw malformed('exp');
  if ((claims.del_depth === 0) !== (claims.par_hash === undefined)) throw new TokenFault('LINK_BROKEN');
  return claims;
}

function isAudience(value: JsonValue): boolean {
  if (!Array.isArray(value)) return isId(value);
  return value.length > 0 && value.length <= maxAudiences && (value as readonly JsonValue[]).every(isId);
}

const cnfMembers: ReadonlySet<string> = /* @__PURE__ */ new Set(['jwk']);
const jwkMembers: ReadonlySet<string> = /* @__PURE__ */ new Set(['kty', 'crv', 'x']);

/** A private part (`d`) in a confirmation key is refused with every other member that we do not know. */
function isConfirmation(value: JsonValue): boolean {
  const jwk = closedObject(closedObject(value, cnfMembers)?.['jwk'], jwkMembers);
  return jwk !== undefined && jwk['kty'] === 'OKP' && jwk['crv'] === 'Ed25519' && typeof jwk['x'] === 'string' && jwk['x'].length === 43;
}
