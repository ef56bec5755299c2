/** JSON lines: the entry as it was hashed, and where it stands. @module */
import { parseEntry } from '../audit/entry.ts';
import type { SignedLeaf } from '../audit/signed-leaves.ts';
import { canonicalJson } from '../bytes/canonical-json.ts';
import { encodeHex } from '../bytes/hex.ts';
import { decodeUtf8 } from '../bytes/utf8.ts';
import { jsonLines, placeOf, type RecordFormat } from './record-format.ts';

export function jsonlFormat(): RecordFormat {
  return {
    ...jsonLines({
      record: ({ origin, index, leafHash, entry }, size) => ({ entry, index, leafHash, origin, size }),
      place: ({ origin, index, size }) => placeOf(origin, index, size),
    }),
    writeBytes: (leaf, { origin, size }) =>
      `{"entry":${entryText(leaf.bytes)},"index":${leaf.index},"leafHash":"${encodeHex(leaf.leafHash)}","origin":${JSON.stringify(origin)},"size":${size}}\n`,
  };
}

/** What a log of ours hashed is one line of JSON. What somebody else signed is put into that form, or refused: a line more would be a row more. */
function entryText(bytes: SignedLeaf['bytes']): string {
  const text = decodeUtf8(bytes);
  return isOneObject(text) ? text : canonicalJson(parseEntry(bytes));
}

function isOneObject(text: string): boolean {
  if (!text.startsWith('{') || /[\n\r]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
