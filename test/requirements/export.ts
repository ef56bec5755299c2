export const exportRequirements = {
  'EXPORT-FORMATS':
    'A log is exported as JSON lines, CSV, OpenTelemetry logs and spans, OCSF and CloudEvents, each as the parsers and schemas of others read it.',
  'EXPORT-CSV-INJECTION': 'No cell of an exported CSV begins a formula in a spreadsheet, and no row has more than one line.',
  'EXPORT-NO-OPENINGS': 'Exports hold commitments and never what opens them.',
  'EXPORT-STREAM': 'An export of a window says of each entry what an export of the whole log says.',
  'EXPORT-SIEM': 'Rows that left the log are compared whole with what was signed: altered, missing, doubled, foreign and malformed ones are named by index.',
} as const;
