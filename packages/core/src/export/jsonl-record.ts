/** JSON lines: the entry as it was hashed, and where it stands. @module */
import { jsonLines, placeOf, type RecordFormat } from './record-format.ts';

export function jsonlFormat(): RecordFormat {
  return jsonLines({
    record: ({ origin, index, leafHash, entry }, size) => ({ entry, index, leafHash, origin, size }),
    place: ({ origin, index, size }) => placeOf(origin, index, size),
  });
}
