/** R: what was asked, signed by the holder of the capability. The proof of possession and the caller's half of the receipt are one (docs/spec/07 §3). @module */
import { sha256 } from '#suite';
import { encodeBase64url } from '../bytes/base64url.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { readInvocation, type InvocationClaims, type ReadInvocation } from '../capability/invocation.ts';
import { malformed, refuse } from './refuse.ts';
import type { PartyKeys } from './receipt-keys.ts';

export type Request = {
  readonly claims: InvocationClaims;
  /** Thumbprint of the key that it says signed it. */
  readonly kid: string;
  /** SHA-256 of the text, base64url: the name of the call at both ends. */
  readonly hash: string;
};

/** SHA-256 of R as it travels, base64url. */
export function hashRequest(request: string): string {
  return encodeBase64url(sha256(encodeUtf8(request)));
}

/** Reads R without a look at its signature. @throws {@link ReceiptError} `TALOS_RECEIPT_MALFORMED`. */
export function readRequest(request: string): Request {
  const { claims, kid } = read(request);
  return { claims, kid, hash: hashRequest(request) };
}

/**
 * Reads R and checks who signed it. Whether it was in time, or made before, was for the callee to say.
 * @throws {@link ReceiptError} `TALOS_RECEIPT_MALFORMED`, `TALOS_RECEIPT_SIGNATURE`.
 */
export function verifyRequest(request: string, caller: PartyKeys): Request {
  const { claims, kid, verify } = read(request);
  const key = caller(kid);
  if (key === undefined) throw refuse('TALOS_RECEIPT_SIGNATURE', 'the request is not by a known key of the caller');
  try {
    verify(key);
  } catch {
    throw refuse('TALOS_RECEIPT_SIGNATURE', 'the request is not signed by the caller');
  }
  return { claims, kid, hash: hashRequest(request) };
}

function read(request: string): ReadInvocation {
  try {
    return readInvocation(request);
  } catch {
    throw malformed('the request');
  }
}
