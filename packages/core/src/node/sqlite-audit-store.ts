/** The audit store on SQLite (node:sqlite). The database lives in a worker thread: a sync to disk never holds up the event loop. @module */
import type { AuditBatch, AuditReader, AuditRow, AuditStore, StoredCheckpoint, StoreUpkeep } from '../audit/audit-store.ts';
import type { CosignatureStore, StoredCosignature } from '../audit/cosignature-store.ts';
import type { Opening } from '../audit/commitment.ts';
import type { LookupKey, LookupKind } from '../audit/entry.ts';
import { emptyRoot, nodePlace, type TreeHead, type TreeNode } from '../audit/tree-hash.ts';
import { UsageError } from '../errors/usage-error.ts';
import { DatabaseThread } from './database-thread.ts';
import { decodeRows, encodeBatch } from './sqlite-audit-batch.ts';
import type { AuditRequest, DatabaseOptions } from './sqlite-audit-messages.ts';

export type SqliteAuditStoreOptions = {
  /** The database file; its folder exists. `-wal`, `-shm` and `-lock` stand beside it. */
  readonly path: string;
  /** Largest size of the database file in bytes. A write beyond it fails as on a full disk. Default: the disk decides. */
  readonly maxBytes?: number;
};

/**
 * Opens or creates the log's database and takes the writer's place. WAL and synchronous=FULL: an acknowledged batch survives a loss of power.
 * @throws {@link StoreError} `TALOS_STORE_UNSUPPORTED` on SQLite below 3.51.3 (Node below 22.23 or 24.21), `_CONFLICT` while another writer has
 * the log, `_CORRUPT` if the file is damaged or another program's, `_READ_FAILED` if it cannot be opened.
 */
export async function openSqliteAuditStore({ path, maxBytes }: SqliteAuditStoreOptions): Promise<AuditStore & CosignatureStore> {
  return openThread({ path, maxBytes });
}

/**
 * The log as it stands now, for `readAuditLog`, `fsck` and exports: also while another process writes it, and without holding that up. Entries that
 * come later are not seen. Nothing is written, no lock is taken, a file that is not there is not made. While it is open the writer's WAL grows: close it.
 * @throws {@link StoreError} `TALOS_STORE_UNSUPPORTED`, `_READ_FAILED` if the file cannot be opened, `_CORRUPT` if it is damaged or another program's.
 */
export async function openSqliteAuditSnapshot({
  path,
}: Pick<SqliteAuditStoreOptions, 'path'>): Promise<AuditReader & Pick<CosignatureStore, 'loadCosignatures'>> {
  return openThread({ path, maxBytes: undefined, snapshot: true });
}

async function openThread(workerData: DatabaseOptions): Promise<SqliteAuditStore> {
  const { path } = workerData;
  if (typeof path !== 'string' || path.length === 0) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'path must name the database file' });
  const thread = new DatabaseThread<AuditRequest>({ url: workerUrl(), workerData, name: 'talos-audit', title: 'this audit store' });
  await thread.opened;
  return new SqliteAuditStore(thread);
}

class SqliteAuditStore implements AuditStore, CosignatureStore {
  readonly #thread: DatabaseThread<AuditRequest>;

  constructor(thread: DatabaseThread<AuditRequest>) {
    this.#thread = thread;
  }

  async loadHead(): Promise<TreeHead> {
    const head = await this.#thread.ask<TreeHead | undefined>({ op: 'loadHead' });
    return head ?? { size: 0, root: emptyRoot() };
  }

  append(batch: AuditBatch): Promise<void> {
    const packed = encodeBatch(batch);
    return this.#thread.ask({ op: 'append', batch: packed }, [packed]);
  }

  async loadRows(start: number, end: number): Promise<readonly AuditRow[]> {
    return decodeRows(await this.#thread.ask<ArrayBuffer>({ op: 'loadRows', start, end }));
  }

  loadNodes(nodes: readonly TreeNode[]): Promise<readonly Uint8Array[]> {
    return this.#thread.ask({ op: 'loadNodes', places: nodes.map(nodePlace) });
  }

  find(kind: LookupKind, key: string): Promise<number | undefined> {
    return this.#thread.ask({ op: 'find', kind, key });
  }

  findEach(keys: readonly LookupKey[]): Promise<readonly (number | undefined)[]> {
    return this.#thread.ask({ op: 'findEach', keys });
  }

  loadOpenings(index: number): Promise<readonly Opening[]> {
    return this.#thread.ask({ op: 'loadOpenings', index });
  }

  saveCheckpoint(checkpoint: StoredCheckpoint): Promise<void> {
    return this.#thread.ask({ op: 'saveCheckpoint', checkpoint });
  }

  loadCheckpoint(size?: number): Promise<StoredCheckpoint | undefined> {
    return this.#thread.ask({ op: 'loadCheckpoint', size });
  }

  loadCheckpoints(from: number, limit: number): Promise<readonly StoredCheckpoint[]> {
    return this.#thread.ask({ op: 'loadCheckpoints', from, limit });
  }

  saveCosignature(cosignature: StoredCosignature): Promise<void> {
    return this.#thread.ask({ op: 'saveCosignature', cosignature });
  }

  loadCosignatures(from: number, limit: number): Promise<readonly StoredCosignature[]> {
    return this.#thread.ask({ op: 'loadCosignatures', from, limit });
  }
  readonly upkeep: StoreUpkeep = {
    pruned: () => this.#thread.ask({ op: 'pruned' }),
    prune: (before) => this.#thread.ask({ op: 'prune', before }),
    findAll: (kind, key, limit) => this.#thread.ask({ op: 'findAll', kind, key, limit }),
  };

  close(): Promise<void> {
    return this.#thread.close();
  }
}

/** Beside this file, in the form this file has: TypeScript when Node runs the sources, JavaScript when it runs the build. */
const workerUrl = (): URL =>
  import.meta.url.endsWith('.ts') ? new URL('./sqlite-audit-worker.ts', import.meta.url) : new URL('./sqlite-audit-worker.js', import.meta.url);
