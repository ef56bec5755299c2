/** Approvals: what is asked for and what a person signs in answer (docs/spec/05 §5). Neither is a capability, and neither is read as one. @module */
import { sha256 } from '#suite';
import { decodeBase64url, encodeBase64url } from '../bytes/base64url.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import type { Env } from '../env/env.ts';
import { CapabilityError } from '../errors/capability-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { Signer } from '../identity/signer.ts';
import { maxIdLength, maxLifetimeSeconds, maxToolNameLength } from './bounds.ts';
import type { HolderJwk } from './capability.ts';
import { didKeys, type IssuerKeys } from './issuer-keys.ts';
import { commitToArgs, commitToText } from './salted-commitment.ts';
import {
  claimShape,
  isHash,
  isJti,
  isSeconds,
  isTextOf,
  isVersion,
  readStatement,
  readStatementClaims,
  signStatement,
  verifyStatement,
  type ReadStatement,
} from './signed-claims.ts';
import { TokenFault } from './token-fault.ts';

export const approvalType = 'talos-approval+jwt';
const requestType = 'talos-approval-request+jwt';

/** Members that request and approval share: what it is about. */
type ApprovalSubject = {
  readonly v: 1;
  /** SHA-256 of the leaf, base64url. */
  readonly cap: string;
  /** Where the call is to run. */
  readonly aud: string;
  readonly tool: string;
  /** Salted commitment to the arguments. */
  readonly args_commit: string;
  /** Salted commitment to the text that the approver was shown. */
  readonly shown: string;
  readonly reuse: 'exact' | 'pattern';
  /** Calls that a `pattern` is good for. */
  readonly count?: number;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
};

export type ApprovalRequestClaims = ApprovalSubject & {
  /** Who asks: the holder. */
  readonly iss: AgentId;
  readonly cnf: { readonly jwk: HolderJwk };
  /** Whom it asks, and how many of them have to agree. */
  readonly by: readonly AgentId[];
  readonly m: number;
  /** Seconds that an answer is good for. */
  readonly ttl: number;
};

export type ApprovalClaims = ApprovalSubject & {
  /** Who answers. */
  readonly iss: AgentId;
  /** Who asked. */
  readonly cnf: { readonly jwk: HolderJwk };
  /** SHA-256 of the request, base64url. */
  readonly request: string;
  readonly verdict: 'allow' | 'deny';
};

/** What opens a request: for the approver's eyes, never signed or logged. */
export type ApprovalOpening = { readonly input: JsonObject; readonly salt: Uint8Array; readonly shown: string; readonly shownSalt: Uint8Array };

/** A request names at most 16 keys of 56 characters. */
const maxApprovalLength = 8192;

const isId = /* @__PURE__ */ isTextOf(maxIdLength);
const isOneOf =
  (...values: readonly string[]) =>
  (value: JsonValue): boolean =>
    typeof value === 'string' && values.includes(value);
const isCount = (value: JsonValue): boolean => isSeconds(value) && (value as number) > 0;

const subject = {
  v: isVersion,
  iss: isId,
  cap: isHash,
  aud: isId,
  tool: /* @__PURE__ */ isTextOf(maxToolNameLength),
  args_commit: isHash,
  shown: isHash,
  reuse: /* @__PURE__ */ isOneOf('exact', 'pattern'),
  cnf: isConfirmation,
  iat: isSeconds,
  exp: isSeconds,
  jti: isJti,
};
const requestShape = /* @__PURE__ */ claimShape({ ...subject, by: isIds, m: isCount, ttl: isCount }, { count: isCount });
const approvalShape = /* @__PURE__ */ claimShape({ ...subject, request: isHash, verdict: /* @__PURE__ */ isOneOf('allow', 'deny') }, { count: isCount });

/** How an approval names its request. */
export function hashRequest(request: string): string {
  return encodeBase64url(sha256(encodeUtf8(request)));
}

export function signApprovalRequest(claims: ApprovalRequestClaims, signer: Signer): Promise<string> {
  return signStatement(requestType, claims as unknown as JsonObject, signer);
}

/** Without its signature: for who made it. @throws {@link TokenFault} */
export function readApprovalRequest(token: unknown): { readonly statement: ReadStatement; readonly claims: ApprovalRequestClaims } {
  const statement = readStatement(token, { type: requestType, maxLength: maxApprovalLength });
  return { statement, claims: readStatementClaims(statement.payload, requestShape) as unknown as ApprovalRequestClaims };
}

/** Without its signature. @throws {@link TokenFault} `MALFORMED` or `TOO_LARGE`. */
export function readApproval(token: unknown): { readonly statement: ReadStatement; readonly claims: ApprovalClaims } {
  const statement = readStatement(token, { type: approvalType, maxLength: maxApprovalLength });
  return { statement, claims: readStatementClaims(statement.payload, approvalShape) as unknown as ApprovalClaims };
}

export type ApprovalAnswer = {
  /** As the denial gave it. */
  readonly request: string;
  /** What the approver has seen: an answer to something else is not signed. */
  readonly opening: ApprovalOpening;
  readonly verdict: 'allow' | 'deny';
};

/** `issuer`: the approver, one of the request's `by`. */
export type AnswerContext = { readonly issuer: AgentId; readonly signer: Signer; readonly env: Env; readonly keys?: IssuerKeys };

/**
 * Signs the answer of a person to a request.
 * @returns The approval, a compact JWS: hand it to who asked. Alone it is no right.
 * @throws {@link CapabilityError} `TALOS_CAPABILITY_BAD_APPROVAL_REQUEST`.
 */
export async function answerApproval({ request, opening, verdict }: ApprovalAnswer, context: AnswerContext): Promise<string> {
  const { issuer, signer, env } = context;
  const asked = verifyApprovalRequest(request, context);
  if (commitToArgs(opening.input, opening.salt) !== asked.args_commit) throw badRequest('it is about other arguments');
  if (commitToText('shown', opening.shownSalt, opening.shown) !== asked.shown) throw badRequest('another text was to be shown');
  if (!asked.by.includes(issuer)) throw badRequest('it asks others');
  const iat = Math.floor(env.now() / 1000);
  const { v, cap, aud, tool, args_commit, shown, reuse, count, cnf } = asked;
  const about = { v, cnf, cap, aud, tool, args_commit, shown, reuse, ...(count === undefined ? {} : { count }) };
  const exp = iat + Math.min(asked.ttl, maxLifetimeSeconds);
  const claims: ApprovalClaims = { ...about, iss: issuer, request: hashRequest(request), verdict, iat, exp, jti: encodeBase64url(env.randomBytes(16)) };
  return signStatement(approvalType, claims as unknown as JsonObject, signer);
}

/** What is asked, by whom, once its signature is known to be good. @throws {@link CapabilityError} `TALOS_CAPABILITY_BAD_APPROVAL_REQUEST`. */
export function verifyApprovalRequest(request: string, { env, keys = didKeys() }: Pick<AnswerContext, 'env' | 'keys'>): ApprovalRequestClaims {
  try {
    const { statement, claims } = readApprovalRequest(request);
    const key = keys.resolve(claims.iss, statement.kid);
    if (key === undefined || encodeBase64url(key.bytes) !== claims.cnf.jwk.x) throw badRequest('it is not signed by who asks');
    verifyStatement(statement, key);
    if (!(env.now() < claims.exp * 1000)) throw badRequest('it has expired: call again for another one');
    return claims;
  } catch (fault) {
    throw fault instanceof TokenFault ? badRequest('it is malformed, or its signature does not verify') : fault;
  }
}

function badRequest(reason: string): CapabilityError {
  return new CapabilityError({ code: 'TALOS_CAPABILITY_BAD_APPROVAL_REQUEST', message: `the request for an approval was refused: ${reason}` });
}

function isIds(value: JsonValue): boolean {
  return Array.isArray(value) && value.length > 0 && (value as readonly JsonValue[]).every(isId);
}

function isConfirmation(value: JsonValue): boolean {
  const jwk = (value as { readonly jwk?: JsonObject } | null)?.jwk;
  if (jwk === undefined || Object.keys(value as object).length !== 1 || Object.keys(jwk).length !== 3) return false;
  return jwk['kty'] === 'OKP' && jwk['crv'] === 'Ed25519' && typeof jwk['x'] === 'string' && isKey(jwk['x']);
}

function isKey(x: string): boolean {
  try {
    return decodeBase64url(x).length === 32;
  } catch {
    return false;
  }
}
