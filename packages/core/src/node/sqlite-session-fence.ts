/** The rollback fence's file: highest committed versions, outside of what a backup of the home brings back (docs/spec/04 §6.4). @module */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { sessionLifeMs } from '../session/limits.ts';
import { inTransaction, openDatabase } from './open-database.ts';

/** "talf". */
const applicationId = 0x74616c66;
const title = 'the rollback fence';
const schema = `
CREATE TABLE fence (agent TEXT NOT NULL, session TEXT NOT NULL, version INTEGER NOT NULL, raised INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (agent, session)) STRICT, WITHOUT ROWID
`;

/** Two lives of a session: what was not raised for so long belongs to one that is too old to send, whatever copy it comes from. */
const keepSeconds = (2 * sessionLifeMs) / 1000;

type Place = { readonly agent: string; readonly sessionId: string };

export class SessionFenceDatabase {
  readonly #db: DatabaseSync;
  readonly #select: StatementSync;
  readonly #upsert: StatementSync;

  constructor(path: string) {
    this.#db = openDatabase({ path, title, applicationId, formatVersion: 1, schema, synchronous: 'NORMAL' });
    addTimes(this.#db);
    this.#select = this.#db.prepare('SELECT version FROM fence WHERE agent = ? AND session = ?');
    this.#upsert = this.#db.prepare(
      'INSERT INTO fence (agent, session, version, raised) VALUES (?, ?, ?, unixepoch()) ON CONFLICT (agent, session) DO UPDATE SET version = max(version, excluded.version), raised = max(raised, excluded.raised)',
    );
  }

  read({ agent, sessionId }: Place): number {
    return ((this.#select.get(agent, sessionId) as { version: number } | undefined) ?? { version: 0 }).version;
  }

  raise({ agent, sessionId, version }: Place & { readonly version: number }): void {
    inTransaction(this.#db, title, () => this.#upsert.run(agent, sessionId, version));
  }

  sweep({ agent }: Pick<Place, 'agent'>): void {
    inTransaction(this.#db, title, () => this.#db.prepare('DELETE FROM fence WHERE agent = ? AND raised < unixepoch() - ?').run(agent, keepSeconds));
  }

  close(): void {
    this.#db.close();
  }
}

/** A file of before there were times: its rows count as raised now, so that none is forgotten too early. */
function addTimes(db: DatabaseSync): void {
  const columns = db
    .prepare('PRAGMA table_info(fence)')
    .all()
    .map(({ name }) => name);
  if (columns.includes('raised')) return;
  inTransaction(db, title, () => db.exec('ALTER TABLE fence ADD COLUMN raised INTEGER NOT NULL DEFAULT 0; UPDATE fence SET raised = unixepoch()'));
}
