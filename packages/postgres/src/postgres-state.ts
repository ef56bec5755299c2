/** The connection of a home's state: several statements as one transaction, by any number of processes at once. @module */
import { StoreError, UsageError } from '@talosprotocol/core/errors';
import { openPool, type OwnPool, type PostgresConnection, type Query, type Row } from './connection.ts';
import { asStateError } from './postgres-failure.ts';
import { requireServer } from './require-server.ts';
import { stateSql, type StatePart, type StateSql } from './state-sql.ts';

export type PostgresStateOptions = {
  readonly url: string;
  /** The schema, made on first use. */
  readonly home: string;
  /** Longest time of one statement; one that waits for others gets half of it. */
  readonly timeoutMs: number;
};

/** Runs one statement inside the transaction. */
export type Run = (query: Query) => Promise<readonly Row[]>;

/** Sessions and rights of one process: a transaction takes milliseconds, and those that wait for one row wait at the server. */
const maxConnections = 8;
/** The client gives up this much later than the server should have. */
const graceMs = 5000;

export class PostgresState {
  readonly sql: StateSql;
  readonly #own: OwnPool;
  readonly #timeoutMs: number;
  /** Connections that have their settings. */
  readonly #set = new WeakSet<PostgresConnection>();
  #closing: Promise<void> | undefined;

  /** Nothing is connected before the first statement. @throws {@link UsageError} on a URL or a name that is none. */
  constructor({ url, home, timeoutMs }: PostgresStateOptions) {
    this.sql = stateSql(home);
    this.#timeoutMs = timeoutMs;
    this.#own = openPool(url, { timeoutMs, max: maxConnections });
  }

  /**
   * Makes the tables of this part where they are not there, and checks server and format.
   * @param sinceMs - What the tables cannot know of is older than this. Milliseconds since 1970, of this process.
   * @throws {@link StoreError} `TALOS_STORE_UNSUPPORTED` on PostgreSQL below 14, with `fsync` off or an UNLOGGED table; `_CORRUPT` if the tables are
   * another program's or another version's; `_READ_FAILED` if the server cannot be reached; `_WRITE_FAILED` on a standby.
   */
  async open(part: StatePart, sinceMs = 0): Promise<void> {
    await requireServer((text) => this.read({ text }));
    const [found] = await this.read({ text: this.sql.exists(part) });
    if (found?.['tables'] !== 'true') await this.#create(part, sinceMs);
    const [checked] = await this.read({ text: this.sql.check(part) });
    if (checked?.['format'] !== 'true') throw corruptState('it is not of this version of Talos');
    if (checked['unlogged'] !== '0')
      throw new StoreError({ code: 'TALOS_STORE_UNSUPPORTED', message: 'a table of the home is UNLOGGED, which a crash empties: ALTER TABLE … SET LOGGED' });
  }

  /** One statement, outside of a transaction. @throws {@link StoreError} `TALOS_STORE_READ_FAILED`, `_CORRUPT`. */
  async read(query: Query): Promise<readonly Row[]> {
    return this.#use('TALOS_STORE_READ_FAILED', (connection) => this.#ask(connection, query));
  }

  /**
   * One transaction: READ COMMITTED whatever the role was given, on disk when it resolves. If `change` throws nothing is kept. After a lost
   * connection nothing or all of it is.
   * @param lock - a statement that waits, before the first one that reads.
   * @throws {@link StoreError} `TALOS_STORE_WRITE_FAILED`; `_CONFLICT`, retryable, if others hold what it needs for too long.
   */
  async write<T>(change: (run: Run) => Promise<T>, lock = ''): Promise<T> {
    return this.#use('TALOS_STORE_WRITE_FAILED', async (connection) => {
      await this.#ask(connection, { text: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = 'on';" + lock });
      const result = await change((query) => this.#ask(connection, query));
      await this.#ask(connection, { text: 'COMMIT' });
      return result;
    });
  }

  /** Resolves when what is under way is done. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#own.end());
  }

  async #use<T>(otherwise: 'TALOS_STORE_READ_FAILED' | 'TALOS_STORE_WRITE_FAILED', work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw new UsageError({ code: 'TALOS_USAGE_CLOSED', message: 'this home was closed: open it again' });
    const connection = await this.#own.pool.connect().catch((error: unknown) => {
      throw asStateError(error, otherwise);
    });
    let isClean = false;
    try {
      if (!this.#set.has(connection)) await this.#settle(connection);
      const result = await work(connection);
      isClean = true;
      return result;
    } catch (error) {
      const coded = asStateError(error, otherwise);
      isClean = coded === error && (await this.#rollBack(connection));
      throw coded;
    } finally {
      connection.release(!isClean);
    }
  }

  /** After a refusal of our own. Any other failure ends the connection, and the transaction with it. */
  #rollBack(connection: PostgresConnection): Promise<boolean> {
    return this.#ask(connection, { text: 'ROLLBACK' }).then(
      () => true,
      () => false,
    );
  }

  async #settle(connection: PostgresConnection): Promise<void> {
    const half = Math.ceil(this.#timeoutMs / 2);
    const timeouts = `SET statement_timeout = ${this.#timeoutMs}; SET lock_timeout = ${half}; SET idle_in_transaction_session_timeout = ${this.#timeoutMs}`;
    await this.#ask(connection, { text: `${timeouts}; SET search_path = pg_catalog; SET client_min_messages = 'error'` });
    this.#set.add(connection);
  }

  async #ask(connection: PostgresConnection, query: Query): Promise<readonly Row[]> {
    const { rows } = await connection.query({ ...query, query_timeout: this.#timeoutMs + graceMs });
    return rows;
  }

  /** One process after the other, under the lock of every creation of ours: the second finds the tables of the first. */
  #create(part: StatePart, sinceMs: number): Promise<void> {
    return this.write(async (run) => {
      await run({ text: this.sql.creationLock });
      const [found] = await run({ text: this.sql.exists(part) });
      if (found?.['tables'] === 'true') return;
      if (found?.['schema'] !== 'true') await run({ text: this.sql.createSchema });
      await run({ text: this.sql.create(part, sinceMs) });
    });
  }
}

export function corruptState(reason: string): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CORRUPT', message: `the stored state was refused: ${reason}` });
}
