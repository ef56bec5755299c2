/** A DSSE envelope (protocol v1) of any payload type, of one text only: what both parties of a bill keep, byte for byte (docs/spec/08 §7). @module */
import { verifyEd25519 } from '#suite';
import { decodeBase64, encodeBase64 } from '../bytes/base64.ts';
import { canonicalJson } from '../bytes/canonical-json.ts';
import { concatBytes } from '../bytes/concat.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { EvidenceError } from '../errors/evidence-error.ts';
import { TalosError } from '../errors/talos-error.ts';
import { keyThumbprint } from '../identity/agent-id.ts';
import type { Signer } from '../identity/signer.ts';
import type { PartyKeys } from '../receipt/receipt-keys.ts';

/** `keyid`: RFC 7638 thumbprint; `sig`: base64. */
export type StatementSignature = { readonly keyid: string; readonly sig: string };
export type SignedStatement = { readonly payload: Uint8Array; readonly signatures: readonly StatementSignature[] };

/** Sixty-four thousand calls by their hashes. */
const maxStatementText = 8 * 1024 * 1024;
const maxDepth = 6;

export async function signStatementPayload(type: string, payload: Uint8Array, signer: Signer): Promise<StatementSignature> {
  const sig = await signer.sign(preAuthEncoding(type, payload));
  return { keyid: keyThumbprint(signer.publicKey), sig: encodeBase64(sig) };
}

export function formatStatement(type: string, { payload, signatures }: SignedStatement): string {
  return canonicalJson({ payload: encodeBase64(payload), payloadType: type, signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig })) });
}

/** Reads the form; nothing is verified. @throws {@link EvidenceError} `TALOS_EVIDENCE_MALFORMED` on anything but the one text of an envelope of this type. */
export function parseStatement(type: string, text: string): SignedStatement & { readonly value: JsonObject } {
  if (typeof text !== 'string' || text.length > maxStatementText) throw refuse('is not a text of at most 8 Mi characters');
  try {
    const { payload, signatures } = parseStrictJson(text, { maxDepth: 3 }) as unknown as {
      readonly payload: string;
      readonly signatures: readonly StatementSignature[];
    };
    const read = { payload: decodeBase64(payload), signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig: encodeBase64(decodeBase64(sig)) })) };
    const value = parseStrictJson(decodeUtf8(read.payload), { maxDepth });
    if (
      read.signatures.length >= 1 &&
      read.signatures.length <= 2 &&
      isObject(value) &&
      formatStatement(type, read) === text &&
      canonicalJson(value) === decodeUtf8(read.payload)
    )
      return { ...read, value };
  } catch (error) {
    // A member of another type throws what it likes: all of it means the same.
    if (!TalosError.isInstance(error) && !(error instanceof TypeError)) throw error;
  }
  throw refuse('is not the one text of an envelope of its type');
}

/** @throws {@link EvidenceError} `TALOS_EVIDENCE_SIGNATURE` unless a key that spoke for this party signed the payload. */
export function verifyStatement(
  type: string,
  { payload, signature }: { readonly payload: Uint8Array; readonly signature: StatementSignature | undefined },
  keys: PartyKeys | undefined,
): void {
  const key = signature === undefined ? undefined : keys?.(signature.keyid);
  if (key === undefined || signature === undefined) throw unsigned('it is not by a key that is known to have spoken for this party then');
  try {
    verifyEd25519(key, preAuthEncoding(type, payload), decodeBase64(signature.sig));
  } catch (error) {
    throw TalosError.isInstance(error) ? unsigned('its signature does not verify') : error;
  }
}

/** PAE of DSSE: what is signed names its type and both lengths. */
function preAuthEncoding(type: string, payload: Uint8Array): Uint8Array {
  return concatBytes(encodeUtf8(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload);
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function refuse(reason: string): EvidenceError {
  return new EvidenceError({ code: 'TALOS_EVIDENCE_MALFORMED', message: `the statement ${reason}` });
}

function unsigned(reason: string): EvidenceError {
  return new EvidenceError({ code: 'TALOS_EVIDENCE_SIGNATURE', message: `the statement was refused: ${reason}` });
}
