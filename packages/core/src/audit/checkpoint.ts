/** Checkpoints (c2sp.org/tlog-checkpoint): a signed note over origin, size and root. No extension lines. @module */
import { decodeBase64, encodeBase64 } from '../bytes/base64.ts';
import { AuditError } from '../errors/audit-error.ts';
import { TalosError } from '../errors/talos-error.ts';
import type { Signer } from '../identity/signer.ts';
import { parseNote, signNote, verifyNote, type NoteSignature } from './signed-note.ts';
import { emptyRoot, hashLength } from './tree-hash.ts';
import { equalBytes } from '../bytes/equal.ts';
import { isKeyName, parseVerifierKey, type VerifierKey } from './verifier-key.ts';

/** The state of a log at one size. `root`: 32 bytes. */
export type Checkpoint = { readonly origin: string; readonly size: number; readonly root: Uint8Array };

/** `FormatInt(size)` and nothing else: two texts of one size would be two checkpoints. */
const decimal = /^(?:0|[1-9]\d{0,15})$/;

/**
 * The text that is signed: `origin \n size \n base64(root) \n`.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE` on an origin with white space or `+`, a size that is not exact, a root that is not 32 bytes.
 */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, root } = checkpoint;
  if (!isKeyName(origin)) throw refuse('an origin is a name without white space and "+", like acme.example/talos');
  if (!Number.isSafeInteger(size) || size < 0 || root.length !== hashLength) throw refuse('a size is an integer up to 2^53 - 1 and a root has 32 bytes');
  return `${origin}\n${size}\n${encodeBase64(root)}\n`;
}

/** The checkpoint as a note with the log's own signature, under its origin as key name. */
export function signCheckpoint(checkpoint: Checkpoint, signer: Signer): Promise<string> {
  return signNote({ text: formatCheckpoint(checkpoint), name: checkpoint.origin }, signer);
}

/**
 * Reads a checkpoint without believing it.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE` on anything but the canonical form: extension lines, a size with leading zeros or a
 * sign, a root that is not canonical base64 of 32 bytes, and what `parseNote` refuses.
 */
export function parseCheckpoint(note: string | Uint8Array): Checkpoint & { readonly signatures: readonly NoteSignature[] } {
  const { text, signatures } = parseNote(note);
  return { ...parseCheckpointText(text), signatures };
}

/**
 * Returns the checkpoint if the log's key signed it under its origin as name.
 * @param verifierKey - the log's key as the reader trusts it, not as it came with the proof: `name+hash+keydata` or parsed.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE`.
 */
export function verifyCheckpoint(note: string | Uint8Array, verifierKey: string | VerifierKey): Checkpoint {
  const key = typeof verifierKey === 'string' ? parseVerifierKey(verifierKey) : verifierKey;
  const checkpoint = parseCheckpointText(verifyNote(note, [key]).text);
  // A witness signs many logs: its key under its own name must not pass for the log's.
  if (checkpoint.origin !== key.name) throw refuse('it is of another origin than this verifier key');
  return checkpoint;
}

/** Origin, size and root as they are signed, without a signature. @throws as `parseCheckpoint`. */
export function parseCheckpointText(text: string): Checkpoint {
  const [origin, sizeText, rootText, end, ...rest] = text.split('\n');
  if (end !== '' || rest.length > 0 || sizeText === undefined || rootText === undefined) throw refuse('it is not origin, size and root on three lines');
  if (!isKeyName(origin)) throw refuse('its origin is not a name');
  const size = decimal.test(sizeText) ? Number(sizeText) : Number.NaN;
  if (!Number.isSafeInteger(size)) throw refuse('its size is not a canonical number up to 2^53 - 1');
  const root = decodeRoot(rootText);
  if (size === 0 && !equalBytes(root, emptyRoot())) throw refuse('its root is not that of the empty tree');
  return { origin, size, root };
}

function decodeRoot(text: string): Uint8Array {
  try {
    const root = decodeBase64(text);
    if (root.length === hashLength) return root;
  } catch (error) {
    if (!TalosError.isInstance(error)) throw error;
  }
  throw refuse('its root is not 32 bytes of canonical base64');
}

function refuse(reason: string): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_BAD_NOTE', message: `the checkpoint was refused: ${reason}` });
}
