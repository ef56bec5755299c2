export const reportRequirements = {
  'REPORT-FACTS':
    'A report counts population, coverage, calls, retention, erasures, key events and rights of a period, each with the entries it was counted from.',
  'REPORT-SIGNED': 'A log whose entries are not those that were signed gives no report.',
  'REPORT-WITNESS':
    'The longest time without a witness is counted from cosignatures that the reader’s policy verifies, and another tree under them is an error.',
  'REPORT-PROOFS': 'Every number of a report leads to a proof that it names.',
  'REPORT-LIMITS': 'A report says what it does not show, for itself and for each rule that it bears on.',
  'REPORT-ESCAPED': 'Whatever a log holds is text in a report: no element, attribute or reference of its HTML or Markdown comes from the log.',
} as const;
