/**
 * The compact JWS around the claims (RFC 7515 §7.1). The bytes that travel are the bytes that are signed: nothing is written anew to
 * be verified.
 * @module
 */
import { decodeBase64url } from '#suite';
import { encodeBase64url } from '../bytes/base64url.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { maxJsonDepth, maxLinks, maxTokenLength } from './bounds.ts';
import { capabilityType } from './capability.ts';
import { closedObject } from './closed-object.ts';
import { malformed, TokenFault } from './token-fault.ts';

export type TokenParts = {
  /** Thumbprint of the issuer's key. */
  readonly kid: string;
  /** Strictly parsed, not yet checked. */
  readonly payload: JsonValue;
  /** What the signature is over: ASCII, `header.payload`. */
  readonly signingInput: string;
  /** Base64url, not yet decoded. */
  readonly signature: string;
};

/** Between the links of a chain: no character of base64url and none that a URL or a header escapes. */
const linkSeparator = '~';

const headerStart = `{"alg":"Ed25519","typ":"${capabilityType}","kid":"`;
const kidLength = 43;
const headerLength = headerStart.length + kidLength + 2;
const headerMembers: ReadonlySet<string> = /* @__PURE__ */ new Set(['alg', 'typ', 'kid']);

/**
 * The links of a chain, root → leaf: one text joined by `~`, or a list of texts.
 * @throws {@link TokenFault} `MALFORMED` or `TOO_LARGE`.
 */
export function splitChain(token: unknown): readonly unknown[] {
  const links: readonly unknown[] = Array.isArray(token)
    ? [...(token as unknown[])]
    : typeof token === 'string'
      ? token.split(linkSeparator, maxLinks + 1)
      : [token];
  if (links.length === 0) throw malformed('token');
  if (links.length > maxLinks) throw new TokenFault('TOO_LARGE', { constraint: 'chain' });
  return links;
}

/** The text of a chain, root → leaf. */
export function joinChain(links: readonly string[]): string {
  return links.join(linkSeparator);
}

/** The header that this version writes. */
export function formatHeader(kid: string): string {
  return `${headerStart}${kid}"}`;
}

/**
 * Splits and parses a token without a look at its signature: everything here can only refuse.
 * @throws {@link TokenFault} `TOO_LARGE`, `MALFORMED` or `ALG_REFUSED`.
 */
export function parseToken(token: unknown): TokenParts {
  if (typeof token !== 'string') throw malformed('token');
  if (token.length > maxTokenLength) throw new TokenFault('TOO_LARGE', { constraint: 'token' });
  const first = token.indexOf('.');
  const second = token.indexOf('.', first + 1);
  if (first === -1 || second === -1) throw malformed('token');
  return {
    kid: readHeader(decodeSegment(token.slice(0, first), 'header')),
    payload: parseJson(decodeSegment(token.slice(first + 1, second), 'payload'), 'payload'),
    signingInput: token.slice(0, second),
    // A further dot is no base64url: a JWS of five parts ends at the signature.
    signature: token.slice(second + 1),
  };
}

/** The 64 bytes. @throws {@link TokenFault} `MALFORMED`. */
export function decodeSignature(signature: string): Uint8Array {
  const bytes = decode(signature, 'signature');
  if (bytes.length !== 64) throw malformed('signature');
  return bytes;
}

/** The signing input of a token with these texts; it ends with the signature appended by `joinToken`. */
export function formatSigningInput(header: string, payload: string): string {
  return `${encodeBase64url(encodeUtf8(header))}.${encodeBase64url(encodeUtf8(payload))}`;
}

/** The compact token. */
export function joinToken(signingInput: string, signature: Uint8Array): string {
  return `${signingInput}.${encodeBase64url(signature)}`;
}

function readHeader(text: string): string {
  // Our own form, member for member: what is between the quotes is compared with the thumbprint of a key, so it needs no parser.
  if (text.length === headerLength && text.startsWith(headerStart) && text.endsWith('"}')) return text.slice(headerStart.length, -2);
  const header = parseJson(text, 'header');
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw malformed('header');
  checkAlgorithm((header as JsonObject)['alg']);
  // Closed, so `crit`, `b64`, `jwk`, `jku` and `x5c` (RFC 7515 §4.1) are refused rather than ignored.
  const closed = closedObject(header, headerMembers);
  if (closed?.['typ'] !== capabilityType) throw malformed('typ');
  const kid = closed['kid'];
  if (typeof kid !== 'string' || kid.length !== kidLength) throw malformed('kid');
  return kid;
}

/** RFC 9864 §2.2 names the algorithm Ed25519; RFC 8037's EdDSA means the same with an Ed25519 key, and every key here is one. */
function checkAlgorithm(alg: JsonValue | undefined): void {
  if (typeof alg !== 'string') throw malformed('alg');
  if (alg !== 'Ed25519' && alg !== 'EdDSA') throw new TokenFault('ALG_REFUSED', { constraint: 'alg' });
}

function decodeSegment(segment: string, member: string): string {
  const bytes = decode(segment, member);
  try {
    return decodeUtf8(bytes);
  } catch {
    throw malformed(member);
  }
}

function decode(text: string, member: string): Uint8Array {
  try {
    return decodeBase64url(text);
  } catch {
    throw malformed(member);
  }
}

function parseJson(text: string, member: string): JsonValue {
  try {
    return parseStrictJson(text, { maxDepth: maxJsonDepth });
  } catch {
    throw malformed(member);
  }
}
