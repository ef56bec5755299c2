/** A report as Markdown. Every character that could be markup is escaped: names come from models and peers. @module */
import { visible, type Block, type Cell, type Row } from './document.ts';
import type { ReportFacts } from './report-facts.ts';
import { reportBlocks } from './report-blocks.ts';

export function formatReportMarkdown(facts: ReportFacts): string {
  return `${reportBlocks(facts).map(formatBlock).join('\n\n')}\n`;
}

function formatBlock(block: Block): string {
  if (block.kind === 'heading') return `${'#'.repeat(block.level)} ${escape(block.text)}`;
  if (block.kind === 'text') return escape(block.text);
  if (block.kind === 'points') return block.points.map((point) => `- ${escape(point)}`).join('\n');
  return [
    row(block.head),
    row(
      block.head.map(() => '---'),
      true,
    ),
    ...block.rows.map(formatRow),
  ].join('\n');
}

function formatRow({ id, cells }: Row): string {
  const [first = '', ...rest] = cells.map(formatCell);
  return row([id === undefined ? first : `<a id="${id}"></a>${first}`, ...rest], true);
}

function row(cells: readonly string[], formatted = false): string {
  return `| ${cells.map((cell) => (formatted ? cell : escape(cell))).join(' | ')} |`;
}

function formatCell(cell: Cell): string {
  return typeof cell === 'string' ? escape(cell) : `[${escape(cell.text)}](#${cell.to})`;
}

/** HTML inside of Markdown is markup too. Letters, digits, spaces and what reads as itself stay. */
function escape(text: string): string {
  return visible(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*_{}[\]()#+!|~=@]/g, '\\$&')
    .replace(/^(\s*)([-+]|\d+\.)(\s)/, '$1\\$2$3')
    .replace(/(https?|ftp|mailto|javascript|data|www)([:.])/gi, '$1&#8203;$2');
}
