/** The last heads that a verifier saw, in a SQLite file that the processes of this user share (docs/spec/03 §16). @module */
import { knownHeadConflict, type KnownHeads } from '../audit/known-heads.ts';
import { inTransaction, openDatabase } from './open-database.ts';
import { asStoreError } from './sqlite-audit-failure.ts';

const title = 'the database of known heads';

const format = {
  title,
  // "talk".
  applicationId: 0x74616c6b,
  formatVersion: 1,
  schema: 'CREATE TABLE known (origin TEXT PRIMARY KEY, note TEXT NOT NULL) STRICT, WITHOUT ROWID',
  synchronous: 'FULL',
} as const;

/**
 * Opens or creates the file. It stands where no backup of what is verified brings it back: `stateDir` of a home.
 * @throws {@link StoreError} `TALOS_STORE_UNSUPPORTED`, `_CORRUPT`, `_READ_FAILED`.
 */
export function sqliteKnownHeads(path: string): KnownHeads & { close(): void } {
  const db = openDatabase({ ...format, path });
  const load = (origin: string): string | undefined => db.prepare('SELECT note FROM known WHERE origin = ?').get(origin)?.['note'] as string | undefined;
  return {
    async load(origin) {
      try {
        return load(origin);
      } catch (error) {
        throw asStoreError(error, 'TALOS_STORE_READ_FAILED', title);
      }
    },
    async replace({ origin, expected, note }) {
      inTransaction(db, title, () => {
        if (load(origin) !== expected) throw knownHeadConflict();
        db.prepare('INSERT INTO known (origin, note) VALUES (?, ?) ON CONFLICT (origin) DO UPDATE SET note = excluded.note').run(origin, note);
      });
    },
    close: () => db.close(),
  };
}
