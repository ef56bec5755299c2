/** Signed notes (c2sp.org/signed-note): a text, an empty line, one line per signature. @module */
import { verifyEd25519 } from '#suite';
import { decodeBase64, encodeBase64 } from '../bytes/base64.ts';
import { concatBytes } from '../bytes/concat.ts';
import { equalBytes } from '../bytes/equal.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { AuditError } from '../errors/audit-error.ts';
import { requireUint8Array } from '../errors/require.ts';
import { TalosError } from '../errors/talos-error.ts';
import type { Signer } from '../identity/signer.ts';
import { isKeyName, makeVerifierKey, type VerifierKey } from './verifier-key.ts';

/** One signature line. `signature` is 64 bytes for the keys we verify, other lengths for types we do not know. */
export type NoteSignature = { readonly name: string; readonly keyId: Uint8Array; readonly signature: Uint8Array };
/** `text` ends in a newline and is exactly what was signed. */
export type SignedNote = { readonly text: string; readonly signatures: readonly NoteSignature[] };

/** Room for a log's key, its successor and every witness anybody configures (c2sp.org/signed-note asks for at least 16). */
const maxSignatures = 100;
/** A checkpoint with 100 post-quantum cosignatures is 330 KB; nothing larger is read at all. */
const maxNoteBytes = 512 * 1024;

const separator = '\n\n';
/** Em dash and space: the only thing that makes a line a signature. */
const lineStart = '\u2014 ';

/** @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE` if `text` does not end in a newline, or on a name that is no key name. */
export async function signNote({ text, name }: { readonly text: string; readonly name: string }, signer: Signer): Promise<string> {
  if (!text.endsWith('\n')) throw refuse('a note ends in a newline');
  const { keyId } = makeVerifierKey(name, signer.publicKey);
  return formatNote({ text, signatures: [{ name, keyId, signature: await signer.sign(encodeUtf8(text)) }] });
}

export function formatNote(note: SignedNote): string {
  return `${note.text}\n${note.signatures.map((line) => `${formatSignature(line)}\n`).join('')}`;
}

/** One line, without its newline. */
export function formatSignature({ name, keyId, signature }: NoteSignature): string {
  return `${lineStart}${name} ${encodeBase64(concatBytes(keyId, signature))}`;
}

/**
 * Reads a note without believing it.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE` on more than 512 KiB, bytes that are not UTF-8, control characters, no signature,
 * more than 100 signatures, or a line that is not a signature.
 */
export function parseNote(note: string | Uint8Array): SignedNote {
  if (typeof note !== 'string') requireUint8Array('note', note);
  const whole = toText(note);
  const split = whole.lastIndexOf(separator);
  if (split === -1 || !whole.endsWith('\n')) throw refuse('it is not text, empty line, signature lines');
  const lines = whole.slice(split + separator.length, -1).split('\n');
  if (lines.length > maxSignatures) throw refuse(`it has more than ${maxSignatures} signatures`);
  return { text: whole.slice(0, split + 1), signatures: lines.map(parseLine) };
}

/**
 * Returns the note if at least one of `keys` signed it. Signatures of unknown keys are handed back unverified, as witnesses come and go;
 * a wrong signature under a known key refuses the whole note.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE`.
 */
export function verifyNote(note: string | Uint8Array, keys: readonly VerifierKey[]): SignedNote & { readonly unverified: readonly NoteSignature[] } {
  const { text, signatures } = parseNote(note);
  const message = encodeUtf8(text);
  const verified: NoteSignature[] = [];
  const unverified: NoteSignature[] = [];
  for (const line of signatures) {
    const candidates = keys.filter((key) => key.name === line.name && equalBytes(key.keyId, line.keyId));
    // Two keys of one name and id: the reader's configuration does not say whose signature this would be.
    if (candidates.length > 1) throw refuse('two trusted keys have the name and id of one signature');
    const key = candidates[0];
    if (key === undefined) keepDistinct(unverified, line);
    else if (!verified.some((done) => done.name === key.name && equalBytes(done.keyId, key.keyId))) {
      requireSignature(key, message, line);
      verified.push(line);
    }
  }
  if (verified.length === 0) throw refuse('no trusted key signed it: pass the verifier key of this log');
  return { text, signatures: verified, unverified };
}

function requireSignature(key: VerifierKey, message: Uint8Array, line: NoteSignature): void {
  try {
    verifyEd25519(key.publicKey, message, line.signature);
  } catch (cause) {
    throw refuse('the signature of a trusted key does not verify', cause);
  }
}

/** A line repeated a hundred times is still one signature. */
function keepDistinct(lines: NoteSignature[], line: NoteSignature): void {
  if (!lines.some((kept) => kept.name === line.name && equalBytes(kept.keyId, line.keyId) && equalBytes(kept.signature, line.signature))) lines.push(line);
}

function toText(note: string | Uint8Array): string {
  if (note.length > maxNoteBytes) throw refuse(`it has more than ${maxNoteBytes} bytes`);
  const text = typeof note === 'string' ? note : decode(note);
  // C2SP: no control characters but newline; a carriage return would let two texts look like one.
  if (/[^\P{Cc}\n]/u.test(text) || !text.isWellFormed()) throw refuse('it holds a control character or is not Unicode');
  return text;
}

function decode(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch (cause) {
    throw refuse('it is not UTF-8', cause);
  }
}

function parseLine(line: string): NoteSignature {
  const [name, encoded, ...rest] = line.startsWith(lineStart) ? line.slice(lineStart.length).split(' ') : [];
  if (!isKeyName(name) || encoded === undefined || rest.length > 0) throw refuse('a signature line is malformed');
  const bytes = decodeSignature(encoded);
  if (bytes.length < 5) throw refuse('a signature is empty');
  return { name, keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) };
}

function decodeSignature(encoded: string): Uint8Array {
  try {
    return decodeBase64(encoded);
  } catch (error) {
    throw TalosError.isInstance(error) ? refuse('a signature is not canonical base64', error) : error;
  }
}

function refuse(reason: string, cause?: unknown): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_BAD_NOTE', message: `the signed note was refused: ${reason}`, cause });
}
