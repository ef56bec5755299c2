/** Every export format by name. @module */
import { UsageError } from '../errors/usage-error.ts';
import { cloudEventsFormat } from './cloud-event.ts';
import { csvFormat } from './csv-record.ts';
import { jsonlFormat } from './jsonl-record.ts';
import { ocsfFormat } from './ocsf-event.ts';
import { otlpLogsFormat } from './otlp-log.ts';
import { otlpSpansFormat } from './otlp-span.ts';
import type { ExportFormat, RecordFormat } from './record-format.ts';

const formats: Readonly<Record<ExportFormat, () => RecordFormat>> = {
  jsonl: jsonlFormat,
  csv: csvFormat,
  'otlp-logs': otlpLogsFormat,
  'otlp-spans': otlpSpansFormat,
  ocsf: ocsfFormat,
  cloudevents: cloudEventsFormat,
};

export const exportFormats = Object.keys(formats) as readonly ExportFormat[];

/** @throws {@link UsageError} `TALOS_USAGE_OPTIONS`. */
export function openFormat(format: ExportFormat): RecordFormat {
  if (!Object.hasOwn(formats, format)) throw new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: `format is one of ${exportFormats.join(', ')}` });
  return formats[format]();
}
