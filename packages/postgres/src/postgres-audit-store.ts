/** The audit store on PostgreSQL: one log is one schema, one process at a time writes it, whoever may read the tables reads. @module */
import type {
  AuditBatch,
  AuditRow,
  AuditStore,
  CosignatureStore,
  LookupKey,
  LookupKind,
  Opening,
  StoredCheckpoint,
  StoredCosignature,
  TreeHead,
  TreeNode,
} from '@talosprotocol/core/audit';
import { nodePlace } from '@talosprotocol/core/audit';
import { StoreError, UsageError } from '@talosprotocol/core/errors';
import { packBatch, packKeys } from './audit-batch.ts';
import { auditSql, lookupKinds, type AuditSql } from './audit-sql.ts';
import { openPool, type PostgresPool, type Row } from './connection.ts';
import { decodeCheckpoints, decodeCosignatures, decodeCount, decodeEntries, decodeHead, decodeNodes, decodeOpenings } from './decode-rows.ts';
import { asStoreError } from './postgres-failure.ts';
import { WriterConnection } from './writer-connection.ts';

export type PostgresAuditStoreOptions = {
  /** `postgres://user@host:5432/database`. Pass this or `pool`. */
  readonly url?: string;
  /** A pool of `pg` with at least two connections: the writer keeps one of them. It stays open when the store closes. */
  readonly pool?: PostgresPool;
  /** The schema that holds this log, made on first use: 1 to 63 of `a–z 0–9 _`. Default `talos`. */
  readonly log?: string;
  /** Longest time of one statement, 100 to 600,000. Default 30,000. A write that takes longer stops the log. */
  readonly timeoutMs?: number;
  /** How long another writer may take to leave, 1 to 600,000. Default 2,000: a restart meets the process that it replaces. */
  readonly waitMs?: number;
};

/** What is set, with its default and its bounds: zero would mean "for ever" to the server. */
export const defaultLog = 'talos';
export const defaultTimeoutMs = 30_000;
export const minTimeoutMs = 100;
const defaultWaitMs = 2000;
const maxMs = 600_000;

/**
 * Opens or creates the log's tables and takes the writer's place. Commits wait for the disk (`synchronous_commit = on`, checked with every
 * batch), and for standbys where the server names them.
 * @throws {@link StoreError} `TALOS_STORE_CONFLICT`, retryable, while another writer has the log; `_UNSUPPORTED` on PostgreSQL below 14 or with
 * `fsync` off; `_CORRUPT` if the tables are not this log's; `_READ_FAILED` if the server cannot be reached; `_WRITE_FAILED` on a standby.
 * @throws {@link UsageError} on options that cannot work.
 */
export async function openPostgresAuditStore(options: PostgresAuditStoreOptions): Promise<AuditStore & CosignatureStore> {
  const { url, pool, log = defaultLog } = requireOptions(options);
  const timeoutMs = requireMs('timeoutMs', options.timeoutMs ?? defaultTimeoutMs, minTimeoutMs);
  const waitMs = requireMs('waitMs', options.waitMs ?? defaultWaitMs, 1);
  const sql = auditSql(log);
  const own = pool === undefined ? openPool(url as string, { timeoutMs, pipeline: true }) : { pool, end: async () => undefined };
  try {
    const writer = await WriterConnection.open({ pool: own.pool, sql, timeoutMs, waitMs });
    return new PostgresAuditStore({ ...own, sql, writer, timeoutMs });
  } catch (error) {
    await own.end();
    throw error;
  }
}

type Parts = {
  readonly pool: PostgresPool;
  readonly end: () => Promise<void>;
  readonly sql: AuditSql;
  readonly writer: WriterConnection;
  readonly timeoutMs: number;
};

class PostgresAuditStore implements AuditStore, CosignatureStore {
  readonly #parts: Parts;
  readonly #sql: AuditSql;
  readonly #writer: WriterConnection;
  readonly #reads = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#sql = parts.sql;
    this.#writer = parts.writer;
  }

  async loadHead(): Promise<TreeHead> {
    return decodeHead(await this.#read(this.#sql.loadHead));
  }

  async append(batch: AuditBatch): Promise<void> {
    const { expected, head } = batch;
    const values = [expected.size, bytes(expected.root), this.#writer.process, head.size, bytes(head.root), ...packBatch(batch)];
    const [answer] = await this.#writer.write({ name: 'append', text: this.#sql.append, values });
    if (answer?.['held'] !== 'true') throw this.#writer.fail(lostPlace());
    if (answer['moved'] !== '1') throw conflict();
  }

  async loadRows(start: number, end: number): Promise<readonly AuditRow[]> {
    return decodeEntries(await this.#read(this.#sql.loadRows, [start, end]), start);
  }

  async loadNodes(nodes: readonly TreeNode[]): Promise<readonly Uint8Array[]> {
    const places = nodes.map(nodePlace);
    // SQL counts bytes from 1.
    const values = [places.map(({ row }) => row), places.map(({ offset }) => offset + 1)].map((column) => `{${column.join(',')}}`);
    return decodeNodes(await this.#read(this.#sql.loadNodes, values));
  }

  async find(kind: LookupKind, key: string): Promise<number | undefined> {
    const [row] = await this.#read(this.#sql.find, [lookupKinds[kind], Buffer.from(key)]);
    return row === undefined ? undefined : decodeCount(row['i']);
  }

  async findEach(keys: readonly LookupKey[]): Promise<readonly (number | undefined)[]> {
    const rows = await this.#read(this.#sql.findEach, [...packKeys(keys)]);
    return rows.map(({ i }) => (i === null ? undefined : decodeCount(i)));
  }

  async loadOpenings(index: number): Promise<readonly Opening[]> {
    return decodeOpenings(await this.#read(this.#sql.loadOpenings, [index]));
  }

  async saveCheckpoint({ size, note }: StoredCheckpoint): Promise<void> {
    const values = [size, Buffer.from(note), this.#writer.process];
    const [answer] = await this.#writer.write({ name: 'checkpoint', text: this.#sql.saveCheckpoint, values });
    if (answer?.['held'] !== 'true') throw this.#writer.fail(lostPlace());
  }

  async loadCheckpoint(size?: number): Promise<StoredCheckpoint | undefined> {
    const rows = size === undefined ? this.#read(this.#sql.loadLastCheckpoint) : this.#read(this.#sql.loadCheckpoint, [size]);
    return decodeCheckpoints(await rows)[0];
  }

  async loadCheckpoints(from: number, limit: number): Promise<readonly StoredCheckpoint[]> {
    return decodeCheckpoints(await this.#read(this.#sql.loadCheckpoints, [from, limit]));
  }

  async saveCosignature({ size, line }: StoredCosignature): Promise<void> {
    const values = [size, Buffer.from(line), this.#writer.process];
    const [answer] = await this.#writer.write({ name: 'cosignature', text: this.#sql.saveCosignature, values });
    if (answer?.['held'] !== 'true') throw this.#writer.fail(lostPlace());
  }

  async loadCosignatures(from: number, limit: number): Promise<readonly StoredCosignature[]> {
    return decodeCosignatures(await this.#read(this.#sql.loadCosignatures, [from, limit]));
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#writer.close();
    await Promise.allSettled(this.#reads);
    await this.#parts.end();
  }

  /** On any connection of the pool: a long read holds up no append, and a lost server is met again by the next read. */
  async #read(text: string, values: unknown[] = []): Promise<readonly Row[]> {
    const reading = this.#query(text, values);
    this.#reads.add(reading);
    try {
      return await reading;
    } finally {
      this.#reads.delete(reading);
    }
  }

  async #query(text: string, values: unknown[]): Promise<readonly Row[]> {
    this.#writer.requireOpen();
    try {
      const { rows } = await this.#parts.pool.query({ text, values, query_timeout: this.#parts.timeoutMs });
      return rows;
    } catch (error) {
      throw asStoreError(error, 'TALOS_STORE_READ_FAILED');
    }
  }
}

function requireOptions(options: PostgresAuditStoreOptions): PostgresAuditStoreOptions {
  if (typeof options !== 'object' || options === null) throw badOptions('options must be an object with url or pool');
  const { url, pool } = options;
  if ((url === undefined) === (pool === undefined)) throw badOptions('pass url or pool, and not both');
  if (pool !== undefined) requirePool(pool);
  else if (typeof url !== 'string' || url === '') throw badOptions('url must be a PostgreSQL URL: postgres://user@host:5432/database');
  return options;
}

function requirePool(pool: PostgresPool | null): void {
  if (typeof pool?.connect !== 'function') throw badOptions('pool must be a Pool of pg');
  // Ten is the default of pg. With one connection, the writer's, every read would wait for ever.
  if ((pool.options?.max ?? 10) < 2) throw badOptions('pool must allow two connections: the writer keeps one of them');
}

export function requireMs(name: string, value: number, min: number): number {
  if (!Number.isSafeInteger(value) || value < min || value > maxMs) throw badOptions(`${name} must be an integer from ${min} to ${maxMs}`);
  return value;
}

/** pg takes other byte arrays by their whole buffer. */
function bytes(array: Uint8Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

function badOptions(message: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_OPTIONS', message });
}

function conflict(): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'the log has another head than this writer expects: open it again' });
}

function lostPlace(): StoreError {
  return new StoreError({
    code: 'TALOS_STORE_CONFLICT',
    message: "this connection no longer holds the writer's place: connect to the server itself, or by a pooler in session mode",
  });
}
