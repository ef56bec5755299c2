/** Lines of a file that comes in pieces. A line ends with LF or CRLF and with nothing else: U+2028 may stand in JSON. @module */
import { concatBytes } from '../bytes/concat.ts';
import { decodeUtf8 } from '../bytes/utf8.ts';
import { EvidenceError } from '../errors/evidence-error.ts';
import { TalosError } from '../errors/talos-error.ts';

/** A request of OTLP with a thousand of the largest entries. */
const maxLine = 256 * 1024 * 1024;
const newline = 0x0a;

export type Pieces = Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

/** `text` is undefined for bytes that are not UTF-8. Empty lines count and are left out. */
export type Line = { readonly number: number; readonly text: string | undefined };

/** @throws {@link EvidenceError} `TALOS_EVIDENCE_LIMIT` on a line of more than 256 Mi. */
export async function* splitLines(pieces: Pieces): AsyncGenerator<Line, void, undefined> {
  let number = 0;
  let text = '';
  let bytes: Uint8Array[] = [];
  let waiting = 0;
  const line = (content: string | undefined): Line[] => {
    const bare = content?.replace(/\r$/, '').replace(number === 0 ? /^\uFEFF/ : /(?!)/, '');
    number++;
    return bare === '' ? [] : [{ number, text: bare }];
  };
  for await (const piece of pieces) {
    if (typeof piece === 'string') {
      const parts = (text + piece).split('\n');
      text = parts.pop() as string;
      requireLine(text.length);
      for (const part of parts) yield* line(part);
      continue;
    }
    let from = 0;
    for (let at = piece.indexOf(newline); at >= 0; at = piece.indexOf(newline, from)) {
      yield* line(textOf(concatBytes(...bytes, piece.subarray(from, at))));
      bytes = [];
      waiting = 0;
      from = at + 1;
    }
    bytes.push(piece.slice(from));
    waiting += piece.length - from;
    requireLine(waiting);
  }
  yield* line(bytes.length === 0 ? text : textOf(concatBytes(...bytes)));
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decodeUtf8(bytes);
  } catch (error) {
    if (TalosError.isInstance(error)) return undefined;
    throw error;
  }
}

function requireLine(length: number): void {
  if (length > maxLine) throw new EvidenceError({ code: 'TALOS_EVIDENCE_LIMIT', message: 'a line of the export has more than 256 Mi characters' });
}
