/** Writes an evidence file: canonical JSON, lists in their order, bytes in base64. @module */
import { encodeBase64 } from '../bytes/base64.ts';
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonObject } from '../bytes/json-value.ts';
import { EvidenceError } from '../errors/evidence-error.ts';
import { evidenceBounds, evidenceFormat, type Evidence, type ForeignEvidence, type LogEvidence } from './evidence.ts';
import { compareKeys } from './fields.ts';
import { parseEvidence } from './parse-evidence.ts';

/**
 * The file's text. Lists may come in any order.
 * @throws {@link EvidenceError} `TALOS_EVIDENCE_MALFORMED` on what no reader would take, as a claim that stands twice; `TALOS_EVIDENCE_LIMIT`.
 */
export function formatEvidence({ logs, histories, foreign }: Evidence): string {
  requireRoom(logs);
  const text = canonicalJson({
    format: evidenceFormat,
    logs: sorted(logs, ({ origin }) => [origin]).map(logText),
    histories: sorted(histories, ({ did }) => [did]).map(({ did, events }) => ({
      did,
      events: events.map(({ event, signatures }) => ({ event, signatures: { ...signatures } })),
    })),
    foreign: sorted(foreign.map(foreignText), ({ origin, size, type, data }) => [origin, size, type, data]),
  });
  // Whoever makes a file that cannot be read learns of it here, and not from the auditor.
  parseEvidence(text);
  return text;
}

function logText({ origin, checkpoints, entries, ranges, consistency, disclosures }: LogEvidence): JsonObject {
  return {
    origin,
    checkpoints: sorted(checkpoints, ({ size }) => [size]).map(({ size, note }) => ({ size, note })),
    entries: sorted(entries, ({ index }) => [index]).map(({ index, size, proof, entry }) => ({
      index,
      size,
      proof: proof.map(encodeBase64),
      entry: encodeBase64(entry),
    })),
    ranges: sorted(ranges, ({ start }) => [start]).map(({ start, end, size, proof, entries: bytes }) => ({
      start,
      end,
      size,
      proof: proof.map(encodeBase64),
      entries: bytes.map(encodeBase64),
    })),
    consistency: sorted(consistency, ({ from, to }) => [from, to]).map(({ from, to, proof }) => ({ from, to, proof: proof.map(encodeBase64) })),
    disclosures: sorted(disclosures, ({ index, field }) => [index, field]).map(({ index, field, salt, payload }) => ({
      index,
      field,
      salt: encodeBase64(salt),
      payload: encodeBase64(payload),
    })),
  };
}

function foreignText({ type, origin, size, data }: ForeignEvidence) {
  return { type, origin, size, data: encodeBase64(data) };
}

function sorted<T>(items: readonly T[], keyOf: (item: T) => readonly (number | string)[]): T[] {
  return items.toSorted((a, b) => compareKeys(keyOf(a), keyOf(b)));
}

/** Before the text is made: a string has an end of its own, and its error would not say what to do. */
function requireRoom(logs: readonly LogEvidence[]): void {
  let bytes = 0;
  for (const { entries, ranges, disclosures } of logs) {
    for (const { entry, proof } of entries) bytes += entry.length + 34 * proof.length;
    for (const range of ranges) for (const entry of range.entries) bytes += entry.length;
    for (const { payload } of disclosures) bytes += payload.length;
  }
  if (bytes > (evidenceBounds.text / 4) * 3)
    throw new EvidenceError({ code: 'TALOS_EVIDENCE_LIMIT', message: `the evidence is above ${evidenceBounds.text} characters: make several files` });
}
