/** What the stores use of `pg`: any pool that has this will do. @module */
import { UsageError } from '@talosprotocol/core/errors';
import { Pool } from 'pg';
import { asStoreError } from './postgres-failure.ts';

/** Every column that our statements give is text or null. */
export type Row = { readonly [column: string]: string | null };

export type Query = {
  readonly text: string;
  /** Prepared once per connection under this name. */
  readonly name?: string;
  readonly values?: unknown[];
  /** Milliseconds after which the client gives up, for a server that does not answer at all. */
  readonly query_timeout?: number;
};

export interface PostgresConnection {
  query(query: Query): Promise<{ readonly rows: Row[] }>;
  on(event: 'error' | 'notice', listener: (event: Error & { readonly code?: string }) => void): unknown;
  /** With `true` the connection is ended, not given back. */
  release(destroy?: boolean): void;
  ref?(): void;
  unref?(): void;
}

/** A `Pool` of `pg`. One connection is taken for the writer as long as the store is open. */
export interface PostgresPool {
  readonly options: { readonly max?: number | undefined };
  connect(): Promise<PostgresConnection>;
  query(query: Query): Promise<{ readonly rows: Row[] }>;
}

export type PoolSettings = {
  readonly timeoutMs: number;
  readonly max?: number;
  /** Statements of one connection are sent without waiting for the answers before: each is a transaction of its own, and none may need the one before to have succeeded. */
  readonly pipeline?: boolean;
};

export type OwnPool = { readonly pool: PostgresPool; readonly end: () => Promise<void> };

/** The writer and three readers: proofs are a few index reads each. */
const ownConnections = 4;

/**
 * A pool of our own on a `postgres://` URL.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` on a URL that does not parse. The URL itself, which may hold a password, is not repeated.
 */
export function openPool(url: string, { timeoutMs, max = ownConnections, pipeline = false }: PoolSettings): OwnPool {
  try {
    const options = { connectionString: url, max, pipeline, connectionTimeoutMillis: timeoutMs, keepAlive: true, allowExitOnIdle: true };
    const pool = new Pool({ application_name: 'talos', ...options });
    // An idle connection that breaks: the next query meets the same server, and reports it to somebody who waits.
    pool.on('error', () => undefined);
    // One that breaks between two statements of a transaction: likewise.
    pool.on('connect', (client) => client.on('error', () => undefined));
    return { pool: pool as PostgresPool, end: () => pool.end() };
  } catch {
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'url must be a PostgreSQL URL: postgres://user@host:5432/database' });
  }
}

/** @throws {@link StoreError} `TALOS_STORE_READ_FAILED`, retryable if the server cannot be reached. */
export async function connect(pool: PostgresPool): Promise<PostgresConnection> {
  try {
    return await pool.connect();
  } catch (error) {
    throw asStoreError(error, 'TALOS_STORE_READ_FAILED');
  }
}
