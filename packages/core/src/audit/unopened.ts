/**
 * Entries whose payloads a crash took. Openings and entries are written side by side, and a process may die between the two: such an entry was
 * never acknowledged (docs/spec/10 §1). It is named at the next start, so that nobody takes it for one that was erased, or for damage. @module
 */
import type { AuditStore } from './audit-store.ts';
import { parseEntry } from './entry.ts';

/** Of the bytes that a start reads for this at once: as `recoverTree`. */
const rowsPerRead = 1000;

/**
 * Indices of entries that commit to something and never had an opening, in order. Only what no checkpoint covers is looked at: a checkpoint is
 * signed over what was acknowledged.
 * @param window - entries `from` up to `to − 1`, their bytes verified.
 */
export async function findUnopened(store: AuditStore, window: { readonly from: number; readonly to: number }): Promise<readonly number[]> {
  const kept = await store.openingsKept?.();
  const unopened: number[] = [];
  if (kept === undefined) return unopened;
  for (let start = Math.max(window.from, kept); start < window.to; start += rowsPerRead) {
    const rows = await store.loadRows(start, Math.min(start + rowsPerRead, window.to));
    for (const [i, { bytes }] of rows.entries()) if (parseEntry(bytes).commit !== undefined) unopened.push(start + i);
  }
  return unopened;
}
