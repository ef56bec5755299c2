/**
 * One entry's proof in the text form of c2sp.org/tlog-proof, for verifiers that are not ours. The entry itself stands in its `extra` line,
 * which nothing signs: whoever reads it hashes it. @module
 */
import { decodeBase64, encodeBase64 } from '../bytes/base64.ts';
import { AuditError } from '../errors/audit-error.ts';
import { requireObject, requireText } from '../errors/require.ts';
import { TalosError } from '../errors/talos-error.ts';
import { parseCheckpoint } from './checkpoint.ts';
import type { EntryProof } from './entry-proof.ts';
import { maxEntryBytes } from './entry.ts';
import { hashLeaf, hashLength } from './tree-hash.ts';

const firstLine = 'c2sp.org/tlog-proof@v1';

/** An index below 2^53 has no more; a longer list would only be hashed to be refused. */
const maxHashes = 53;

/** A note of 512 KiB, an entry in base64 and the hashes. */
const maxProofText = 1024 * 1024;

const decimal = /^(?:0|[1-9]\d{0,15})$/;

/**
 * @param proof - with its checkpoint: a tlog-proof is nothing without one.
 * @throws {@link AuditError} `TALOS_AUDIT_INCLUSION` if it has none.
 */
export function formatTlogProof(proof: EntryProof): string {
  requireObject('proof', proof);
  const { index, entry, checkpoint } = proof;
  if (checkpoint === undefined) throw refuse('it holds no checkpoint: prove to a size that was signed');
  const lines = [firstLine, `extra ${encodeBase64(entry)}`, `index ${index}`, ...proof.proof.map(encodeBase64)];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

/**
 * Reads a tlog-proof that carries its entry, and checks its form only: `verifyEntryProof` believes nothing of it.
 * @throws {@link AuditError} `TALOS_AUDIT_INCLUSION` on another form, or `TALOS_AUDIT_BAD_NOTE` on a malformed checkpoint.
 */
export function parseTlogProof(text: string): EntryProof {
  requireText('tlog-proof', text);
  if (text.length > maxProofText) throw refuse('it has more than 1 MiB');
  const split = text.indexOf('\n\n');
  const [first, extra = '', index = '', ...hashes] = split === -1 ? [] : text.slice(0, split).split('\n');
  if (first !== firstLine) throw refuse(`its first line is not ${firstLine}`);
  if (!extra.startsWith('extra ')) throw refuse('it has no extra line with the entry');
  if (!index.startsWith('index ') || !decimal.test(index.slice('index '.length))) throw refuse('its index is not a canonical number');
  if (hashes.length > maxHashes) throw refuse(`it has more than ${maxHashes} hashes`);
  const checkpoint = text.slice(split + 2);
  const { size } = parseCheckpoint(checkpoint);
  const entry = decode(extra.slice('extra '.length));
  const proof = hashes.map(decode);
  if (entry.length > maxEntryBytes || proof.some(({ length }) => length !== hashLength))
    throw refuse('its entry is too large or a hash does not have 32 bytes');
  return { index: Number(index.slice('index '.length)), size, leafHash: hashLeaf(entry), proof, entry, checkpoint };
}

function decode(text: string): Uint8Array {
  try {
    return decodeBase64(text);
  } catch (error) {
    throw TalosError.isInstance(error) ? refuse('a line is not canonical base64') : error;
  }
}

function refuse(reason: string): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_INCLUSION', message: `the tlog-proof was refused: ${reason}` });
}
