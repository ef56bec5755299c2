/** The proof of one entry as a value and as a file: all that a verifier needs who has only the log's key. @module */
import { decodeBase64, encodeBase64 } from '../bytes/base64.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import { AuditError } from '../errors/audit-error.ts';
import { EncodingError } from '../errors/encoding-error.ts';
import { requireObject, requireUint8Array } from '../errors/require.ts';
import { verifyCheckpoint, type Checkpoint } from './checkpoint.ts';
import { parseEntry, type Entry } from './entry.ts';
import { verifyInclusion } from './inclusion.ts';
import { hashLeaf } from './tree-hash.ts';
import type { VerifierKey } from './verifier-key.ts';
import { equalBytes } from '../bytes/equal.ts';

export type EntryProof = {
  readonly index: number;
  /** Size of the tree that the proof leads to. */
  readonly size: number;
  /** 32 bytes. */
  readonly leafHash: Uint8Array;
  /** Sibling hashes, leaf to root, 32 bytes each. */
  readonly proof: readonly Uint8Array[];
  /** The entry as it was hashed. */
  readonly entry: Uint8Array;
  /** The signed note of this size; absent where none was signed, and then the proof proves nothing by itself. */
  readonly checkpoint?: string;
};

export type VerifiedEntry = { readonly index: number; readonly leafHash: Uint8Array; readonly entry: Entry; readonly checkpoint: Checkpoint };

/**
 * Checks a proof from end to end: the note's signature, that its tree is the one proved to, the path, and that the leaf is this entry.
 * @param verifierKey - the log's key as the reader trusts it, `name+hash+keydata` or parsed: never one that came with the proof.
 * @returns the entry that the log holds.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE`, `TALOS_AUDIT_INCLUSION` or `TALOS_AUDIT_BAD_ENTRY`, whichever fails first.
 */
export function verifyEntryProof(proof: EntryProof, verifierKey: string | VerifierKey): VerifiedEntry {
  requireObject('proof', proof);
  const { index, size, leafHash, entry } = proof;
  requireUint8Array('proof.entry', entry);
  if (proof.checkpoint === undefined) throw refuse('it holds no checkpoint: prove to a size that was signed');
  const checkpoint = verifyCheckpoint(proof.checkpoint, verifierKey);
  // The root is taken from the signed note alone: what else the proof says about the tree is a claim.
  if (checkpoint.size !== size) throw refuse('it leads to another size than its checkpoint');
  verifyInclusion({ leafHash, index, size, root: checkpoint.root, proof: proof.proof });
  if (!equalBytes(hashLeaf(entry), leafHash)) throw refuse('its entry has another hash');
  return { index, leafHash, entry: parseEntry(entry), checkpoint };
}

const format = 'talos/entry-proof/v1';
/** An entry of 65,535 bytes and a note of 512 KiB in base64 and JSON. */
const maxProofText = 1024 * 1024;
const members = ['checkpoint', 'entry', 'format', 'index', 'leafHash', 'proof', 'size'];

/** The proof as JSON text, to be written to a file. Hashes and entry in base64. */
export function formatProof({ index, size, leafHash, proof, entry, checkpoint }: EntryProof): string {
  const text = { format, index, size, leafHash: encodeBase64(leafHash), proof: proof.map(encodeBase64), entry: encodeBase64(entry) };
  return JSON.stringify(checkpoint === undefined ? text : { ...text, checkpoint }, undefined, 2);
}

/**
 * Reads what `formatProof` wrote, and checks its form only: `verifyEntryProof` believes nothing of it.
 * @throws {@link EncodingError} `TALOS_ENCODING_JSON` or `TALOS_ENCODING_TEXT` on another form, unknown members, or more than 1 MiB.
 */
export function parseProof(text: string): EntryProof {
  if (typeof text !== 'string' || text.length > maxProofText) throw malformed('it is not a text of at most 1 MiB');
  const { index, size, leafHash, proof, entry, checkpoint, ...rest } = membersOf(parseStrictJson(text));
  if (rest['format'] !== format || Object.keys(rest).length !== 1) throw malformed(`its members are not ${members.join(', ')} in format ${format}`);
  if (!isCount(index) || !isCount(size)) throw malformed('index or size is not a count');
  if (!Array.isArray(proof)) throw malformed('proof is not an array');
  const read = { index, size, leafHash: bytesOf(leafHash), proof: proof.map(bytesOf), entry: bytesOf(entry) };
  if (checkpoint === undefined) return read;
  if (typeof checkpoint !== 'string') throw malformed('checkpoint is not a text');
  return { ...read, checkpoint };
}

function membersOf(value: JsonValue): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('it is not an object');
  return value as JsonObject;
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function bytesOf(value: JsonValue | undefined): Uint8Array {
  if (typeof value !== 'string') throw malformed('a hash or the entry is not base64 text');
  return decodeBase64(value);
}

function malformed(reason: string): EncodingError {
  return new EncodingError({ code: 'TALOS_ENCODING_JSON', message: `not a proof: ${reason}` });
}

function refuse(reason: string): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_INCLUSION', message: `the proof was refused: ${reason}` });
}
