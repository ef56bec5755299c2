/**
 * Signed statements other than capabilities: proofs of possession, approvals, revocations. Compact JWS whose header is ours byte for byte, so
 * that `typ` alone tells the kinds apart and no token of one kind is ever read as another (docs/spec/05 §6).
 * @module
 */
import { decodeBase64url, encodeUtf8, verifyEd25519 } from '#suite';
import { encodeBase64url } from '../bytes/base64url.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import { decodeUtf8 } from '../bytes/utf8.ts';
import { UsageError } from '../errors/usage-error.ts';
import { keyThumbprint } from '../identity/agent-id.ts';
import type { Signer } from '../identity/signer.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import { maxJsonDepth } from './bounds.ts';
import { decodeSignature, formatSigningInput, joinToken } from './token.ts';
import { malformed, TokenFault } from './token-fault.ts';

export type StatementType = 'talos-inv+jwt' | 'talos-approval+jwt' | 'talos-approval-request+jwt' | 'talos-revocation+jwt' | 'talos-revocation-head+jwt';

export type ReadStatement = { readonly kid: string; readonly payload: JsonObject; readonly signingInput: string; readonly signature: string };

/** Whether a claim has its form. */
export type ClaimReader = (value: JsonValue) => boolean;

export type ClaimShape = { readonly required: readonly (readonly [string, ClaimReader])[]; readonly optional: readonly (readonly [string, ClaimReader])[] };

type Readers = { readonly [claim: string]: ClaimReader };

/** A closed set of claims. */
export function claimShape(required: Readers, optional: Readers = {}): ClaimShape {
  return { required: Object.entries(required), optional: Object.entries(optional) };
}

/** @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` if the signer does not give an Ed25519 signature. */
export async function signStatement(type: StatementType, claims: JsonObject, signer: Signer): Promise<string> {
  const signingInput = formatSigningInput(formatStatementHeader(type, keyThumbprint(signer.publicKey)), JSON.stringify(claims));
  const signature = await signer.sign(encodeUtf8(signingInput));
  if (signature.length !== 64) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'the signer must give 64 bytes' });
  return joinToken(signingInput, signature);
}

/** `expected`: the header of the key that should have signed, made once and compared as text; any other is decoded. */
export type StatementForm = { readonly type: StatementType; readonly maxLength: number; readonly expected?: ExpectedHeader };

export type ExpectedHeader = { readonly kid: string; readonly segment: string };

/** The first segment of every statement of this type by this key. */
export function expectHeader(type: StatementType, kid: string): ExpectedHeader {
  return { kid, segment: encodeBase64url(encodeUtf8(formatStatementHeader(type, kid))) };
}

/**
 * Splits and parses a statement without a look at its signature.
 * @throws {@link TokenFault} `MALFORMED` or `TOO_LARGE`.
 */
export function readStatement(token: unknown, { type, maxLength, expected }: StatementForm): ReadStatement {
  if (typeof token !== 'string') throw malformed('token');
  if (token.length > maxLength) throw new TokenFault('TOO_LARGE', { constraint: 'token' });
  const first = token.indexOf('.');
  const second = token.indexOf('.', first + 1);
  // A further dot is no base64url: the signature refuses it.
  if (first === -1 || second === -1) throw malformed('token');
  const header = token.slice(0, first);
  const kid = header === expected?.segment ? expected.kid : readHeader(header, type);
  return {
    kid,
    payload: parseObject(decodeText(token.slice(first + 1, second), 'payload')),
    signingInput: token.slice(0, second),
    signature: token.slice(second + 1),
  };
}

/** @throws {@link TokenFault} `SIG_BAD` unless this key signed it. */
export function verifyStatement(statement: ReadStatement, key: Ed25519PublicKey): void {
  const signature = decodeSignature(statement.signature);
  try {
    verifyEd25519(key, encodeUtf8(statement.signingInput), signature);
  } catch {
    throw new TokenFault('SIG_BAD');
  }
}

/** The payload as claims of this shape: closed, each of its own form. @throws {@link TokenFault} `MALFORMED` naming the claim. */
export function readStatementClaims(payload: JsonObject, { required, optional }: ClaimShape): JsonObject {
  for (const [name, reads] of required) {
    if (!Object.hasOwn(payload, name) || !reads(payload[name] as JsonValue)) throw malformed(name);
  }
  let known = required.length;
  for (const [name, reads] of optional) {
    if (!Object.hasOwn(payload, name)) continue;
    if (!reads(payload[name] as JsonValue)) throw malformed(name);
    known++;
  }
  if (Object.keys(payload).length !== known) throw malformed('payload');
  return payload;
}

export const isVersion: ClaimReader = (value) => value === 1;
export const isSeconds: ClaimReader = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const hash = /^[\w-]{42}[AEIMQUYcgkosw048]$/;
/** 32 bytes in canonical base64url: the last character carries four bits only. */
export const isHash: ClaimReader = (value) => typeof value === 'string' && value.length === 43 && hash.test(value);
const jti = /^[\w-]{21}[AQgw]$/;
/** 16 bytes in canonical base64url. */
export const isJti: ClaimReader = (value) => typeof value === 'string' && jti.test(value);

/** Text of 1 to `maxLength` UTF-16 units. */
export function isTextOf(maxLength: number): ClaimReader {
  return (value) => typeof value === 'string' && value.length > 0 && value.length <= maxLength;
}

function readHeader(header: string, type: StatementType): string {
  const text = decodeText(header, 'header');
  const kid = text.slice(-45, -2);
  if (text !== formatStatementHeader(type, kid)) throw malformed('header');
  return kid;
}

function formatStatementHeader(type: StatementType, kid: string): string {
  return `{"alg":"Ed25519","typ":"${type}","kid":"${kid}"}`;
}

function decodeText(segment: string, member: string): string {
  try {
    return decodeUtf8(decodeBase64url(segment));
  } catch {
    throw malformed(member);
  }
}

function parseObject(text: string): JsonObject {
  let value: JsonValue;
  try {
    value = parseStrictJson(text, { maxDepth: maxJsonDepth });
  } catch {
    throw malformed('payload');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('payload');
  return value as JsonObject;
}
