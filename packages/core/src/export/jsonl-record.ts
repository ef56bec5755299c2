/** JSON lines: the entry, and where it stands. @module */
import { canonicalJson } from '../bytes/canonical-json.ts';
import { jsonLines, placeOf, type RecordFormat } from './record-format.ts';

export function jsonlFormat(): RecordFormat {
  return jsonLines({
    record: ({ origin, index, leafHash, text }, size) =>
      `{"entry":${text},"index":${index},"leafHash":"${leafHash}","origin":${canonicalJson(origin)},"size":${size}}`,
    place: ({ origin, index, size }) => placeOf(origin, index, size),
  });
}
