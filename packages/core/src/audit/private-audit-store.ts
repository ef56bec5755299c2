/** An audit store whose salts and payloads are elsewhere: the log sees one store, and what may be erased is not among the entries. @module */
import { StoreError } from '../errors/store-error.ts';
import { findEach, type AuditBatch, type AuditReader, type AuditStore } from './audit-store.ts';
import type { Opening } from './commitment.ts';
import type { PrivateReader, PrivateStore, StoredOpening } from './private-store.ts';
import { isSameHead } from './signed-heads.ts';
import type { TreeHead } from './tree-hash.ts';
import { unsealOpening } from './subject-seal.ts';

export type PrivateAuditStore = AuditStore & {
  /** Where openings and the keys of persons are. */
  readonly privateStore: PrivateStore;
  /** The entries without them. */
  readonly entryStore: AuditStore;
  /** One erasure after the other, whoever asks: tasks have numbers. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
};

/**
 * Joins a log's entries with its private part. The two are written side by side, and an entry is acknowledged when both are durable. Openings of
 * entries that did not become durable are dropped here; entries without their openings are for the log to name. Closing it closes both.
 */
export async function withPrivateStore(entryStore: AuditStore, privateStore: PrivateStore): Promise<PrivateAuditStore> {
  const head = await entryStore.loadHead();
  await privateStore.trim(head.size);
  return new SplitStore({ entryStore, privateStore, head });
}

/** The same for a reader. */
export function readWithPrivate(entries: AuditReader, privateReader: PrivateReader): AuditReader {
  return {
    loadHead: () => entries.loadHead(),
    loadRows: (start, end) => entries.loadRows(start, end),
    loadNodes: (nodes) => entries.loadNodes(nodes),
    find: (kind, key) => entries.find(kind, key),
    findEach: (keys) => findEach(entries, keys),
    loadCheckpoint: (size) => entries.loadCheckpoint(size),
    loadCheckpoints: (from, limit) => entries.loadCheckpoints(from, limit),
    loadOpenings: (index) => openAll(privateReader, index),
    close: async () => {
      await entries.close();
      await privateReader.close();
    },
  };
}

/** What can still be opened. A payload whose key is gone is gone, whether its bytes are there or not. */
async function openAll(reader: PrivateReader, index: number): Promise<readonly Opening[]> {
  const opened: Opening[] = [];
  for (const { subject, ...stored } of await reader.loadOpenings(index)) {
    const known = subject === undefined ? undefined : await reader.loadSubject(subject);
    if (subject === undefined) opened.push(stored);
    else if (known !== undefined) opened.push(unsealOpening(stored, known));
  }
  return opened;
}

type Parts = { readonly entryStore: AuditStore; readonly privateStore: PrivateStore; readonly head: TreeHead };

class SplitStore implements PrivateAuditStore {
  readonly entryStore: AuditStore;
  readonly privateStore: PrivateStore;
  readonly #reader: AuditReader;
  #sent: TreeHead;
  /** Acknowledged in order: a head is durable when everything before it is. */
  #before: Promise<unknown> = Promise.resolve();
  #failure: unknown;
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ entryStore, privateStore, head }: Parts) {
    this.entryStore = entryStore;
    this.privateStore = privateStore;
    this.#reader = readWithPrivate(entryStore, privateStore);
    this.#sent = head;
  }

  async append(batch: AuditBatch): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const { expected, head, rows } = batch;
    // Asked before anything is kept: openings of a refused batch would stand at the indices of others.
    if (!isSameHead(expected, this.#sent))
      throw new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'the log has another head than this writer expects: open it again' });
    this.#sent = head;
    const kept = rows.flatMap(({ openings }, i) => (openings.length === 0 ? [] : [{ index: expected.size + i, openings }]));
    // Two syncs at once, on two files. A death between them leaves openings without an entry, which the next start drops, or an entry without
    // openings, which nobody was told of and the next start names.
    const saved = kept.length === 0 ? undefined : this.privateStore.saveOpenings(kept);
    const written = this.entryStore.append({ expected, head, rows: rows.map((row) => ({ ...row, openings: [] })) });
    const turn = Promise.all([this.#before, saved, written]);
    this.#before = turn;
    try {
      await turn;
    } catch (error) {
      this.#failure ??= error;
      throw error;
    }
  }

  openingsKept = (): Promise<number> => this.privateStore.saved();

  async restoreOpenings(index: number, openings: readonly StoredOpening[]): Promise<void> {
    if (openings.length === 0 || (await this.privateStore.loadOpenings(index)).length > 0) return;
    const present: StoredOpening[] = [];
    for (const opening of openings) {
      const { subject } = opening;
      if (subject === undefined || (await this.privateStore.loadSubject(subject)) !== undefined) present.push(opening);
    }
    if (present.length > 0) await this.privateStore.saveOpenings([{ index, openings: present }]);
  }

  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  loadHead: AuditReader['loadHead'] = () => this.#reader.loadHead();
  loadRows: AuditReader['loadRows'] = (start, end) => this.#reader.loadRows(start, end);
  loadNodes: AuditReader['loadNodes'] = (nodes) => this.#reader.loadNodes(nodes);
  find: AuditReader['find'] = (kind, key) => this.#reader.find(kind, key);
  readonly findEach: NonNullable<AuditReader['findEach']> = (keys) => findEach(this.#reader, keys);
  loadOpenings: AuditReader['loadOpenings'] = (index) => this.#reader.loadOpenings(index);
  loadCheckpoint: AuditReader['loadCheckpoint'] = (size) => this.#reader.loadCheckpoint(size);
  loadCheckpoints: AuditReader['loadCheckpoints'] = (from, limit) => this.#reader.loadCheckpoints(from, limit);
  saveCheckpoint: AuditStore['saveCheckpoint'] = (checkpoint) => this.entryStore.saveCheckpoint(checkpoint);
  close = (): Promise<void> => this.#reader.close();

  get upkeep(): AuditStore['upkeep'] {
    return this.entryStore.upkeep;
  }
}
