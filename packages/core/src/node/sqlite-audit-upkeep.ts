/** Removes entries of the audit database, for retention. What it leaves are hashes. Runs in the writer's thread. @module */
import type { DatabaseSync } from 'node:sqlite';
import type { LookupKind } from '../audit/entry.ts';
import { lookupKinds } from './sqlite-audit-batch.ts';
import { truncateWal } from './sqlite-purge.ts';

/** Entries of one transaction: a crash between two leaves a beginning that is pruned, and the rest for the next start. */
const rowsPerWrite = 8192;

/** Added to logs of this version that have none: a table more, and nothing that was there before means anything else. */
const schema = 'CREATE TABLE IF NOT EXISTS pruned (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL) STRICT';

export class AuditUpkeep {
  readonly #db: DatabaseSync;
  readonly #write: (statements: () => void) => void;

  constructor(db: DatabaseSync, { write }: { readonly write: (statements: () => void) => void }) {
    this.#db = db;
    this.#write = write;
  }

  pruned(): number {
    this.#db.exec(schema);
    return (this.#db.prepare('SELECT size FROM pruned').get()?.['size'] as number | undefined) ?? 0;
  }

  /** @throws {@link StoreError} `TALOS_STORE_CONFLICT`, retryable, while a reader holds the file in its old state. */
  prune(before: number): void {
    for (let from = this.pruned(); from < before; from += rowsPerWrite) this.#removeRows(from, Math.min(before, from + rowsPerWrite));
    this.#db.exec('VACUUM');
    truncateWal(this.#db);
  }

  findAll({ kind, key, limit }: { readonly kind: LookupKind; readonly key: string; readonly limit: number }): number[] {
    const rows = this.#db.prepare('SELECT i FROM lookup WHERE kind = ? AND key = ? ORDER BY i LIMIT ?').all(lookupKinds[kind], Buffer.from(key), limit);
    return rows.map(({ i }) => i as number);
  }

  #removeRows(from: number, to: number): void {
    this.#write(() => {
      this.#db.prepare("UPDATE entry SET body = x'' WHERE i >= ? AND i < ?").run(from, to);
      this.#db.prepare('DELETE FROM lookup WHERE i >= ? AND i < ?').run(from, to);
      this.#db.prepare('INSERT INTO pruned (one, size) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET size = excluded.size').run(to);
    });
  }
}
