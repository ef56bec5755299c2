/** A: the caller's signature under the callee's outcome (docs/spec/07 §5). @module */
import { sha256 } from '#suite';
import { encodeBase64 } from '../bytes/base64.ts';
import { encodeBase64url } from '../bytes/base64url.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import type { Signer } from '../identity/signer.ts';
import { readSignature, signPayload, verifyPayload, type EnvelopeSignature } from './dsse.ts';
import type { Outcome } from './outcome.ts';
import { malformed, refuse } from './refuse.ts';
import type { PartyKeys } from './receipt-keys.ts';

/** `statement`: SHA-256 of the payload that both signed, base64url. */
export type Countersignature = { readonly statement: string; readonly signature: EnvelopeSignature };

/** Ours has 230 characters. */
const maxLength = 512;
const hash = /^[\w-]{43}$/;

/**
 * Signs the outcome as the caller: it was received, and its result is what it commits to. Verify both first.
 * @returns A: `{"keyid":…,"sig":…,"statement":…}`, canonical JSON.
 */
export async function countersign(outcome: Outcome, signer: Signer): Promise<string> {
  return format({ statement: hashPayload(outcome.payload), signature: await signPayload(outcome.payload, signer) });
}

/** Reads A without a look at its signature. @throws {@link ReceiptError} `TALOS_RECEIPT_MALFORMED`. */
export function readCountersignature(text: string): Countersignature {
  if (typeof text !== 'string' || text.length > maxLength) throw malformed('the countersignature');
  let read: Countersignature;
  try {
    const { statement, keyid, sig } = parseStrictJson(text) as { readonly statement: string; readonly keyid: string; readonly sig: string };
    if (typeof statement !== 'string' || !hash.test(statement)) throw malformed('statement');
    read = { statement, signature: readSignature(keyid, sig) };
  } catch {
    throw malformed('the countersignature');
  }
  if (format(read) !== text) throw malformed('the countersignature');
  return read;
}

/**
 * Reads A and checks that the caller signed this very outcome.
 * @throws {@link ReceiptError} `TALOS_RECEIPT_MALFORMED`, `_SIGNATURE`, `_MISMATCH`.
 */
export function verifyCountersignature(text: string, { outcome, caller }: { readonly outcome: Outcome; readonly caller: PartyKeys }): Countersignature {
  const read = readCountersignature(text);
  if (read.statement !== hashPayload(outcome.payload)) throw refuse('TALOS_RECEIPT_MISMATCH', 'the countersignature is of another outcome');
  // One key twice is one party that agrees with itself.
  if (read.signature.keyid === outcome.signature.keyid) throw refuse('TALOS_RECEIPT_SIGNATURE', 'both signatures are by one key');
  verifyPayload(outcome.payload, read.signature, caller);
  return read;
}

/** Members in the order of canonical JSON. */
function format({ statement, signature }: Countersignature): string {
  return `{"keyid":"${signature.keyid}","sig":"${encodeBase64(signature.signature)}","statement":"${statement}"}`;
}

function hashPayload(payload: Uint8Array): string {
  return encodeBase64url(sha256(payload));
}
