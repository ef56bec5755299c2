/** CloudEvents 1.0 in its JSON format: one event for each entry. Integers of that specification have 32 bits, so places are text. @module */
import { canonicalJson } from '../bytes/canonical-json.ts';
import { textMember } from './exported-leaf.ts';
import { countOf, jsonLines, placeOf, type RecordFormat } from './record-format.ts';

/** `source` with `id` names an event (§3.1.1): the log and the place in it. */
export function cloudEventsFormat(): RecordFormat {
  return jsonLines({
    record({ origin, index, leafHash, entry, text }, size) {
      const agent = textMember(entry, 'agent') ?? '';
      const source = origin.split('/').map(encodeURIComponent).join('/');
      return (
        `{"data":${text},"datacontenttype":"application/json","id":"${index}","source":"${source}","specversion":"1.0",` +
        (agent === '' ? '' : `"subject":${canonicalJson(agent)},`) +
        `"talosindex":"${index}","talosleafhash":"${leafHash}","talosorigin":${canonicalJson(origin)},"talostreesize":"${size}",` +
        `"time":"${entry.time}","type":"org.talosprotocol.audit.${entry.type}"}`
      );
    },
    place: ({ talosorigin, talosindex, talostreesize }) => placeOf(talosorigin, countOf(talosindex), countOf(talostreesize)),
  });
}
