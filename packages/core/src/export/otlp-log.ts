/** OpenTelemetry log records, one for each entry. @module */
import type { Entry } from '../audit/entry.ts';
import { attributeNames, entryAttributes, leafAttributes, nanoseconds, otlpLines, traceId } from './otlp-value.ts';
import type { RecordFormat } from './record-format.ts';

const info = '"severityNumber":9,"severityText":"INFO"';
const warn = '"severityNumber":13,"severityText":"WARN"';

export function otlpLogsFormat(): RecordFormat {
  const begin = attributeNames();
  return otlpLines({
    names: { resources: 'resourceLogs', scopes: 'scopeLogs', records: 'logRecords' },
    record(leaf, size) {
      const { entry } = leaf;
      const time = nanoseconds(entry.time);
      const [trace, span] = [traceId(entry['trace_id'], 32), traceId(entry['span_id'], 16)];
      return (
        `{"timeUnixNano":"${time}","observedTimeUnixNano":"${time}",${needsAttention(entry) ? warn : info},` +
        `"eventName":"talos.${entry.type}","body":{"stringValue":"${entry.type}"},"attributes":[${leafAttributes(leaf, size)}${entryAttributes(entry, begin)}]` +
        (trace === undefined ? '' : `,"traceId":"${trace}"`) +
        (trace === undefined || span === undefined ? '' : `,"spanId":"${span}"`) +
        '}'
      );
    },
  });
}

/** Refusals, failures, and what the log says itself that it lacks. */
function needsAttention({ type, outcome, lost, gap }: Entry): boolean {
  return type === 'policy.decision' || (typeof outcome === 'string' && outcome !== 'ok') || lost !== undefined || gap === 'fork';
}
