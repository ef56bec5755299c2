/** A range proof as a file: what an auditor gets who asks for everything between two entries (docs/spec/03 §4). @module */
import { decodeBase64, encodeBase64 } from '../bytes/base64.ts';
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import { EncodingError } from '../errors/encoding-error.ts';
import { requireObject, requireText } from '../errors/require.ts';
import { hashLength } from './tree-hash.ts';
import { maxRangeEntries, type RangeProof } from './range.ts';

const format = 'talos/range-proof/v1';
const members = ['checkpoint', 'end', 'entries', 'format', 'proof', 'size', 'start'];

/** Characters. A window of 65,536 entries of two kilobytes; a window of larger entries is proved in parts. */
const maxRangeText = 256 * 1024 * 1024;

/** Two hashes for each of 53 levels. */
const maxRangeHashes = 106;

/** The proof as canonical JSON, hashes and entries in base64. @throws {@link EncodingError} `TALOS_ENCODING_JSON` above 256 Mi characters. */
export function formatRangeProof(range: RangeProof): string {
  requireObject('range', range);
  const { start, end, size, proof, entries, checkpoint } = range;
  if (entries.reduce((sum, { length }) => sum + length * 1.5, 0) > maxRangeText) throw malformed('it is too large for one file: prove the window in parts');
  return canonicalJson({ format, start, end, size, proof: proof.map(encodeBase64), entries: entries.map(encodeBase64), checkpoint });
}

/**
 * Reads what `formatRangeProof` wrote, and checks its form only: `verifyRange` believes nothing of it.
 * @throws {@link EncodingError} `TALOS_ENCODING_JSON` or `TALOS_ENCODING_TEXT` on another form, unknown members, or more than 256 Mi characters.
 */
export function parseRangeProof(text: string): RangeProof {
  requireText('range proof', text);
  if (text.length > maxRangeText) throw malformed('it is too large');
  const value = parseStrictJson(text, { maxDepth: 2 });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('it is not an object');
  const { checkpoint, proof, entries, format: named, start, end, size } = value as JsonObject;
  if (Object.keys(value).toSorted().join() !== members.join() || named !== format) throw malformed(`its members are not ${members.join(', ')} in ${format}`);
  if (!isCount(start) || !isCount(end) || !isCount(size)) throw malformed('start, end or size is not a count');
  if (typeof checkpoint !== 'string') throw malformed('checkpoint is not a text');
  const hashes = bytesOf(proof, maxRangeHashes);
  if (hashes.some(({ length }) => length !== hashLength)) throw malformed('a hash does not have 32 bytes');
  return { start, end, size, proof: hashes, entries: bytesOf(entries, maxRangeEntries), checkpoint };
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function bytesOf(value: JsonValue | undefined, most: number): Uint8Array[] {
  if (!Array.isArray(value) || value.length > most) throw malformed(`proof or entries is not an array of at most ${most}`);
  return (value as readonly JsonValue[]).map((item) => {
    if (typeof item !== 'string') throw malformed('a hash or an entry is not base64 text');
    return decodeBase64(item);
  });
}

function malformed(reason: string): EncodingError {
  return new EncodingError({ code: 'TALOS_ENCODING_JSON', message: `not a range proof: ${reason}` });
}
