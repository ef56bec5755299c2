/** Writes a log in a format that others read, as a stream: a few thousand entries are in memory at once, however long the log is. @module */
import { newestCheckpoint, requireWindow, signedLeaves, type SignedLeaf, type SignedLog } from '../audit/signed-leaves.ts';
import { requireObject } from '../errors/require.ts';
import { readLeaf } from './exported-leaf.ts';
import { openFormat } from './formats.ts';
import { spanReach } from './otlp-span.ts';
import type { ExportFormat, RecordFormat } from './record-format.ts';

export type ExportLogOptions = SignedLog & {
  readonly format: ExportFormat;
  /** First entry; default 0. */
  readonly start?: number;
  /** Index after the last one; default: up to the newest checkpoint. */
  readonly end?: number;
};

/**
 * Text of the export, in pieces that end with a line. Commitments are exported, what opens them never is.
 * A whole log is compared with its signed root: if it is another, the last piece is not written and the iteration throws.
 * @throws {@link AuditError} `TALOS_AUDIT_NOT_FOUND` if nothing was signed, `_BAD_NOTE`, `_DIVERGED`, `_BAD_ENTRY`; {@link StoreError};
 * {@link UsageError} on an unknown format or a window that is none.
 */
export async function* exportLog(options: ExportLogOptions): AsyncGenerator<string, void, undefined> {
  requireObject('options', options);
  const format = openFormat(options.format);
  const checkpoint = await newestCheckpoint(options);
  const { start = 0, end = checkpoint.size } = options;
  requireWindow({ start, end }, checkpoint);
  // A span begins with a request that may stand before the window.
  const from = options.format === 'otlp-spans' ? Math.max(0, start - spanReach) : start;
  if (format.header !== undefined) yield format.header;
  for await (const leaves of signedLeaves(options.source, { start: from, end, checkpoint })) {
    const records = recordsOf(format, leaves, { ...checkpoint, start });
    if (records.length > 0) yield format.write(records);
  }
}

type Place = { readonly origin: string; readonly size: number; readonly start: number };

function recordsOf(format: RecordFormat, leaves: readonly SignedLeaf[], { origin, size, start }: Place): string[] {
  const records: string[] = [];
  for (const leaf of leaves) {
    const record = format.record(readLeaf(origin, leaf), size);
    if (record !== undefined && leaf.index >= start) records.push(record);
  }
  return records;
}
