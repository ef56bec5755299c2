/**
 * Checks rows that left the log against the log (docs/spec/11 §4). Every row is made again from its entry and compared whole: a changed column
 * is found beside a leaf hash that is right. @module
 */
import { sha256 } from '#suite';
import { canonicalJson } from '../bytes/canonical-json.ts';
import { equalBytes } from '../bytes/equal.ts';
import type { JsonObject } from '../bytes/json-value.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { newestCheckpoint, requireWindow, signedLeaves, type SignedLog } from '../audit/signed-leaves.ts';
import type { Entry } from '../audit/entry.ts';
import { EvidenceError } from '../errors/evidence-error.ts';
import { requireObject } from '../errors/require.ts';
import { TalosError } from '../errors/talos-error.ts';
import { leafOfEntry, readLeaf, type ExportedLeaf } from './exported-leaf.ts';
import { openFormat } from './formats.ts';
import type { ExportFormat, RecordFormat } from './record-format.ts';
import { RowTable } from './row-table.ts';
import { splitLines, type Pieces } from './split-lines.ts';

/** An entry that `verifyEvidence` proved. */
export type ProvedRow = { readonly origin: string; readonly index: number; readonly entry: Entry };

export type VerifySiemOptions = {
  readonly format: ExportFormat;
  /** The file: pieces of text or bytes, cut anywhere. */
  readonly rows: Pieces;
  /** The log or its tiles, or the entries that an evidence file proved. */
  readonly against: SignedLog | { readonly proved: readonly ProvedRow[] };
  /** Entries that the file has to hold; default: all that were signed, or proved. */
  readonly start?: number;
  readonly end?: number;
};

export type SiemCode =
  /** The row does not say what the entry says. */
  | 'ROW_ALTERED'
  /** The file holds no row of `count` entries from `index` on. */
  | 'ROW_MISSING'
  /** The file holds another row of this entry before. */
  | 'ROW_DOUBLED'
  /** The row is of no entry of this log, or of none in the window. */
  | 'ROW_FOREIGN'
  /** The line is no row of this format. */
  | 'ROW_MALFORMED';

export type SiemFinding = {
  readonly code: SiemCode;
  /** Of the entry; undefined where the row names none. */
  readonly index?: number;
  /** Of a run of missing rows. */
  readonly count?: number;
  /** Line of the file, from 1; undefined for what is missing. */
  readonly line?: number;
  readonly detail: string;
};

export type SiemReport = {
  /** The file holds every row of the window, each once and as the log has it, and no other. */
  readonly sound: boolean;
  readonly origin: string;
  readonly start: number;
  readonly end: number;
  /** Rows that are as they have to be. */
  readonly matched: number;
  /** At most 10,000; `sound` counts all. */
  readonly findings: readonly SiemFinding[];
};

const maxFindings = 10_000;

/**
 * Names every row that is altered, missing, doubled or foreign. The log is read once, whole, and compared with its signed root: rows are judged by
 * what was signed, not by what a database says now.
 * @throws {@link AuditError} as `exportLog`; {@link StoreError}; {@link EvidenceError} `TALOS_EVIDENCE_LIMIT` above 10 million rows.
 */
export async function verifySiem(options: VerifySiemOptions): Promise<SiemReport> {
  requireObject('options', options);
  requireObject('against', options.against);
  const { format, rows, against } = options;
  const checker = new RowChecker(openFormat(format));
  const file = openFormat(format);
  for await (const { number, text } of splitLines(rows)) checker.readLine(file, { number, text });
  return 'proved' in against ? checkProved(checker, { ...options, against }) : checkLog(checker, { ...options, against });
}

async function checkLog(checker: RowChecker, { against, start, end }: VerifySiemOptions & { readonly against: SignedLog }): Promise<SiemReport> {
  const checkpoint = await newestCheckpoint(against);
  const window = { start: start ?? 0, end: end ?? checkpoint.size };
  requireWindow(window, checkpoint);
  for await (const leaves of signedLeaves(against.source, { start: 0, end: checkpoint.size, checkpoint }))
    for (const leaf of leaves) checker.compare(readLeaf(checkpoint.origin, leaf), { ...window, size: checkpoint.size });
  return checker.finish(checkpoint.origin, window);
}

function checkProved(checker: RowChecker, options: VerifySiemOptions & { readonly against: { readonly proved: readonly ProvedRow[] } }): SiemReport {
  const proved = options.against.proved.toSorted((a, b) => a.index - b.index);
  const origin = proved[0]?.origin;
  if (origin === undefined || proved.some((each) => each.origin !== origin))
    throw new EvidenceError({ code: 'TALOS_EVIDENCE_NOT_PROVABLE', message: 'rows are compared with proved entries of one log: pass those of one origin' });
  const window = { start: options.start ?? 0, end: options.end ?? Number.MAX_SAFE_INTEGER };
  for (const { index, entry } of proved) checker.compare(leafOfEntry(entry, { origin, index }), { ...window, size: Number.MAX_SAFE_INTEGER });
  return checker.finish(origin, window);
}

class RowChecker {
  readonly #format: RecordFormat;
  /** The first row of each index. */
  readonly #rows = new RowTable();
  readonly #findings: SiemFinding[] = [];
  #faults = 0;
  #matched = 0;
  #missing: { index: number; count: number } | undefined;

  constructor(format: RecordFormat) {
    this.#format = format;
  }

  readLine(file: RecordFormat, { number, text }: { readonly number: number; readonly text: string | undefined }): void {
    try {
      if (text === undefined) throw new EvidenceError({ code: 'TALOS_EVIDENCE_MALFORMED', message: 'the line is not UTF-8' });
      for (const record of file.read(text)) this.#readRow(file, { record, line: number });
    } catch (error) {
      if (!TalosError.isInstance(error) || error.code === 'TALOS_EVIDENCE_LIMIT') throw error;
      this.#find({ code: 'ROW_MALFORMED', line: number, detail: error.message });
    }
  }

  #readRow(file: RecordFormat, { record, line }: { readonly record: JsonObject; readonly line: number }): void {
    const place = file.place(record);
    if (place === undefined) return this.#find({ code: 'ROW_MALFORMED', line, detail: 'the row names no origin, index and tree size' });
    const { index } = place;
    const first = this.#rows.get(index);
    if (first !== undefined) return this.#find({ code: 'ROW_DOUBLED', index, line, detail: `line ${first.line} holds a row of this entry` });
    this.#rows.add({ ...place, line, digest: digestOf(canonicalJson(record)) });
  }

  /** Every leaf in order, also those outside of the window: a format may need them. */
  compare(leaf: ExportedLeaf, { start, end, size }: { readonly start: number; readonly end: number; readonly size: number }): void {
    const { index, origin } = leaf;
    const row = this.#rows.get(index);
    const within = index >= start && index < end;
    // The tree size only says which checkpoint covered the entry then: any that does, up to the newest.
    const expected = this.#format.record(leaf, row?.size ?? size);
    if (!within || expected === undefined) return;
    if (row === undefined) return this.#miss(index);
    this.#rows.delete(index);
    if (row.origin !== origin) {
      this.#find({ code: 'ROW_FOREIGN', index, line: row.line, detail: 'the row is of another log' });
      this.#miss(index);
    } else if (row.size <= index || row.size > size)
      this.#find({ code: 'ROW_ALTERED', index, line: row.line, detail: 'no checkpoint of this log has the tree size of the row' });
    else if (!equalBytes(row.digest, digestOf(this.#format.canonical(expected))))
      this.#find({ code: 'ROW_ALTERED', index, line: row.line, detail: 'the row does not say what the entry says' });
    else this.#matched++;
  }

  finish(origin: string, { start, end }: { readonly start: number; readonly end: number }): SiemReport {
    this.#nameMissing();
    for (const { index, line } of this.#rows.left())
      this.#find({ code: 'ROW_FOREIGN', index, line, detail: 'the log has no such row: not this index, not in this window, or not in this format' });
    const findings = this.#findings.toSorted((a, b) => (a.index ?? -1) - (b.index ?? -1) || (a.line ?? 0) - (b.line ?? 0));
    return { sound: this.#faults === 0, origin, start, end, matched: this.#matched, findings };
  }

  #miss(index: number): void {
    const run = this.#missing;
    if (run !== undefined && run.index + run.count === index) run.count++;
    else {
      this.#nameMissing();
      this.#missing = { index, count: 1 };
    }
  }

  #nameMissing(): void {
    if (this.#missing !== undefined) this.#find({ code: 'ROW_MISSING', ...this.#missing, detail: 'the file has no row of it' });
    this.#missing = undefined;
  }

  #find(finding: SiemFinding): void {
    this.#faults++;
    if (this.#findings.length < maxFindings) this.#findings.push(finding);
  }
}

/** Of the canonical form: a SIEM may order members and write space as it likes. */
function digestOf(canonical: string): Uint8Array {
  return sha256(encodeUtf8(canonical));
}
