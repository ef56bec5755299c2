/** The first entry of a recorder: it says how the one before it ended, so that a crash is in the log and not only in a console. @module */
import type { AuditStore } from './audit-store.ts';
import { parseEntry } from './entry.ts';
import type { EntryInput } from './recorder.ts';

/** Whoever wrote the last entry. `stopped` is false after a crash, and while another process still writes. */
export type PreviousRecorder = { readonly recorder: string; readonly stopped: boolean };

/** Undefined for an empty log. @throws {@link AuditError} `TALOS_AUDIT_BAD_ENTRY` if the last entry is none. */
export async function loadPrevious(store: AuditStore, size: number): Promise<PreviousRecorder | undefined> {
  const [row] = size === 0 ? [] : await store.loadRows(size - 1, size);
  if (row === undefined) return undefined;
  const { recorder, type, gap } = parseEntry(row.bytes);
  return { recorder, stopped: type === 'gap' && gap === 'stop' };
}

export type Start = {
  readonly origin?: string;
  readonly previous: PreviousRecorder | undefined;
  /** Indices, ascending, of entries whose openings a crash took. */
  readonly unopened?: readonly number[];
  /** Events that were rejected before this start and are in no log. */
  readonly lost?: number | undefined;
};

export function startEntry({ origin, previous, unopened = [], lost }: Start): EntryInput {
  return {
    type: 'gap',
    gap: 'start',
    origin,
    previous: previous?.recorder,
    previous_stopped: previous?.stopped,
    ...(unopened.length === 0 ? {} : { unopened: unopened.length, unopened_from: unopened[0], unopened_to: (unopened.at(-1) as number) + 1 }),
    lost: lost === 0 ? undefined : lost,
  };
}
