/**
 * CSV (RFC 4180) that a spreadsheet may open. A row is one line: no cell holds a line break. A cell that a spreadsheet would take for a formula
 * begins with an apostrophe. The last column holds the whole entry. @module
 */
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonObject } from '../bytes/json-value.ts';
import { EncodingError } from '../errors/encoding-error.ts';
import { policyMember, textMember, type ExportedLeaf } from './exported-leaf.ts';
import { countOf, placeOf, type RecordFormat } from './record-format.ts';

const columns = {
  origin: ({ origin }: ExportedLeaf) => origin,
  index: ({ index }: ExportedLeaf) => String(index),
  leaf_hash: ({ leafHash }: ExportedLeaf) => leafHash,
  tree_size: (_leaf: ExportedLeaf, size: number) => String(size),
  time: ({ entry }: ExportedLeaf) => entry.time,
  type: ({ entry }: ExportedLeaf) => entry.type,
  id: ({ entry }: ExportedLeaf) => entry.id,
  agent: ({ entry }: ExportedLeaf) => textMember(entry, 'agent'),
  call: ({ entry }: ExportedLeaf) => textMember(entry, 'call'),
  tool: ({ entry }: ExportedLeaf) => textMember(entry, 'gen_ai.tool.name'),
  decision: ({ entry }: ExportedLeaf) => policyMember(entry, 'decision'),
  code: ({ entry }: ExportedLeaf) => policyMember(entry, 'code'),
  outcome: ({ entry }: ExportedLeaf) => textMember(entry, 'outcome'),
  error_type: ({ entry }: ExportedLeaf) => textMember(entry, 'error.type'),
  capability: ({ entry }: ExportedLeaf) => textMember(entry, 'cap'),
  recorder: ({ entry }: ExportedLeaf) => entry.recorder,
  recorder_seq: ({ entry }: ExportedLeaf) => String(entry.recorder_seq),
  entry: ({ entry }: ExportedLeaf) => canonicalJson(entry),
} as const;

const names = Object.keys(columns) as readonly (keyof typeof columns)[];

/** Controls and the separators that some readers take for line ends. */
const controls = /[\p{Cc}\u2028\u2029]/gu;
/** What starts a formula in a spreadsheet, also as a wide character, and behind spaces. */
const formula = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/;

export function csvFormat(): RecordFormat {
  let header: readonly string[] | undefined;
  return {
    header: `${names.map(quoted).join(',')}\r\n`,
    record: (leaf, size) => Object.fromEntries(names.map((name) => [name, cell(columns[name](leaf, size) ?? '')])),
    write: (records) => records.map((record) => `${names.map((name) => quoted(record[name] as string)).join(',')}\r\n`).join(''),
    read(line) {
      const cells = splitCells(line);
      if (header === undefined) {
        header = readHeader(cells);
        return [];
      }
      if (cells.length !== header.length) throw malformed(`it has ${cells.length} cells, the header ${header.length}`);
      return [Object.fromEntries(header.map((name, i) => [name, cells[i] as string]))];
    },
    place: ({ origin, index, tree_size }: JsonObject) => placeOf(origin, countOf(index), countOf(tree_size)),
  };
}

function cell(text: string): string {
  const line = text.replace(controls, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return formula.test(line) ? `'${line}` : line;
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

/** Columns may come in another order. */
function readHeader(cells: readonly string[]): readonly string[] {
  const known = new Set<string>(names);
  if (cells.length !== names.length || new Set(cells).size !== names.length || cells.some((name) => !known.has(name)))
    throw malformed('its first line does not name the columns of an export');
  return cells;
}

/** Cells with quotes or without; what a spreadsheet wrote again has them only where they are needed. */
function splitCells(line: string): string[] {
  const cells: string[] = [];
  for (let at = 0; ;) {
    const { text, end } = line[at] === '"' ? quotedCell(line, at) : plainCell(line, at);
    cells.push(text);
    if (end === line.length) return cells;
    if (line[end] !== ',') throw malformed('text follows a quoted cell');
    at = end + 1;
  }
}

function quotedCell(line: string, start: number): { readonly text: string; readonly end: number } {
  for (let at = start + 1; ; at++) {
    at = line.indexOf('"', at);
    if (at < 0) throw malformed('a quoted cell has no end');
    if (line[at + 1] !== '"') return { text: line.slice(start + 1, at).replaceAll('""', '"'), end: at + 1 };
    at++;
  }
}

function plainCell(line: string, start: number): { readonly text: string; readonly end: number } {
  const comma = line.indexOf(',', start);
  const end = comma < 0 ? line.length : comma;
  return { text: line.slice(start, end), end };
}

function malformed(reason: string): EncodingError {
  return new EncodingError({ code: 'TALOS_ENCODING_TEXT', message: `not a row of an export: ${reason}` });
}
