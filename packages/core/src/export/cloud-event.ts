/** CloudEvents 1.0 in its JSON format: one event for each entry. Integers of that specification have 32 bits, so places are text. @module */
import { textMember } from './exported-leaf.ts';
import { countOf, jsonLines, placeOf, type RecordFormat } from './record-format.ts';

/** `source` with `id` names an event (§3.1.1): the log and the place in it. */
export function cloudEventsFormat(): RecordFormat {
  return jsonLines({
    record({ origin, index, leafHash, entry }, size) {
      const agent = textMember(entry, 'agent');
      return {
        specversion: '1.0',
        id: String(index),
        source: origin.split('/').map(encodeURIComponent).join('/'),
        type: `org.talosprotocol.audit.${entry.type}`,
        time: entry.time,
        ...(agent === undefined || agent === '' ? {} : { subject: agent }),
        datacontenttype: 'application/json',
        talosorigin: origin,
        talosindex: String(index),
        talosleafhash: leafHash,
        talostreesize: String(size),
        data: entry,
      };
    },
    place: ({ talosorigin, talosindex, talostreesize }) => placeOf(talosorigin, countOf(talosindex), countOf(talostreesize)),
  });
}
