/** DSSE envelopes (github.com/secure-systems-lab/dsse, protocol v1) of one payload type (docs/spec/07 §2). @module */
import { verifyEd25519 } from '#suite';
import { decodeBase64, encodeBase64 } from '../bytes/base64.ts';
import type { JsonValue } from '../bytes/json-value.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import { concatBytes } from '../bytes/concat.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { UsageError } from '../errors/usage-error.ts';
import { keyThumbprint } from '../identity/agent-id.ts';
import type { Signer } from '../identity/signer.ts';
import { malformed, refuse } from './refuse.ts';
import type { PartyKeys } from './receipt-keys.ts';

export const receiptPayloadType = 'application/vnd.talos.receipt+json';

/** An outcome has a few hundred bytes. */
export const maxEnvelopeLength = 8192;

/** `keyid`: RFC 7638 thumbprint. `signature`: 64 bytes. */
export type EnvelopeSignature = { readonly keyid: string; readonly signature: Uint8Array };

export type Envelope = { readonly payload: Uint8Array; readonly signatures: readonly EnvelopeSignature[] };

const signatureLength = 64;
const keyid = /^[\w-]{43}$/;

/** PAE of DSSE: what is signed names its type and both lengths. */
function preAuthEncoding(payload: Uint8Array): Uint8Array {
  return concatBytes(encodeUtf8(`DSSEv1 ${receiptPayloadType.length} ${receiptPayloadType} ${payload.length} `), payload);
}

/** @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` if the signer does not give an Ed25519 signature. */
export async function signPayload(payload: Uint8Array, signer: Signer): Promise<EnvelopeSignature> {
  const signature = await signer.sign(preAuthEncoding(payload));
  if (signature.length !== signatureLength) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'the signer must give 64 bytes' });
  return { keyid: keyThumbprint(signer.publicKey), signature };
}

/** @throws {@link ReceiptError} `TALOS_RECEIPT_SIGNATURE` unless a known key of this party signed the payload. */
export function verifyPayload(payload: Uint8Array, { keyid: kid, signature }: EnvelopeSignature, keys: PartyKeys): void {
  const key = keys(kid);
  if (key === undefined) throw refuse('TALOS_RECEIPT_SIGNATURE', 'the receipt is not by a known key of this party');
  try {
    verifyEd25519(key, preAuthEncoding(payload), signature);
  } catch {
    throw refuse('TALOS_RECEIPT_SIGNATURE', 'the receipt is not signed by this party');
  }
}

/** One envelope has one text: canonical JSON, so that what both logs hold can be compared byte for byte. */
export function formatEnvelope({ payload, signatures }: Envelope): string {
  const signed = signatures.map(({ keyid: kid, signature }) => `{"keyid":"${kid}","sig":"${encodeBase64(signature)}"}`);
  return `{"payload":"${encodeBase64(payload)}","payloadType":"${receiptPayloadType}","signatures":[${signed.join()}]}`;
}

/** @throws {@link ReceiptError} `TALOS_RECEIPT_MALFORMED` on anything but the one text of an envelope of this type with one or two signatures. */
export function parseEnvelope(text: string): Envelope {
  if (typeof text !== 'string' || text.length > maxEnvelopeLength) throw malformed('the receipt');
  let envelope: Envelope;
  try {
    envelope = readEnvelope(parseStrictJson(text));
  } catch {
    throw malformed('the receipt');
  }
  if (formatEnvelope(envelope) !== text) throw malformed('the receipt');
  return envelope;
}

type RawEnvelope = { readonly payload: string; readonly signatures: readonly { readonly keyid: string; readonly sig: string }[] };

/** Throws whatever it meets; what it lets through is compared with the text that it makes. */
function readEnvelope(value: JsonValue): Envelope {
  const { payload, signatures } = value as RawEnvelope;
  if (signatures.length < 1 || signatures.length > 2) throw malformed('the receipt');
  return { payload: decodeBase64(payload), signatures: signatures.map(({ keyid: kid, sig }) => readSignature(kid, sig)) };
}

/** @throws whatever it meets. */
export function readSignature(kid: string, sig: string): EnvelopeSignature {
  const signature = decodeBase64(sig);
  if (signature.length !== signatureLength || typeof kid !== 'string' || !keyid.test(kid)) throw malformed('a signature');
  return { keyid: kid, signature };
}
