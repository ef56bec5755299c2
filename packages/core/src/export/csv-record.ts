/**
 * CSV (RFC 4180) that a spreadsheet may open. A row is one line: no cell holds a line break. A cell that a spreadsheet would take for a formula
 * begins with an apostrophe. The last column holds the whole entry. @module
 */
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonObject } from '../bytes/json-value.ts';
import { EncodingError } from '../errors/encoding-error.ts';
import { policyMember, textMember, type ExportedLeaf } from './exported-leaf.ts';
import { countOf, placeOf, type RecordFormat } from './record-format.ts';

const names = 'origin index leaf_hash tree_size time type id agent call tool decision code outcome error_type capability recorder recorder_seq entry'.split(
  ' ',
);

/** The cells in the order of `names`. */
function rowText({ origin, index, leafHash, entry, text }: ExportedLeaf, size: number): string {
  return (
    `${cell(origin)},"${index}","${leafHash}","${size}","${entry.time}","${entry.type}",${cell(entry.id)},${cell(textMember(entry, 'agent'))},` +
    `${cell(textMember(entry, 'call'))},${cell(textMember(entry, 'gen_ai.tool.name'))},${cell(policyMember(entry, 'decision'))},` +
    `${cell(policyMember(entry, 'code'))},${cell(textMember(entry, 'outcome'))},${cell(textMember(entry, 'error.type'))},${cell(textMember(entry, 'cap'))},` +
    `${cell(entry.recorder)},"${entry.recorder_seq}",${cell(text)}`
  );
}

/** Controls and the separators that some readers take for line ends. */
const controls = /[\p{Cc}\u2028\u2029]/gu;
/** What starts a formula in a spreadsheet, also as a wide character, and behind spaces. */
const formula = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/;

export function csvFormat(): RecordFormat {
  let header: readonly string[] | undefined;
  return {
    header: `${names.map((name) => cell(name)).join(',')}\r\n`,
    record: rowText,
    write: (records) => `${records.join('\r\n')}\r\n`,
    read(line) {
      const cells = splitCells(line);
      if (header === undefined) {
        header = readHeader(cells);
        return [];
      }
      if (cells.length !== header.length) throw malformed(`it has ${cells.length} cells, the header ${header.length}`);
      return [rowOf(header, cells)];
    },
    canonical: (record) => canonicalJson(rowOf(names, splitCells(record))),
    place: ({ origin, index, tree_size }: JsonObject) => placeOf(origin, countOf(index), countOf(tree_size)),
  };
}

/** Most cells: none or printable ASCII, no quote in it, and nothing at its beginning that a spreadsheet looks at. */
const plain = /^(?:[0-9A-Za-z][ !#-~]*)?$/;

function cell(text = ''): string {
  if (plain.test(text)) return `"${text}"`;
  const line = text.replace(controls, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`).replaceAll('"', '""');
  return formula.test(line) ? `"'${line}"` : `"${line}"`;
}

function rowOf(header: readonly string[], cells: readonly string[]): JsonObject {
  return Object.fromEntries(header.map((name, i) => [name, cells[i] as string]));
}

/** Columns may come in another order. */
function readHeader(cells: readonly string[]): readonly string[] {
  const known = new Set(names);
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
