/**
 * What processes of one home ask of the one that writes its log, in a SQLite file of its own (docs/spec/03 §17). A row is durable before anybody
 * waits for it; its answer too. Written by this user's processes only: rows are values of ours, in V8's own form. @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { deserialize, serialize } from 'node:v8';
import { StoreError } from '../errors/store-error.ts';
import { asStoreError } from './sqlite-audit-failure.ts';
import type { Intent, IntentAnswer, IntentQueue, PendingIntent } from './intent-queue.ts';
import { inTransaction, openDatabase } from './open-database.ts';

const title = 'the queue of the audit log';

/** An answer that its process did not fetch: it is gone, or sleeps. After this time nobody is taken to come for it. */
const answerLifeMs = 600_000;

const format = {
  title,
  // "tali".
  applicationId: 0x74616c69,
  formatVersion: 1,
  schema: `CREATE TABLE intent (n INTEGER PRIMARY KEY AUTOINCREMENT, process TEXT NOT NULL, at INTEGER NOT NULL, intent BLOB NOT NULL, answer BLOB) STRICT;
CREATE INDEX intent_pending ON intent (n) WHERE answer IS NULL; CREATE INDEX intent_process ON intent (process, n)`,
  synchronous: 'FULL',
} as const;

export class IntentTable implements IntentQueue {
  readonly pollMs = 5;
  readonly #db: DatabaseSync;
  /** Asked a hundred times a second by the log's writer, and mostly for nothing. */
  readonly #pending: StatementSync;

  /** @throws {@link StoreError} as `openDatabase`. */
  constructor(path: string) {
    this.#db = openDatabase({ ...format, path });
    this.#pending = this.#db.prepare('SELECT n, intent FROM intent WHERE answer IS NULL AND n > ? ORDER BY n LIMIT ?');
  }

  /** All of them or none. @returns their numbers, ascending. */
  add(process: string, at: number, intents: readonly Intent[]): number[] {
    return this.#write(() => {
      const insert = this.#db.prepare('INSERT INTO intent (process, at, intent) VALUES (?, ?, ?)');
      return intents.map((intent) => Number(insert.run(process, at, serialize(intent)).lastInsertRowid));
    });
  }

  /** Not answered, after number `after`, in the order in which they came. */
  pending(after: number, limit: number): PendingIntent[] {
    return this.#read(() => this.#pending.all(after, limit)).map((row) => ({
      n: row['n'] as number,
      intent: decodeIntent(row['intent'] as Uint8Array),
    }));
  }

  answer(answers: readonly { readonly n: number; readonly answer: IntentAnswer }[]): void {
    this.#write(() => {
      const update = this.#db.prepare('UPDATE intent SET answer = ? WHERE n = ?');
      for (const { n, answer } of answers) update.run(serialize(answer), n);
    });
  }

  /** The answers to a process, and its rows that are still there. What was fetched is gone then. */
  fetch(process: string): { readonly answers: ReadonlyMap<number, IntentAnswer>; readonly waiting: ReadonlySet<number> } {
    const rows = this.#read(() => this.#db.prepare('SELECT n, answer FROM intent WHERE process = ? ORDER BY n').all(process));
    const answered = rows.filter(({ answer }) => answer !== null);
    if (answered.length > 0) {
      this.#write(() => {
        const remove = this.#db.prepare('DELETE FROM intent WHERE n = ?');
        for (const { n } of answered) remove.run(n as number);
      });
    }
    return {
      answers: new Map(answered.map(({ n, answer }) => [n as number, deserialize(answer as Uint8Array) as IntentAnswer])),
      waiting: new Set(rows.filter(({ answer }) => answer === null).map(({ n }) => n as number)),
    };
  }

  /** Takes back what nobody has answered. */
  withdraw(process: string): void {
    this.#write(() => this.#db.prepare('DELETE FROM intent WHERE process = ? AND answer IS NULL').run(process));
  }

  sweep(now: number): void {
    this.#write(() => this.#db.prepare('DELETE FROM intent WHERE answer IS NOT NULL AND at < ?').run(now - answerLifeMs));
  }

  close(): void {
    this.#db.close();
  }

  #write<T>(change: () => T): T {
    return inTransaction(this.#db, title, change);
  }

  #read<T>(query: () => T): T {
    try {
      return query();
    } catch (error) {
      throw StoreError.isInstance(error) ? error : asStoreError(error, 'TALOS_STORE_READ_FAILED', title);
    }
  }
}

/** A row that was damaged is answered with an error. It would otherwise be met first in every look, and nothing behind it would be done. */
function decodeIntent(row: Uint8Array): Intent {
  try {
    const { op, args } = deserialize(row) as Intent;
    return { op, args };
  } catch {
    return { op: 'malformed', args: [] };
  }
}
