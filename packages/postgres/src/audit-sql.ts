/** The tables of one log and every statement on them. A log is a schema of its own: rights, backup and removal go by schema. @module */
import { UsageError } from '@talosprotocol/core/errors';

/** Numbers that the database keeps: never change one. The same as in SQLite. */
export const lookupKinds = { id: 1, call: 2, message: 3 } as const;

/** Raised when a table changes; another number is refused. */
export const formatVersion = 1;

/** "talo": the first half of every advisory lock of ours, so that it meets no other program's. The second is the schema's OID. */
const lockSpace = '(1952541807::bigint << 32)';
/** Held while the tables of any log or home are made. */
export const creationLock = `${lockSpace} - 1`;

/** As PostgreSQL writes names without quotes; `pg_` is the server's. 63 bytes is the longest it keeps. */
const logName = /^(?!pg_)[a-z_][a-z0-9_]{0,62}$/;

export type AuditSql = ReturnType<typeof auditSql>;

/**
 * Bytes and numbers leave as text: a pool's own type parsers, and a role's bytea_output, then change nothing. Ordered by the column, never by that text.
 * @param log - the schema's name.   @throws {@link UsageError} `TALOS_USAGE_ARGUMENT`.
 */
export function auditSql(log: string) {
  const name = requireLogName(log);
  const schema = `"${name}"`;
  return {
    /** Read from the catalogue's tables: `to_regclass` may answer from before the lock was waited for. */
    exists: `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = '${name}')::text AS schema,
      EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '${name}' AND c.relname = 'head')::text AS tables,
      EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '${name}' AND c.relname = 'cosignature')::text AS cosignatures`,
    /** The lock ends with the transaction. `IF NOT EXISTS` alone fails when two processes begin together. */
    beginCreation: `BEGIN; SELECT pg_advisory_xact_lock(${creationLock})`,
    createSchema: `CREATE SCHEMA ${schema}`,
    createTables: createTables(schema),
    /** Of its own: a log from before it had witnesses goes on. */
    createCosignatures: `CREATE TABLE ${schema}.cosignature (size bigint NOT NULL, line bytea NOT NULL, PRIMARY KEY (size, line))`,
    /** Waits for another writer as long as `lock_timeout` allows. Ends with the connection, however that ends. */
    takeLock: `SELECT pg_advisory_lock(${lockSpace} | '${schema}'::regnamespace::oid::bigint)`,
    /** Taken for a moment, if it can be. */
    probeLock: `SELECT (CASE WHEN pg_try_advisory_lock(${lockSpace} | '${schema}'::regnamespace::oid::bigint)
      THEN pg_advisory_unlock(${lockSpace} | '${schema}'::regnamespace::oid::bigint) ELSE false END)::text AS free`,
    releaseLock: `SELECT pg_advisory_unlock(${lockSpace} | '${schema}'::regnamespace::oid::bigint)`,
    /** Rows and head are written together: where they disagree, somebody else wrote. An unlogged table is emptied by a crash. */
    check: `SELECT format::text, size::text, (SELECT coalesce(max(i) + 1, 0) FROM ${schema}.entry)::text AS rows,
      (SELECT count(*) FROM pg_class WHERE relnamespace = '${schema}'::regnamespace AND relkind = 'r' AND relpersistence <> 'p')::text AS unlogged FROM ${schema}.head`,
    append: append(schema),
    saveCheckpoint: `WITH ${place('$3')}, saved AS (INSERT INTO ${schema}.checkpoint (size, note) SELECT $1::bigint, $2::bytea FROM place WHERE held ON CONFLICT (size) DO NOTHING) SELECT held::text FROM place`,
    saveCosignature: `WITH ${place('$3')}, saved AS (INSERT INTO ${schema}.cosignature (size, line) SELECT $1::bigint, $2::bytea FROM place WHERE held ON CONFLICT (size, line) DO NOTHING) SELECT held::text FROM place`,
    loadCosignatures: `SELECT size::text, encode(line, 'hex') AS line FROM ${schema}.cosignature
      WHERE size IN (SELECT DISTINCT size FROM ${schema}.cosignature WHERE size >= $1 ORDER BY size LIMIT $2) ORDER BY cosignature.size, cosignature.line`,
    loadHead: `SELECT size::text, encode(root, 'hex') AS root FROM ${schema}.head`,
    loadRows: `SELECT i::text, encode(body, 'hex') AS bytes, encode(hashes, 'hex') AS hashes FROM ${schema}.entry WHERE i >= $1 AND i < $2 ORDER BY entry.i`,
    /** A lookup for each node, whatever the planner thinks of the table's size. */
    loadNodes: `SELECT (SELECT encode(substring(hashes FROM node.first FOR 32), 'hex') FROM ${schema}.entry WHERE i = node.i) AS hash
      FROM unnest($1::bigint[], $2::integer[]) WITH ORDINALITY AS node (i, first, n) ORDER BY n`,
    findEach: `SELECT (SELECT i FROM ${schema}.lookup WHERE kind = asked.kind AND key = asked.key ORDER BY lookup.i LIMIT 1)::text AS i
FROM unnest($1::integer[], $2::bytea[]) WITH ORDINALITY AS asked (kind, key, n) ORDER BY n`,
    find: `SELECT i::text FROM ${schema}.lookup WHERE kind = $1 AND key = $2 ORDER BY lookup.i LIMIT 1`,
    loadOpenings: `SELECT encode(field, 'hex') AS field, encode(salt, 'hex') AS salt, encode(payload, 'hex') AS payload FROM ${schema}.opening WHERE i = $1 ORDER BY place`,
    loadCheckpoint: `SELECT size::text, encode(note, 'hex') AS note FROM ${schema}.checkpoint WHERE size = $1`,
    loadLastCheckpoint: `SELECT size::text, encode(note, 'hex') AS note FROM ${schema}.checkpoint ORDER BY checkpoint.size DESC LIMIT 1`,
    loadCheckpoints: `SELECT size::text, encode(note, 'hex') AS note FROM ${schema}.checkpoint WHERE size >= $1 ORDER BY checkpoint.size LIMIT $2`,
  } as const;
}

/** @throws {@link UsageError} `TALOS_USAGE_ARGUMENT`. */
export function requireLogName(log: unknown): string {
  if (typeof log === 'string' && logName.test(log)) return log;
  throw new UsageError({
    code: 'TALOS_USAGE_ARGUMENT',
    message: 'log names a schema: 1 to 63 lower-case letters, digits and underscores, not beginning with a digit or "pg_"',
  });
}

/** Text is bytea too: a database in another encoding than UTF-8 could not keep it, and U+0000 no database could. */
function createTables(schema: string): string {
  return `CREATE TABLE ${schema}.entry (i bigint PRIMARY KEY, hashes bytea NOT NULL, body bytea NOT NULL);
CREATE TABLE ${schema}.head (one boolean PRIMARY KEY CHECK (one), format integer NOT NULL, size bigint NOT NULL, root bytea NOT NULL) WITH (fillfactor = 10);
CREATE TABLE ${schema}.lookup (kind smallint NOT NULL, key bytea NOT NULL, i bigint NOT NULL, PRIMARY KEY (kind, key, i));
CREATE TABLE ${schema}.opening (i bigint NOT NULL, place smallint NOT NULL, field bytea NOT NULL, salt bytea NOT NULL, payload bytea NOT NULL, PRIMARY KEY (i, place));
CREATE TABLE ${schema}.checkpoint (size bigint PRIMARY KEY, note bytea NOT NULL);
INSERT INTO ${schema}.head (one, format, size, root) VALUES (true, ${formatVersion}, 0, sha256(''::bytea))`;
}

/**
 * Whether this is still the server process that took the lock, and commits still wait for the disk. A pooler that hands out another process
 * for each transaction would have left the lock behind.
 */
function place(process: string): string {
  return `place AS (SELECT pg_backend_pid() = ${process}::integer AND current_setting('synchronous_commit') IN ('on', 'remote_apply') AS held)`;
}

/**
 * One statement, so one transaction and one round trip: locks the head's row, compares it, and writes everything or nothing.
 * $1 size and $2 root expected, $3 the writer's server process, $4 size and $5 root to be; from $6 on as `packBatch` gives them.
 * Arrays are unnested where rows are selected: in FROM the server would store them once more before it inserts, an eighth of its work. Where they
 * had different lengths, the shorter one would give nulls, which no column takes.
 */
function append(schema: string): string {
  return `WITH ${place('$3')},
locked AS (SELECT one FROM ${schema}.head, place WHERE held AND format = ${formatVersion} AND size = $1::bigint AND root = $2::bytea FOR UPDATE OF head),
moved AS (UPDATE ${schema}.head SET size = $4::bigint, root = $5::bytea FROM locked WHERE head.one AND size = $1::bigint AND root = $2::bytea RETURNING 1),
entries AS (INSERT INTO ${schema}.entry (i, hashes, body)
  SELECT generate_series($1::bigint, $4::bigint - 1), unnest($6::bytea[]), unnest($7::bytea[]) FROM moved),
keys AS (INSERT INTO ${schema}.lookup (kind, key, i)
  SELECT k, b, $1::bigint + r FROM (SELECT unnest($8::integer[]) AS r, unnest($9::integer[]) AS k, unnest($10::bytea[]) AS b FROM moved) AS part),
openings AS (INSERT INTO ${schema}.opening (i, place, field, salt, payload)
  SELECT $1::bigint + r, p, f, s, b FROM (SELECT unnest($11::integer[]) AS r, unnest($12::integer[]) AS p, unnest($13::bytea[]) AS f,
    unnest($14::bytea[]) AS s, unnest($15::bytea[]) AS b FROM moved) AS part)
SELECT held::text, (SELECT count(*) FROM moved)::text AS moved FROM place`;
}
