/** A report before it is Markdown or HTML: blocks of plain text. Nothing in it is markup, so a renderer escapes all of it. @module */

/** `to` is the name of a proof in the same report. */
export type Cell = string | { readonly text: string; readonly to: string };

export type Block =
  | { readonly kind: 'heading'; readonly level: 1 | 2; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  /** Each point stands for itself. */
  | { readonly kind: 'points'; readonly points: readonly string[] }
  /** `id` of a row is what cells link to. */
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly Row[] };

export type Row = { readonly id?: string; readonly cells: readonly Cell[] };

/** Controls, marks that turn the direction of text, and separators: a name that holds one shows it instead of using it. */
const invisible = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

export function visible(text: string): string {
  return text.toWellFormed().replace(invisible, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
