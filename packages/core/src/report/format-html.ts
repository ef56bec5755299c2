/** A report as one HTML file: no script, nothing that is loaded, everything escaped. @module */
import { visible, type Block, type Cell, type Row } from './document.ts';
import type { ReportFacts } from './report-facts.ts';
import { reportBlocks, reportTitle } from './report-blocks.ts';

/** Should an escape ever fail, the browser still runs and loads nothing. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
const style =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}' +
  'table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{border:1px solid #bbb;padding:.3rem .6rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}' +
  'th{background:#f2f2f2}h2{margin-top:2.5rem}@media print{h2{break-after:avoid}tr{break-inside:avoid}}';

export function formatReportHtml(facts: ReportFacts): string {
  const head = `<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}"><meta name="viewport" content="width=device-width">`;
  const body = reportBlocks(facts).map(formatBlock).join('\n');
  return `<!doctype html>\n<html lang="en">\n<head>${head}<title>${escape(reportTitle(facts))}</title><style>${style}</style></head>\n<body>\n${body}\n</body>\n</html>\n`;
}

function formatBlock(block: Block): string {
  if (block.kind === 'heading') return `<h${block.level}>${escape(block.text)}</h${block.level}>`;
  if (block.kind === 'text') return `<p>${escape(block.text)}</p>`;
  if (block.kind === 'points') return `<ul>${block.points.map((point) => `<li>${escape(point)}</li>`).join('')}</ul>`;
  const head = block.head.map((title) => `<th scope="col">${escape(title)}</th>`).join('');
  return `<table><thead><tr>${head}</tr></thead><tbody>${block.rows.map(formatRow).join('')}</tbody></table>`;
}

function formatRow({ id, cells }: Row): string {
  return `<tr${id === undefined ? '' : ` id="${escape(id)}"`}>${cells.map((cell) => `<td>${formatCell(cell)}</td>`).join('')}</tr>`;
}

function formatCell(cell: Cell): string {
  return typeof cell === 'string' ? escape(cell) : `<a href="#${escape(cell.to)}">${escape(cell.text)}</a>`;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escape(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => entities[character] as string);
}
