/** Makes an evidence file from a log: proofs to one checkpoint, and only those payloads that were named for disclosure. @module */
import type { ProvingLog } from '../audit/log-reader.ts';
import { parseCheckpoint } from '../audit/checkpoint.ts';
import { formatNote, parseNote, type NoteSignature } from '../audit/signed-note.ts';
import { equalBytes } from '../bytes/equal.ts';
import { EvidenceError } from '../errors/evidence-error.ts';
import { requireObject } from '../errors/require.ts';
import { verifyKeyHistory, type KeyHistory } from '../identity/key-history.ts';
import type { ConsistencyEvidence, DisclosureEvidence, EntryEvidence, Evidence, ForeignEvidence, LogEvidence, RangeEvidence } from './evidence.ts';
import { formatEvidence } from './format-evidence.ts';

export type LogSelection = {
  /** An open log, or one that is only read (`readAuditLog`). */
  readonly log: ProvingLog;
  /** Indices of single entries. One that lies in a window of `ranges` is not put in twice. */
  readonly entries?: readonly number[];
  /** Windows that are proved complete; they may not overlap. */
  readonly ranges?: readonly { readonly start: number; readonly end: number }[];
  /** Payloads to open, field by field. Everything else stays committed to and unseen. */
  readonly disclose?: readonly { readonly index: number; readonly fields: readonly string[] }[];
  /** Sizes that the reader has seen before, at least 1: the file proves that the log continues each. */
  readonly since?: readonly number[];
  /** Notes of this log with cosignatures: their lines are joined to those of the log's own note of the size. Other sizes are proved as `since`. */
  readonly cosigned?: readonly string[];
  /** The signed size that proofs lead to, where the newest is not to be shown: it has no cosignatures yet. */
  readonly upTo?: number;
};

export type EvidenceSelection = {
  readonly logs: readonly LogSelection[];
  readonly histories?: readonly KeyHistory[];
  readonly foreign?: readonly ForeignEvidence[];
};

/**
 * Proves what was selected up to each log's newest checkpoint; an open log signs one now. Commitments that are not named are not opened.
 * @returns the file's text.
 * @throws {@link EvidenceError} `TALOS_EVIDENCE_NOT_PROVABLE` if a payload was erased or never committed to, or a cosigned note is not of this log;
 * `TALOS_EVIDENCE_LIMIT`, `TALOS_EVIDENCE_MALFORMED` if the file would be too large or hold something twice.
 * @throws {@link AuditError} `TALOS_AUDIT_NOT_FOUND` on an index, window or size that the log does not have.   @throws {@link StoreError}.
 */
export async function assembleEvidence(selection: EvidenceSelection): Promise<string> {
  requireObject('selection', selection);
  const logs: LogEvidence[] = [];
  for (const log of selection.logs) logs.push(await assembleLog(log));
  const histories = (selection.histories ?? []).map((events) => ({ did: verifyKeyHistory(events).did, events }));
  const evidence: Evidence = { logs, histories, foreign: selection.foreign ?? [] };
  return formatEvidence(evidence);
}

/** One log of a file: `assembleEvidence` without the file. */
export async function assembleLog({ log, entries = [], ranges = [], disclose = [], since = [], cosigned = [], upTo }: LogSelection): Promise<LogEvidence> {
  const notes = new Map<number, string>();
  const newest = upTo === undefined ? await log.checkpoint() : await checkpointOf(log, upTo);
  if (upTo !== undefined && newest === undefined) throw notProvable('no checkpoint of the size of upTo was signed');
  for (const note of [newest, ...cosigned]) addNote(notes, note, log.origin);
  const size = Math.max(...notes.keys());
  for (const old of since) if (!notes.has(old)) addNote(notes, await checkpointOf(log, old), log.origin);
  const old = new Set([...since, ...notes.keys()].filter((each) => each < size && each > 0));
  return {
    origin: log.origin,
    checkpoints: [...notes].map(([of, note]) => ({ size: of, note })),
    ranges: await proveRanges(log, ranges, size),
    entries: await proveEntries(log, outside(entries, ranges), size),
    consistency: await proveSince(log, [...old], size),
    disclosures: await openAll(log, disclose),
  };
}

/** Notes of one size have one text; their signatures are joined, each once. */
function addNote(notes: Map<number, string>, note: string | undefined, origin: string): void {
  if (note === undefined) return;
  const { size, origin: named } = parseCheckpoint(note);
  const present = notes.get(size);
  const added = parseNote(note);
  if (named !== origin || (present !== undefined && parseNote(present).text !== added.text))
    throw notProvable('a cosigned note is of another log, or of another history of this one');
  const signatures = [...(present === undefined ? [] : parseNote(present).signatures)];
  for (const line of added.signatures) if (!signatures.some((kept) => isSameLine(kept, line))) signatures.push(line);
  notes.set(size, formatNote({ text: added.text, signatures }));
}

function isSameLine(a: NoteSignature, b: NoteSignature): boolean {
  return a.name === b.name && equalBytes(a.keyId, b.keyId) && equalBytes(a.signature, b.signature);
}

/** A size that was seen was signed; where its note is gone the reader's own copy has to do. */
async function checkpointOf(log: ProvingLog, size: number): Promise<string | undefined> {
  return (await log.proveInclusion(size - 1, size)).checkpoint;
}

function outside(entries: readonly number[], ranges: readonly { readonly start: number; readonly end: number }[]): number[] {
  return [...new Set(entries)].filter((index) => !ranges.some(({ start, end }) => index >= start && index < end));
}

/** So many proofs are asked for at once: a store in a thread answers them in one turn. */
const atOnce = 256;

async function inTurns<Item, Proved>(items: readonly Item[], prove: (item: Item) => Promise<Proved>): Promise<Proved[]> {
  const proved: Proved[] = [];
  for (let from = 0; from < items.length; from += atOnce) proved.push(...(await Promise.all(items.slice(from, from + atOnce).map(prove))));
  return proved;
}

function proveEntries(log: ProvingLog, indices: readonly number[], size: number): Promise<EntryEvidence[]> {
  return inTurns(indices, async (index) => {
    const { proof, entry } = await log.proveInclusion(index, size);
    return { index, size, proof, entry };
  });
}

function proveRanges(log: ProvingLog, ranges: readonly { readonly start: number; readonly end: number }[], size: number): Promise<RangeEvidence[]> {
  return inTurns(ranges, async ({ start, end }) => {
    const { proof, entries } = await log.proveRange({ start, end, size });
    return { start, end, size, proof, entries };
  });
}

function proveSince(log: ProvingLog, sizes: readonly number[], to: number): Promise<ConsistencyEvidence[]> {
  return inTurns(sizes, async (from) => ({ from, to, proof: (await log.proveConsistency(from, to)).proof }));
}

async function openAll(log: ProvingLog, disclose: NonNullable<LogSelection['disclose']>): Promise<DisclosureEvidence[]> {
  const opened = await inTurns(disclose, async ({ index, fields }) => {
    const openings = await log.openings(index);
    return fields.map((field) => {
      const opening = openings.find((each) => each.field === field);
      if (opening === undefined) throw notProvable(`nothing opens ${field} of entry ${index}: it was erased, or never committed to`);
      return { index, field, salt: opening.salt, payload: opening.payload };
    });
  });
  return opened.flat();
}

function notProvable(message: string): EvidenceError {
  return new EvidenceError({ code: 'TALOS_EVIDENCE_NOT_PROVABLE', message });
}
