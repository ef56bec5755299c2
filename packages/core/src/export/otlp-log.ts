/** OpenTelemetry log records, one for each entry. @module */
import type { Entry } from '../audit/entry.ts';
import type { ExportedLeaf } from './exported-leaf.ts';
import { entryAttributes, envelope, leafAttributes, nanoseconds, openEnvelope, otlpPlace, traceId, type OtlpNames } from './otlp-value.ts';
import type { RecordFormat } from './record-format.ts';

const names: OtlpNames = { resources: 'resourceLogs', scopes: 'scopeLogs', records: 'logRecords' };
const info = { severityNumber: 9, severityText: 'INFO' };
const warn = { severityNumber: 13, severityText: 'WARN' };

export function otlpLogsFormat(): RecordFormat {
  return {
    record(leaf: ExportedLeaf, size: number) {
      const { entry } = leaf;
      const [trace, span] = [traceId(entry['trace_id'], 32), traceId(entry['span_id'], 16)];
      return {
        timeUnixNano: nanoseconds(entry.time),
        observedTimeUnixNano: nanoseconds(entry.time),
        ...(needsAttention(entry) ? warn : info),
        eventName: `talos.${entry.type}`,
        body: { stringValue: entry.type },
        attributes: [...leafAttributes(leaf, size), ...entryAttributes(entry)],
        ...(trace === undefined ? {} : { traceId: trace }),
        ...(trace === undefined || span === undefined ? {} : { spanId: span }),
      };
    },
    write: (records) => (records.length === 0 ? '' : envelope(names, records)),
    read: (line) => openEnvelope(names, line),
    place: otlpPlace,
  };
}

/** Refusals, failures, and what the log says itself that it lacks. */
function needsAttention({ type, outcome, lost, gap }: Entry): boolean {
  return type === 'policy.decision' || (typeof outcome === 'string' && outcome !== 'ok') || lost !== undefined || gap === 'fork';
}
