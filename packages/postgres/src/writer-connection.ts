/** The one connection that writes a log: it holds the writer's place, commits to disk, and stops at its first failure. @module */
import { StoreError, UsageError } from '@talosprotocol/core/errors';
import { formatVersion, type AuditSql } from './audit-sql.ts';
import { connect, type PostgresConnection, type PostgresPool, type Query, type Row } from './connection.ts';
import { asStoreError, corrupt } from './postgres-failure.ts';
import { requireServer } from './require-server.ts';

export type WriterOptions = {
  readonly pool: PostgresPool;
  readonly sql: AuditSql;
  /** Longest time of one statement. */
  readonly timeoutMs: number;
  /** How long another writer may take to leave. */
  readonly waitMs: number;
};

/** The client gives up this much later than the server should have: then nothing is left of the connection but a socket. */
const graceMs = 5000;

/**
 * Beginning with the setting that makes a commit mean the disk. A machine that vanished is noticed within half a minute, so that its lock does
 * not outlive it by the two hours of TCP's own; the session may be idle; warnings are let through, because one of them says that a commit
 * was not replicated.
 */
const settings = (waitMs: number): string => `SET synchronous_commit = 'on'; SET statement_timeout = 0; SET lock_timeout = ${waitMs};
SET idle_session_timeout = 0; SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 30000;
SET client_min_messages = 'warning'; SET search_path = pg_catalog`;

export class WriterConnection {
  readonly #connection: PostgresConnection;
  readonly #options: WriterOptions;
  #process = '';
  #pending = 0;
  /** Settles with the last write that was asked for. */
  #last: Promise<unknown> = Promise.resolve();
  #failure: StoreError | undefined;
  #ended = false;
  #closing: Promise<void> | undefined;

  /** @throws {@link StoreError} as {@link openPostgresAuditStore}. */
  static async open(options: WriterOptions): Promise<WriterConnection> {
    const writer = new WriterConnection(await connect(options.pool), options);
    try {
      await writer.#begin();
      return writer;
    } catch (error) {
      writer.#end();
      throw asStoreError(error, 'TALOS_STORE_READ_FAILED');
    }
  }

  private constructor(connection: PostgresConnection, options: WriterOptions) {
    this.#connection = connection;
    this.#options = options;
    connection.on('error', (error) => this.#fail(error));
  }

  /** The server's process that holds the lock: every write names it. */
  get process(): string {
    return this.#process;
  }

  /** @throws {@link UsageError} `TALOS_USAGE_CLOSED`. */
  requireOpen(): void {
    if (this.#closing !== undefined) throw new UsageError({ code: 'TALOS_USAGE_CLOSED', message: 'this audit store was closed: open another one' });
  }

  /**
   * Writes in the order of the calls. After a failure nothing is sent any more: what reached the disk is unknown. A statement that was on its way
   * meets the head that it expects only if the one before it was kept.
   * @throws {@link StoreError} of the first failure, for this and every later call.
   */
  async write(query: Query): Promise<readonly Row[]> {
    this.requireOpen();
    this.#enter();
    const writing = this.#send(query);
    this.#last = writing.catch(() => undefined);
    try {
      return await writing;
    } finally {
      this.#leave();
    }
  }

  /** Stops the store: the writer's place is lost. */
  fail(error: StoreError): StoreError {
    return this.#fail(error);
  }

  /** Waits for what is under way. When it resolves the lock is free. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#last;
    // After a failure the connection is gone already, and the lock with it.
    if (this.#failure !== undefined) return;
    this.#connection.ref?.();
    await this.#connection.query({ text: this.#options.sql.releaseLock, query_timeout: graceMs }).catch(() => undefined);
    this.#end();
  }

  async #send(query: Query): Promise<readonly Row[]> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      // It waits for those before it, each of which the server gives as long.
      const { rows } = await this.#connection.query({ ...query, query_timeout: this.#pending * this.#options.timeoutMs + graceMs });
      // A warning may have come with the answer.
      if (this.#failure !== undefined) throw this.#failure;
      return rows;
    } catch (error) {
      throw this.#fail(error);
    }
  }

  async #begin(): Promise<void> {
    const { sql, timeoutMs, waitMs } = this.#options;
    this.#process = await requireServer((text) => this.#ask(text));
    await this.#ask(settings(waitMs));
    await this.#createTables();
    await this.#ask(sql.takeLock, waitMs);
    await this.#ask(`SET statement_timeout = ${timeoutMs}; SET lock_timeout = 0`);
    await this.#requireLog();
    this.#connection.on('notice', (notice) => this.#warned(notice.code));
    this.#connection.unref?.();
  }

  async #createTables(): Promise<void> {
    const { sql } = this.#options;
    if (await this.#hasTables()) return;
    await this.#ask(sql.beginCreation);
    const [found] = await this.#ask(sql.exists);
    if (found?.['schema'] !== 'true') await this.#ask(sql.createSchema);
    // Two processes may have begun together: the second finds the tables of the first.
    if (found?.['tables'] !== 'true') await this.#ask(sql.createTables);
    if (found?.['cosignatures'] !== 'true') await this.#ask(sql.createCosignatures);
    await this.#ask('COMMIT');
  }

  async #hasTables(): Promise<boolean> {
    const [found] = await this.#ask(this.#options.sql.exists);
    return found?.['tables'] === 'true' && found['cosignatures'] === 'true';
  }

  async #requireLog(): Promise<void> {
    const [found] = await this.#ask(this.#options.sql.check);
    if (found === undefined) throw corrupt('its head is gone');
    if (found['format'] !== String(formatVersion)) throw corrupt('it is not an audit log of this version of Talos');
    if (found['rows'] !== found['size']) throw corrupt('rows and head have different sizes');
    if (found['unlogged'] !== '0') throw unsupported('a table of the log is UNLOGGED, which a crash empties: ALTER TABLE … SET LOGGED');
  }

  async #ask(text: string, waitMs = 0): Promise<readonly Row[]> {
    const { rows } = await this.#connection.query({ text, query_timeout: this.#options.timeoutMs + waitMs + graceMs });
    return rows;
  }

  /** PostgreSQL warns when somebody cancels the wait for a standby: the entry is here and not there, which is not what was promised. */
  #warned(code: string | undefined): void {
    if (code === '00000') return;
    this.#fail(new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: `the audit database: the server warned of a write (${code})` }));
  }

  #fail(error: unknown): StoreError {
    if (this.#failure !== undefined) return this.#failure;
    this.#failure = asStoreError(error, 'TALOS_STORE_WRITE_FAILED') as StoreError;
    this.#end();
    return this.#failure;
  }

  /** Ended, not given back to the pool: the lock and the settings go with it. Once, or the pool throws: a socket may break while it is closed. */
  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#connection.release(true);
  }

  /** The process lives as long as an answer is due, and no longer for our sake. */
  #enter(): void {
    if (this.#pending++ === 0) this.#connection.ref?.();
  }

  #leave(): void {
    if (--this.#pending === 0) this.#connection.unref?.();
  }
}

function unsupported(message: string): StoreError {
  return new StoreError({ code: 'TALOS_STORE_UNSUPPORTED', message });
}
