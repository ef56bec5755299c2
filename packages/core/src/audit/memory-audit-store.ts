/** The audit store of tests, browsers and clients without a home. Gone with the process: "durable" means in this array. @module */
import { StoreError } from '../errors/store-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { AuditBatch, AuditRow, AuditStore, NewAuditRow, StoredCheckpoint } from './audit-store.ts';
import type { Opening } from './commitment.ts';
import type { LookupKey, LookupKind } from './entry.ts';
import { isSameHead } from './signed-heads.ts';
import { emptyRoot, hashLength, nodePlace, type TreeHead, type TreeNode } from './tree-hash.ts';

export function memoryAuditStore(): AuditStore {
  return new MemoryAuditStore();
}

class MemoryAuditStore implements AuditStore {
  readonly #rows: AuditRow[] = [];
  readonly #indexByKey = new Map<string, number>();
  /** Of the last rows: indexed when somebody looks for one. */
  readonly #newKeys: (readonly LookupKey[])[] = [];
  readonly #openings: (readonly Opening[])[] = [];
  readonly #notes = new Map<number, string>();
  #head: TreeHead = { size: 0, root: emptyRoot() };
  #closed = false;

  async loadHead(): Promise<TreeHead> {
    this.#requireOpen();
    return this.#head;
  }

  async append(batch: AuditBatch): Promise<void> {
    this.#requireOpen();
    const { expected, head, rows } = batch;
    if (!isSameHead(expected, this.#head)) {
      throw new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'the log has another head than this writer expects: open it again' });
    }
    for (const row of rows) this.#keep(row);
    this.#head = head;
  }

  async loadRows(start: number, end: number): Promise<readonly AuditRow[]> {
    this.#requireOpen();
    return this.#rows.slice(start, end);
  }

  async loadNodes(nodes: readonly TreeNode[]): Promise<readonly Uint8Array[]> {
    this.#requireOpen();
    return nodes.map((node) => {
      const { row, offset } = nodePlace(node);
      const hash = this.#rows[row]?.hashes.subarray(offset, offset + hashLength);
      if (hash?.length !== hashLength) throw new StoreError({ code: 'TALOS_STORE_CORRUPT', message: 'a node of the tree is not stored' });
      return hash;
    });
  }

  async find(kind: LookupKind, key: string): Promise<number | undefined> {
    this.#requireOpen();
    this.#index();
    return this.#indexByKey.get(`${kind}:${key}`);
  }

  async loadOpenings(index: number): Promise<readonly Opening[]> {
    this.#requireOpen();
    return this.#openings[index] ?? [];
  }

  async saveCheckpoint({ size, note }: StoredCheckpoint): Promise<void> {
    this.#requireOpen();
    if (!this.#notes.has(size)) this.#notes.set(size, note);
  }

  async loadCheckpoint(size?: number): Promise<StoredCheckpoint | undefined> {
    this.#requireOpen();
    let wanted = size ?? -1;
    if (size === undefined) for (const kept of this.#notes.keys()) wanted = Math.max(wanted, kept);
    const note = this.#notes.get(wanted);
    return note === undefined ? undefined : { size: wanted, note };
  }

  async loadCheckpoints(from: number, limit: number): Promise<readonly StoredCheckpoint[]> {
    this.#requireOpen();
    const sizes = [...this.#notes.keys()].filter((size) => size >= from).toSorted((a, b) => a - b);
    return sizes.slice(0, limit).map((size) => ({ size, note: this.#notes.get(size) as string }));
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #keep({ bytes, hashes, keys, openings }: NewAuditRow): void {
    this.#rows.push({ bytes, hashes });
    this.#newKeys.push(keys);
    this.#openings.push(openings);
  }

  #index(): void {
    const first = this.#rows.length - this.#newKeys.length;
    for (const [i, keys] of this.#newKeys.splice(0).entries()) {
      for (const { kind, key } of keys) {
        const name = `${kind}:${key}`;
        if (!this.#indexByKey.has(name)) this.#indexByKey.set(name, first + i);
      }
    }
  }

  #requireOpen(): void {
    if (this.#closed) throw new UsageError({ code: 'TALOS_USAGE_CLOSED', message: 'this audit store was closed: open another one' });
  }
}
