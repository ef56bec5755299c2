/** What each export format says of an entry, how its lines are written and how they are read back. @module */
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import type { ExportedLeaf } from './exported-leaf.ts';

export type ExportFormat = 'jsonl' | 'csv' | 'otlp-logs' | 'otlp-spans' | 'ocsf' | 'cloudevents';

/** Where a row says that it belongs. */
export type RowPlace = { readonly origin: string; readonly index: number; readonly size: number };

/**
 * A file is made of lines; each holds one record or, in OTLP, several. Records are made as text: a SIEM is fed by the hundred million, and objects in
 * between would cost more than all else. Fresh for each file: a format may remember what it read before.
 */
export interface RecordFormat {
  /** A line before all others. */
  readonly header?: string;
  /** Undefined: the format has no record of this entry. */
  record(leaf: ExportedLeaf, size: number): string | undefined;
  /** The lines that hold these records, one at least, with the line ends. */
  write(records: readonly string[]): string;
  /** The records of one line; none for a header. @throws {@link TalosError} if it is not of the format. */
  read(line: string): readonly JsonObject[];
  /** A record as `record` made it, in the canonical form in which rows are compared. */
  canonical(record: string): string;
  /** Undefined if the record names no place in a log. */
  place(record: JsonObject): RowPlace | undefined;
}

/** Deep enough for an entry inside of any format. */
const maxDepth = 40;

/** Formats with one canonical JSON object on a line. */
export function jsonLines(format: Pick<RecordFormat, 'record' | 'place'>): RecordFormat {
  return {
    ...format,
    write: (records) => `${records.join('\n')}\n`,
    read: (line) => [readJson(line)],
    canonical: (record) => record,
  };
}

/** @throws {@link EncodingError} `TALOS_ENCODING_JSON` on anything but one object, and on a member that stands twice: two readers would see two rows. */
export function readJson(line: string): JsonObject {
  const value = parseStrictJson(line, { maxDepth });
  return isObject(value) ? value : {};
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @returns undefined unless all three are what they have to be. */
export function placeOf(origin: unknown, index: unknown, size: unknown): RowPlace | undefined {
  return typeof origin === 'string' && isCount(index) && isCount(size) ? { origin, index, size } : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Of a count as decimal text, the one way to write it. */
export function countOf(text: unknown): number | undefined {
  return typeof text === 'string' && /^(?:0|[1-9]\d{0,15})$/.test(text) ? Number(text) : undefined;
}
