/** Inserts many rows of one table by few statements: a call from JavaScript costs as much as the row. @module */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

/** Measured: 8 take a fifth off the inserts of a batch, 16 no more than that. */
const rowsPerStatement = 8;

export class BulkInsert {
  readonly #many: StatementSync;
  readonly #one: StatementSync;
  readonly #columns: number;
  #waiting: SQLInputValue[] = [];

  /** @param columns - of the table, in the order in which values are given. */
  constructor(db: DatabaseSync, { table, columns }: { readonly table: string; readonly columns: readonly string[] }) {
    const row = `(${columns.map(() => '?').join(', ')})`;
    const insert = `INSERT INTO ${table} (${columns.join(', ')}) VALUES `;
    this.#columns = columns.length;
    this.#one = db.prepare(insert + row);
    this.#many = db.prepare(insert + Array.from({ length: rowsPerStatement }, () => row).join(', '));
  }

  /** Byte arrays are read when a statement runs: at the latest in {@link flush}. */
  add(...row: readonly SQLInputValue[]): void {
    this.#waiting.push(...row);
    if (this.#waiting.length < rowsPerStatement * this.#columns) return;
    const rows = this.#waiting;
    this.#waiting = [];
    this.#many.run(...rows);
  }

  /** What is left of the batch. */
  flush(): void {
    const rows = this.#waiting;
    this.#waiting = [];
    for (let at = 0; at < rows.length; at += this.#columns) this.#one.run(...rows.slice(at, at + this.#columns));
  }
}
