/**
 * Equivocation: two checkpoints that one key signed and that cannot both be of one log. Written as a file that anybody verifies with the
 * log's key alone (docs/spec/03 §16). @module
 */
import { decodeBase64, encodeBase64 } from '../bytes/base64.ts';
import { equalBytes } from '../bytes/equal.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import { AuditError } from '../errors/audit-error.ts';
import { requireText } from '../errors/require.ts';
import { TalosError } from '../errors/talos-error.ts';
import { verifyCheckpoint, type Checkpoint } from './checkpoint.ts';
import { verifyConsistency } from './consistency.ts';
import type { VerifierKey } from './verifier-key.ts';

/**
 * Of one size: two roots are the contradiction. Of two sizes: `prefixRoot` is the root that the larger tree has at the smaller size, `proof` proves
 * it, and the smaller note says another one.
 */
export type Equivocation = {
  /** The smaller tree's note. */
  readonly older: string;
  readonly newer: string;
  /** 32 bytes each; for two sizes only. */
  readonly prefix?: { readonly root: Uint8Array; readonly proof: readonly Uint8Array[] };
};

export type ProvenEquivocation = { readonly older: Checkpoint; readonly newer: Checkpoint };

const format = 'talos/equivocation/v1';
/** Two notes with a hundred cosignatures and a proof. */
const maxFileBytes = 256 * 1024;
const maxProofHashes = 128;

export function formatEquivocation({ older, newer, prefix }: Equivocation): string {
  const proven = prefix === undefined ? {} : { prefix_root: encodeBase64(prefix.root), prefix_proof: prefix.proof.map((hash) => encodeBase64(hash)) };
  return `${JSON.stringify({ format, older, newer, ...proven }, undefined, 2)}\n`;
}

/** Reads a file without believing it. @throws {@link AuditError} `TALOS_AUDIT_BAD_EQUIVOCATION`. */
export function parseEquivocation(text: string): Equivocation {
  requireText('the equivocation', text);
  if (text.length > maxFileBytes) throw refuse(`it has more than ${maxFileBytes} characters`);
  const file = parseJson(text);
  const { format: name, older, newer, prefix_root: root, prefix_proof: proof, ...rest } = file;
  if (name !== format || typeof older !== 'string' || typeof newer !== 'string' || Object.keys(rest).length > 0) throw refuse(`it is not ${format}`);
  if (root === undefined && proof === undefined) return { older, newer };
  if (typeof root !== 'string' || !Array.isArray(proof) || proof.length > maxProofHashes) throw refuse('its proof is malformed');
  return { older, newer, prefix: { root: decode(root), proof: proof.map(decode) } };
}

/**
 * Returns if the key signed both notes and they contradict each other: its holder showed different logs to different people, or went on from
 * an older copy. Throws if they do not: it is no evidence then.
 * @param verifierKey - the log's key as the reader trusts it.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE` if a note is not that log's; `TALOS_AUDIT_BAD_EQUIVOCATION` if both may be of one log.
 */
export function verifyEquivocation(equivocation: Equivocation, verifierKey: string | VerifierKey): ProvenEquivocation {
  const { prefix } = equivocation;
  const [older, newer] = [verifyCheckpoint(equivocation.older, verifierKey), verifyCheckpoint(equivocation.newer, verifierKey)];
  if (older.size > newer.size) throw refuse('its notes are in the wrong order');
  if (older.size === newer.size) {
    if (prefix !== undefined) throw refuse('two notes of one size need no proof');
    if (equalBytes(older.root, newer.root)) throw refuse('both notes say the same');
    return { older, newer };
  }
  if (prefix === undefined) throw refuse('notes of two sizes do not contradict each other without a proof');
  if (equalBytes(prefix.root, older.root)) throw refuse('the larger tree begins with the smaller one');
  try {
    // This root, and because of the hash no other one, is what the larger tree has at the smaller size.
    verifyConsistency({ oldSize: older.size, oldRoot: prefix.root, newSize: newer.size, newRoot: newer.root, proof: prefix.proof });
  } catch (cause) {
    if (!TalosError.isInstance(cause)) throw cause;
    throw refuse('its proof does not lead to the larger tree', cause);
  }
  return { older, newer };
}

function parseJson(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = parseStrictJson(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    if (!TalosError.isInstance(error)) throw error;
  }
  throw refuse('it is not a JSON object');
}

function decode(text: unknown): Uint8Array {
  try {
    if (typeof text === 'string') return decodeBase64(text);
  } catch (error) {
    if (!TalosError.isInstance(error)) throw error;
  }
  throw refuse('a hash of it is not canonical base64');
}

function refuse(reason: string, cause?: unknown): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_BAD_EQUIVOCATION', message: `the equivocation file was refused: ${reason}`, cause });
}
