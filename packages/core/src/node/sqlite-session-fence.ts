/** The rollback fence's file: highest committed versions, outside of what a backup of the home brings back (docs/spec/04 §6.4). @module */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { inTransaction, openDatabase } from './open-database.ts';

/** "talf". */
const applicationId = 0x74616c66;
const title = 'the rollback fence';
const schema = `
CREATE TABLE fence (agent TEXT NOT NULL, session TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (agent, session)) STRICT, WITHOUT ROWID
`;

type Place = { readonly agent: string; readonly sessionId: string };

export class SessionFenceDatabase {
  readonly #db: DatabaseSync;
  readonly #select: StatementSync;
  readonly #upsert: StatementSync;

  constructor(path: string) {
    this.#db = openDatabase({ path, title, applicationId, formatVersion: 1, schema, synchronous: 'NORMAL' });
    this.#select = this.#db.prepare('SELECT version FROM fence WHERE agent = ? AND session = ?');
    this.#upsert = this.#db.prepare(
      'INSERT INTO fence (agent, session, version) VALUES (?, ?, ?) ON CONFLICT (agent, session) DO UPDATE SET version = max(version, excluded.version)',
    );
  }

  read({ agent, sessionId }: Place): number {
    return ((this.#select.get(agent, sessionId) as { version: number } | undefined) ?? { version: 0 }).version;
  }

  raise({ agent, sessionId, version }: Place & { readonly version: number }): void {
    inTransaction(this.#db, title, () => this.#upsert.run(agent, sessionId, version));
  }

  close(): void {
    this.#db.close();
  }
}
