export { collectReport, type CollectReportOptions } from './collect-report.ts';
export { formatReportHtml } from './format-html.ts';
export { formatReportMarkdown } from './format-markdown.ts';
export type { ReportRetention } from './retention-counts.ts';
export type {
  Counted,
  Listed,
  ListedEntry,
  ReportFacts,
  RetentionClassCounts,
  RetentionCounts,
  ToolCounts,
  UnwitnessedSpan,
  WitnessFacts,
} from './report-facts.ts';
export type { ReportWitnesses } from './witness-span.ts';
