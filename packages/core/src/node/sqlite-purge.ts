/** Makes what was deleted unreadable in the files of a database, not only in its tables. @module */
import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../errors/store-error.ts';

/** A reader that is at it for longer holds up the erasure, which is then done at the next call or start. */
export const readerPatienceMs = 5000;

/**
 * Moves the whole WAL into the database and empties it: old pages are in it until then.
 * @throws {@link StoreError} `TALOS_STORE_CONFLICT`, retryable, while a reader needs it.
 */
export function truncateWal(db: DatabaseSync): void {
  const result = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { readonly busy: number };
  if (result.busy === 0) return;
  throw new StoreError({
    code: 'TALOS_STORE_CONFLICT',
    message: 'it was deleted, and a reader of the log still holds the file in its old state: close the reader; the rest is done at the next call or start',
    retryable: true,
  });
}
