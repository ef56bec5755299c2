/**
 * Cosignatures of witnesses (c2sp.org/tlog-cosignature, Ed25519, `cosignature/v1`): "at this time, this was the largest tree of this log
 * that I have seen, and it began with every one I had seen before". @module
 */
import { verifyEd25519 } from '#suite';
import { concatBytes } from '../bytes/concat.ts';
import { equalBytes } from '../bytes/equal.ts';
import { ByteReader } from '../bytes/reader.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { ByteWriter } from '../bytes/writer.ts';
import { AuditError } from '../errors/audit-error.ts';
import { TalosError } from '../errors/talos-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { Signer } from '../identity/signer.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts';
import type { NoteSignature } from './signed-note.ts';
import { formatKey, keyIdOf, keyTypes, parseKey } from './verifier-key.ts';

/** A witness's key as a reader trusts it. Not a `VerifierKey`: what it signs begins with a time, so that neither passes for the other. */
export type CosignerKey = { readonly name: string; readonly keyId: Uint8Array; readonly cosigner: Ed25519PublicKey };

/** A cosignature that was verified. `time`: seconds since 1970, as the witness says. */
export type Cosignature = { readonly name: string; readonly keyId: Uint8Array; readonly time: number };

/** Time, then the signature. */
const cosignatureLength = 8 + 64;

/** @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE` on a name that is empty, too long, or holds white space or `+`. */
export function makeCosignerKey(name: string, cosigner: Ed25519PublicKey): CosignerKey {
  return { name, keyId: keyIdOf({ name, publicKey: cosigner, type: keyTypes.cosignature }), cosigner };
}

/** `name+hash+keydata` of type 0x04. */
export function formatCosignerKey({ name, keyId, cosigner }: CosignerKey): string {
  return formatKey({ name, keyId, publicKey: cosigner, type: keyTypes.cosignature });
}

/** @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE` on a malformed text, another key type (a log's, or ML-DSA-44), or a hash that is not the key's. */
export function parseCosignerKey(text: string): CosignerKey {
  const { name, keyId, publicKey } = parseKey(text, keyTypes.cosignature);
  return { name, keyId, cosigner: publicKey };
}

/**
 * Cosigns a checkpoint. Whoever calls this has verified that it continues every one it cosigned before, and keeps it durably first.
 * @param witness - `time`: seconds since 1970. `signer`: a key of this witness alone, as the signed text does not hold its name.
 * @returns The signature, to be added to the note's.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE` if `note` is no checkpoint.   @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` on a time that is none.
 */
export async function cosignCheckpoint(
  note: string,
  witness: { readonly name: string; readonly signer: Signer; readonly time: number },
): Promise<NoteSignature> {
  const { name, signer, time } = witness;
  requireSeconds('time', time);
  const text = formatCheckpoint(parseCheckpoint(note));
  const { keyId } = makeCosignerKey(name, signer.publicKey);
  const signature = await signer.sign(cosignedMessage(text, time));
  return { name, keyId, signature: concatBytes(new ByteWriter().u64(time).finish(), signature) };
}

export type CosignatureOptions = {
  /** Seconds since 1970: a cosignature of a later time is refused. Default: none is too late. */
  readonly notAfter?: number;
};

/**
 * The cosignatures of these witnesses on a checkpoint, each once, in the order of the note; those of unknown witnesses are passed over. It
 * says nothing about the log's own signature: see `verifyWitnessed`.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE` if the note is no checkpoint, or if a line under the name and id of one of `keys` is not its
 * cosignature or is of after `notAfter`.
 */
export function verifyCosignatures(note: string | Uint8Array, keys: readonly CosignerKey[], options: CosignatureOptions = {}): Cosignature[] {
  const { notAfter } = options;
  if (notAfter !== undefined) requireSeconds('notAfter', notAfter);
  const { signatures, ...checkpoint } = parseCheckpoint(note);
  const text = formatCheckpoint(checkpoint);
  const verified: Cosignature[] = [];
  for (const line of signatures) {
    const candidates = keys.filter((key) => key.name === line.name && equalBytes(key.keyId, line.keyId));
    if (candidates.length > 1) throw refuse('two trusted witnesses have the name and id of one cosignature');
    const key = candidates[0];
    if (key === undefined) continue;
    const time = verifyLine({ text, line, key });
    if (notAfter !== undefined && time > notAfter) throw refuse('a cosignature is of a time to come');
    if (!verified.some((other) => other.name === key.name && equalBytes(other.keyId, key.keyId) && other.time === time))
      verified.push({ name: key.name, keyId: key.keyId, time });
  }
  return verified;
}

function verifyLine({ text, line, key }: { readonly text: string; readonly line: NoteSignature; readonly key: CosignerKey }): number {
  if (line.signature.length !== cosignatureLength) throw refuse('it does not have 72 bytes');
  try {
    const reader = new ByteReader(line.signature);
    const time = reader.u64();
    verifyEd25519(key.cosigner, cosignedMessage(text, time), reader.take(64));
    return time;
  } catch (cause) {
    if (!TalosError.isInstance(cause)) throw cause;
    throw refuse('it does not verify under the key of a trusted witness', cause);
  }
}

function requireSeconds(title: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `${title} must be whole seconds since 1970` });
}

function cosignedMessage(checkpointText: string, time: number): Uint8Array {
  return encodeUtf8(`cosignature/v1\ntime ${time}\n${checkpointText}`);
}

function refuse(reason: string, cause?: unknown): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_BAD_NOTE', message: `the cosignature was refused: ${reason}`, cause });
}
