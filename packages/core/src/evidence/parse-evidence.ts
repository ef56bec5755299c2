/** Reads an evidence file's form, all of it or nothing: canonical JSON with exactly the members of the format (docs/spec/08 §2). @module */
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import { decodeUtf8 } from '../bytes/utf8.ts';
import { maxPayloadBytes, saltLength } from '../audit/commitment.ts';
import { maxEntryBytes } from '../audit/entry.ts';
import { hashLength } from '../audit/tree-hash.ts';
import { maxNameLength } from '../audit/verifier-key.ts';
import { EvidenceError } from '../errors/evidence-error.ts';
import { requireUint8Array } from '../errors/require.ts';
import { TalosError } from '../errors/talos-error.ts';
import {
  evidenceBounds as bounds,
  evidenceFormat,
  type CheckpointEvidence,
  type ConsistencyEvidence,
  type DisclosureEvidence,
  type EntryEvidence,
  type Evidence,
  type ForeignEvidence,
  type HistoryEvidence,
  type LogEvidence,
  type RangeEvidence,
} from './evidence.ts';
import { malformed, readBytes, readCount, readList, readMembers, readText, requireAscending, type Field } from './fields.ts';

/** As deep as the format is. */
const maxDepth = 8;
const maxDidLength = 128;
const maxFieldLength = 64;
/** An event's text and its one or two signatures (docs/spec/01 §5). */
const maxEventLength = 2048;
const maxSignatures = 2;

export const foreignType = /^[a-z][a-z0-9.-]{0,63}$/;

/**
 * Checks the form only: nothing that the file says is believed.
 * @throws {@link EvidenceError} `TALOS_EVIDENCE_MALFORMED`, `_VERSION` or `_LIMIT`; the message names the place, never the content.
 */
export function parseEvidence(file: string | Uint8Array): Evidence {
  const text = toText(file);
  const value = parseJson(text);
  requireVersion(value);
  // One text for one content: what was reformatted, or written twice, was not written by us.
  if (canonicalJson(value) !== text) throw malformed('', 'is not canonical JSON');
  const top = readMembers({ value, at: '' }, ['format', 'logs', 'histories', 'foreign']);
  const logs = readList(top.logs, bounds.logs).map(readLog);
  requireAscending(top.logs, logs, ({ origin }) => [origin]);
  const histories = readList(top.histories, bounds.histories).map(readHistory);
  requireAscending(top.histories, histories, ({ did }) => [did]);
  const foreign = readList(top.foreign, bounds.foreign).map(readForeign);
  requireAscending(top.foreign, readList(top.foreign, bounds.foreign), foreignKey);
  return { logs, histories, foreign };
}

function toText(file: string | Uint8Array): string {
  if (typeof file !== 'string') requireUint8Array('file', file);
  if (file.length > bounds.text) throw new EvidenceError({ code: 'TALOS_EVIDENCE_LIMIT', message: `evidence refused: it has more than ${bounds.text} bytes` });
  if (typeof file === 'string') return file;
  try {
    return decodeUtf8(file);
  } catch (error) {
    throw TalosError.isInstance(error) ? malformed('', 'is not UTF-8') : error;
  }
}

function parseJson(text: string): JsonValue {
  try {
    return parseStrictJson(text, { maxDepth });
  } catch (error) {
    throw TalosError.isInstance(error) ? malformed('', `is no JSON that is read in one way: ${error.message}`) : error;
  }
}

/** Before anything else: a later version may have other members. */
function requireVersion(value: JsonValue): void {
  const named = typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject)['format'] : undefined;
  if (typeof named !== 'string') throw malformed('', 'does not say its format');
  if (named !== evidenceFormat)
    throw new EvidenceError({
      code: 'TALOS_EVIDENCE_VERSION',
      message: `evidence refused: this reader knows ${evidenceFormat} only: read it with a newer one`,
    });
}

function readLog(field: Field): LogEvidence {
  const log = readMembers(field, ['origin', 'checkpoints', 'entries', 'ranges', 'consistency', 'disclosures']);
  const checkpoints = readList(log.checkpoints, bounds.checkpoints).map(readCheckpoint);
  requireAscending(log.checkpoints, checkpoints, ({ size }) => [size]);
  const entries = readList(log.entries, bounds.entries).map(readEntry);
  requireAscending(log.entries, entries, ({ index }) => [index]);
  const ranges = readList(log.ranges, bounds.ranges).map(readRange);
  requireApart(log.ranges, ranges, entries);
  const consistency = readList(log.consistency, bounds.consistency).map(readConsistency);
  requireAscending(log.consistency, consistency, ({ from, to }) => [from, to]);
  const disclosures = readList(log.disclosures, bounds.disclosures).map(readDisclosure);
  requireAscending(log.disclosures, disclosures, ({ index, field }) => [index, field]);
  return { origin: readText(log.origin, maxNameLength), checkpoints, entries, ranges, consistency, disclosures };
}

/** Each entry stands once: in one range, or by itself. Two statements about one index could disagree. */
function requireApart(field: Field, ranges: readonly RangeEvidence[], entries: readonly EntryEvidence[]): void {
  let end = 0;
  let total = 0;
  for (const [i, range] of ranges.entries()) {
    if (range.start < end) throw malformed(`${field.at}[${i}]`, 'overlaps another range, or stands not in its order');
    if (range.end <= range.start || range.entries.length !== range.end - range.start)
      throw malformed(`${field.at}[${i}]`, 'does not hold one entry for each index');
    ({ end } = range);
    total += range.entries.length;
  }
  if (total > bounds.rangeEntries)
    throw new EvidenceError({ code: 'TALOS_EVIDENCE_LIMIT', message: `evidence refused: ${field.at} hold more than ${bounds.rangeEntries} entries` });
  let next = 0;
  for (const { index } of entries) {
    while (next < ranges.length && (ranges[next] as RangeEvidence).end <= index) next++;
    const range = ranges[next];
    if (range !== undefined && index >= range.start) throw malformed(`${field.at}[${next}]`, `holds entry ${index}, which stands by itself too`);
  }
}

function readCheckpoint(field: Field): CheckpointEvidence {
  const { size, note } = readMembers(field, ['size', 'note']);
  return { size: readCount(size), note: readText(note, bounds.note) };
}

function readEntry(field: Field): EntryEvidence {
  const { index, size, proof, entry } = readMembers(field, ['index', 'size', 'proof', 'entry']);
  return { index: readCount(index), size: readCount(size), proof: readHashes(proof), entry: readBytes(entry, maxEntryBytes) };
}

function readRange(field: Field): RangeEvidence {
  const { start, end, size, proof, entries } = readMembers(field, ['start', 'end', 'size', 'proof', 'entries']);
  const bytes = readList(entries, bounds.rangeEntries).map((entry) => readBytes(entry, maxEntryBytes));
  return { start: readCount(start), end: readCount(end), size: readCount(size), proof: readHashes(proof), entries: bytes };
}

function readConsistency(field: Field): ConsistencyEvidence {
  const { from, to, proof } = readMembers(field, ['from', 'to', 'proof']);
  return { from: readCount(from), to: readCount(to), proof: readHashes(proof) };
}

function readDisclosure(field: Field): DisclosureEvidence {
  const { index, field: name, salt, payload } = readMembers(field, ['index', 'field', 'salt', 'payload']);
  const read = {
    index: readCount(index),
    field: readText(name, maxFieldLength),
    salt: readBytes(salt, saltLength),
    payload: readBytes(payload, maxPayloadBytes),
  };
  if (read.salt.length !== saltLength) throw malformed(salt.at, `does not have ${saltLength} bytes`);
  return read;
}

function readHashes(field: Field): Uint8Array[] {
  return readList(field, bounds.hashes).map((item) => {
    const hash = readBytes(item, hashLength);
    if (hash.length !== hashLength) throw malformed(item.at, `does not have ${hashLength} bytes`);
    return hash;
  });
}

function readHistory(field: Field): HistoryEvidence {
  const { did, events } = readMembers(field, ['did', 'events']);
  return {
    did: readText(did, maxDidLength),
    events: readList(events, bounds.events).map((item) => {
      const { event, signatures } = readMembers(item, ['event', 'signatures']);
      return { event: readText(event, maxEventLength), signatures: readSignatures(signatures) };
    }),
  };
}

function readSignatures({ value, at }: Field): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(at, 'is not an object');
  const signatures = Object.entries(value as JsonObject);
  if (signatures.length > maxSignatures) throw malformed(at, `has more than ${maxSignatures} members`);
  // A member called __proto__ would be lost in an assignment, and is one here.
  return Object.fromEntries(signatures.map(([name, member]) => [name, readText({ value: member, at: `${at}.${name.slice(0, 64)}` }, 128)]));
}

function readForeign(field: Field): ForeignEvidence {
  const { type, origin, size, data } = readMembers(field, ['type', 'origin', 'size', 'data']);
  const read = { type: readText(type, 64), origin: readText(origin, maxNameLength), size: readCount(size), data: readBytes(data, bounds.foreignBytes) };
  if (!foreignType.test(read.type)) throw malformed(type.at, 'is not a name of a-z, 0-9, "." and "-"');
  return read;
}

/** By its text: bytes have no order of their own. */
function foreignKey({ value }: Field): readonly (number | string)[] {
  const { origin, size, type, data } = value as { readonly origin: string; readonly size: number; readonly type: string; readonly data: string };
  return [origin, size, type, data];
}
