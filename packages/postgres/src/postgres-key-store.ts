/** Sealed key records in a table: what `encryptedKeyStore` hands over, under names. @module */
import { StoreError } from '@talosprotocol/core/errors';
import type { KeyStore } from '@talosprotocol/core/identity';
import { creationLock, requireLogName } from './audit-sql.ts';
import { openPool, type PostgresPool, type Row } from './connection.ts';
import { decodeBytes } from './decode-rows.ts';
import { asStoreError } from './postgres-failure.ts';

/** A few records are read when a process starts: the connection ends with each of them. */
const timeoutMs = 30_000;
/** SQLSTATEs of a table or schema that is not there: nothing was ever saved. */
const missing: ReadonlySet<unknown> = new Set(['42P01', '3F000']);

/**
 * Records as they come, in the table `key_record` of a schema. It encrypts nothing: wrap it in `encryptedKeyStore` of `@talosprotocol/core/node`.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` on a schema name that is none.
 */
export function postgresKeyRecords(options: { readonly url: string; readonly log: string }): KeyStore {
  const { url, log } = options;
  const schema = `"${requireLogName(log)}"`;
  return {
    load: (record) => session(url, (pool) => load(pool, schema, record)),
    save: (record, sealed, expected) => session(url, (pool) => save(pool, schema, { record, sealed, expected })),
  };
}

async function load(pool: PostgresPool, schema: string, record: string): Promise<Uint8Array | undefined> {
  try {
    const { rows } = await pool.query({ text: `SELECT encode(sealed, 'hex') AS sealed FROM ${schema}.key_record WHERE name = $1`, values: [record] });
    return rows[0] === undefined ? undefined : decodeBytes(rows[0]['sealed']);
  } catch (error) {
    if (missing.has((error as { readonly code?: unknown }).code)) return undefined;
    throw asStoreError(error, 'TALOS_STORE_READ_FAILED');
  }
}

type SealedRecord = { readonly record: string; readonly sealed: Uint8Array; readonly expected: 'absent' | 'present' };

async function save(pool: PostgresPool, schema: string, { record, sealed, expected }: SealedRecord): Promise<void> {
  const values = [record, Buffer.from(sealed)];
  try {
    if (expected === 'absent') await createTable(pool, schema);
    // Whatever the role was given: a key that a peer may soon trust is on disk before it is used.
    const durable = "WITH durable AS (SELECT set_config('synchronous_commit', 'on', true) AS on)";
    const text =
      expected === 'absent'
        ? `${durable} INSERT INTO ${schema}.key_record (name, sealed) SELECT $1::text, $2::bytea FROM durable ON CONFLICT (name) DO NOTHING RETURNING name`
        : `${durable} UPDATE ${schema}.key_record SET sealed = $2::bytea FROM durable WHERE name = $1::text RETURNING name`;
    const { rows } = await pool.query({ text, values });
    requireOne(rows);
  } catch (error) {
    if (missing.has((error as { readonly code?: unknown }).code)) throw conflict();
    throw asStoreError(error, 'TALOS_STORE_WRITE_FAILED');
  }
}

/** One after the other, under the lock of every creation of ours. `IF NOT EXISTS` asks for a right even where there is nothing to make. */
async function createTable(pool: PostgresPool, schema: string): Promise<void> {
  const name = schema.slice(1, -1);
  await pool.query({
    text: `DO $do$ BEGIN
  PERFORM pg_advisory_xact_lock(${creationLock});
  IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '${name}') THEN CREATE SCHEMA ${schema}; END IF;
  IF NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '${name}' AND c.relname = 'key_record') THEN
    CREATE TABLE ${schema}.key_record (name text PRIMARY KEY, sealed bytea NOT NULL);
  END IF;
END $do$`,
  });
}

async function session<T>(url: string, use: (pool: PostgresPool) => Promise<T>): Promise<T> {
  const { pool, end } = openPool(url, { timeoutMs });
  try {
    return await use(pool);
  } finally {
    await end();
  }
}

function requireOne(rows: readonly Row[]): void {
  if (rows.length !== 1) throw conflict();
}

function conflict(): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'another writer was first: load again', retryable: true });
}
