/** Asks an authority for a time stamp over HTTP (RFC 3161 §3.4), and hands out only what verifies. @module */
import { fromBER, Integer, OctetString, type Sequence } from 'asn1js';
import { systemEnv } from '@talosprotocol/core';
import { parseCheckpoint } from '@talosprotocol/core/audit';
import { TransportError, UsageError } from '@talosprotocol/core/errors';
import { AlgorithmIdentifier, MessageImprint, TimeStampReq, TimeStampResp } from 'pkijs';
import { readCertificates } from './certificates.ts';
import { sha256, stampedText } from './imprint.ts';
import type { TimestampTrust } from './timestamp-verifier.ts';
import { maxTokenBytes, refuse, verifyToken, type Timestamp } from './verify-token.ts';

export type TimestampRequest = TimestampTrust & {
  /** The authority's address, `https://…`. The answer is signed, so that `http://` hides nothing but what is asked. */
  readonly url: string;
  /** The signed note of the checkpoint. The authority sees a hash of its text. */
  readonly checkpoint: string;
  /** Default 30,000. */
  readonly timeoutMs?: number;
};

const sha256Algorithm = '2.16.840.1.101.3.4.2.1';
/** PKIStatus granted and grantedWithMods (RFC 3161 §2.4.2). */
const granted: readonly number[] = [0, 1];

/**
 * @returns the token, DER, and what it says.
 * @throws {@link TransportError} `TALOS_TRANSPORT_UNREACHABLE` or `TALOS_TRANSPORT_REFUSED`; {@link AuditError} `TALOS_AUDIT_BAD_TIMESTAMP`
 * if the answer does not verify; {@link UsageError} `TALOS_USAGE_ARGUMENT`.
 */
export async function requestTimestamp(request: TimestampRequest): Promise<Timestamp & { readonly token: Uint8Array }> {
  const authorities = readCertificates(request.authorities);
  const checkpoint = parseCheckpoint(request.checkpoint);
  const nonce = drawNonce();
  const query = encodeQuery(await sha256(stampedText(checkpoint)), nonce);
  const token = tokenOf(await post(request, query));
  return { token, ...(await verifyToken({ token, checkpoint, authorities, nonce })) };
}

/** An integer of ASN.1 is negative where the first bit is set, and has no zeros in front. */
function drawNonce(): Uint8Array {
  const nonce = systemEnv.randomBytes(8);
  nonce[0] = ((nonce[0] as number) & 0x7f) | 0x40;
  return nonce;
}

function encodeQuery(hash: Uint8Array<ArrayBuffer>, nonce: Uint8Array): Uint8Array<ArrayBuffer> {
  const messageImprint = new MessageImprint({
    hashAlgorithm: new AlgorithmIdentifier({ algorithmId: sha256Algorithm }),
    hashedMessage: new OctetString({ valueHex: hash.buffer }),
  });
  const query = new TimeStampReq({ version: 1, messageImprint, nonce: new Integer({ valueHex: Uint8Array.from(nonce).buffer }), certReq: true });
  return new Uint8Array(query.toSchema().toBER());
}

async function post({ url, timeoutMs = 30_000 }: TimestampRequest, query: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  if (!URL.canParse(url)) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'url must be the http or https address of a time-stamping authority' });
  try {
    const headers = { 'Content-Type': 'application/timestamp-query', Accept: 'application/timestamp-reply' };
    const response = await fetch(url, { method: 'POST', headers, body: query, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) throw unreachable(`it answered ${response.status}`);
    return await readBounded(response);
  } catch (cause) {
    if (TransportError.isInstance(cause)) throw cause;
    throw unreachable('no answer', cause);
  }
}

/** The answer of a stranger is not read beyond what a token can be. */
async function readBounded(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxTokenBytes) throw unreachable(`it answered more than ${maxTokenBytes} bytes`);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  chunks.reduce((offset, chunk) => (bytes.set(chunk, offset), offset + chunk.length), 0);
  return bytes;
}

/** The token's own bytes, not encoded again: a signature is over bytes. */
function tokenOf(answer: Uint8Array): Uint8Array {
  let response: TimeStampResp;
  let members: readonly { readonly valueBeforeDecodeView: Uint8Array }[];
  try {
    response = TimeStampResp.fromBER(Uint8Array.from(answer));
    members = (fromBER(Uint8Array.from(answer)).result as Sequence).valueBlock.value;
  } catch (cause) {
    throw refuse('the answer is malformed', cause);
  }
  const { status } = response.status;
  const token = members[1]?.valueBeforeDecodeView;
  if (!granted.includes(status) || token === undefined)
    throw new TransportError({ code: 'TALOS_TRANSPORT_REFUSED', message: `the authority refused to stamp (status ${status})`, retryable: false });
  return Uint8Array.from(token);
}

function unreachable(reason: string, cause?: unknown): TransportError {
  const message = `the time-stamping authority could not be asked: ${reason}`;
  return new TransportError({ code: 'TALOS_TRANSPORT_UNREACHABLE', message, retryable: true, ...(cause === undefined ? {} : { cause }) });
}
