/** The body of `add-checkpoint` (c2sp.org/tlog-witness): the old size, a consistency proof, an empty line, the checkpoint. @module */
import { sha256 } from '#suite';
import { decodeBase64, encodeBase64 } from '../bytes/base64.ts';
import { encodeHex } from '../bytes/hex.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { AuditError } from '../errors/audit-error.ts';
import { requireUint8Array } from '../errors/require.ts';
import { TalosError } from '../errors/talos-error.ts';
import { hashLength } from './tree-hash.ts';

export type WitnessRequest = {
  /** Size of the checkpoint that the witness cosigned last; 0 if it knows none. */
  readonly oldSize: number;
  /** From that size to the checkpoint's, RFC 6962 §2.1.2: at most 63 hashes of 32 bytes. */
  readonly proof: readonly Uint8Array[];
  /** The checkpoint, a signed note. */
  readonly note: string;
};

/** A proof between two sizes below 2^63 is no longer (tlog-witness). */
const maxProofLines = 63;
/** 63 hashes, and a checkpoint with the signatures of a log and of all its witnesses. */
export const maxWitnessRequestBytes = 64 * 1024;

const oldLine = /^old (0|[1-9]\d{0,15})$/;

/** Under which a witness shows the last checkpoint of a log: SHA-256 of its origin, 64 hex digits. */
export function hashOrigin(origin: string): string {
  return encodeHex(sha256(encodeUtf8(origin)));
}

export function formatWitnessRequest({ oldSize, proof, note }: WitnessRequest): string {
  return `old ${oldSize}\n${proof.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${note}`;
}

/**
 * Reads a request without believing any of it; the note is not parsed.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE` on more than 64 KiB or 63 proof lines, a size with leading zeros or above 2^53 − 1, a line that is not
 * canonical base64 of 32 bytes, or no empty line.
 */
export function parseWitnessRequest(body: Uint8Array): WitnessRequest {
  requireUint8Array('body', body);
  if (body.length > maxWitnessRequestBytes) throw refuse(`it has more than ${maxWitnessRequestBytes} bytes`);
  const text = decode(body);
  const end = text.indexOf('\n\n');
  if (end === -1) throw refuse('no empty line is before its checkpoint');
  const [first = '', ...lines] = text.slice(0, end).split('\n');
  const oldSize = Number(oldLine.exec(first)?.[1] ?? Number.NaN);
  if (!Number.isSafeInteger(oldSize)) throw refuse('it does not begin with "old" and a size');
  if (lines.length > maxProofLines) throw refuse(`its proof has more than ${maxProofLines} hashes`);
  return { oldSize, proof: lines.map(decodeHash), note: text.slice(end + 2) };
}

function decode(body: Uint8Array): string {
  try {
    return decodeUtf8(body);
  } catch (cause) {
    throw refuse('it is not UTF-8', cause);
  }
}

function decodeHash(line: string): Uint8Array {
  try {
    const hash = decodeBase64(line);
    if (hash.length === hashLength) return hash;
  } catch (error) {
    if (!TalosError.isInstance(error)) throw error;
  }
  throw refuse('a hash of its proof is not 32 bytes of canonical base64');
}

function refuse(reason: string, cause?: unknown): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_BAD_NOTE', message: `the request to a witness was refused: ${reason}`, cause });
}
