/**
 * A log as somebody reads it who does not write it: from a store, up to its newest checkpoint, under a key that the reader trusts. Nothing
 * is signed and nothing is written (docs/spec/03 §8). @module
 */
import { equalBytes } from '../bytes/equal.ts';
import { AuditError } from '../errors/audit-error.ts';
import { requireObject } from '../errors/require.ts';
import { StoreError } from '../errors/store-error.ts';
import type { AuditLog, StoredEntry } from './audit-log.ts';
import type { AuditReader, StoredCheckpoint } from './audit-store.ts';
import { loadCosigned, type CosignatureStore } from './cosignature-store.ts';
import { verifyCheckpoint } from './checkpoint.ts';
import { parseEntry } from './entry.ts';
import { epochKey } from './origin-epoch.ts';
import { proveEntry, proveSizes, proveWindow } from './prove.ts';
import { maxRangeEntries } from './range.ts';
import { requireKey } from './require-key.ts';
import { hashLeaf, hashLength } from './tree-hash.ts';
import { formatVerifierKey, parseVerifierKey, type VerifierKey } from './verifier-key.ts';

/** What an open log and a log that is only read have in common. `checkpoint` of a log that is only read is its newest one. */
export type ProvingLog = Pick<
  AuditLog,
  'origin' | 'verifierKey' | 'size' | 'checkpoint' | 'proveInclusion' | 'proveConsistency' | 'proveRange' | 'cosigned' | 'entry' | 'find' | 'openings'
>;

type CosignatureReader = Pick<CosignatureStore, 'loadCosignatures'>;

export type ReadAuditLogOptions = {
  readonly store: AuditReader;
  readonly verifierKey: string | VerifierKey;
  /** Where its witnesses' answers are, if it has any. */
  readonly cosignatures?: CosignatureReader;
};

/**
 * @param options.verifierKey - the log's key as the reader trusts it. A log that went on after a fork is read under the epoch of its newest checkpoint.
 * @throws {@link AuditError} `TALOS_AUDIT_NOT_FOUND` if nothing was signed yet, `TALOS_AUDIT_BAD_NOTE` if the checkpoint is not of this key,
 * `TALOS_AUDIT_DIVERGED` if the store is shorter than it or has another root.
 */
export async function readAuditLog(options: ReadAuditLogOptions): Promise<ProvingLog> {
  requireObject('options', options);
  const { store, verifierKey } = options;
  const checkpoint = await store.loadCheckpoint();
  if (checkpoint === undefined) throw notFound('this log has no checkpoint yet: nothing in it can be proved');
  const key = epochKey(typeof verifierKey === 'string' ? parseVerifierKey(verifierKey) : verifierKey, checkpoint.note);
  const { size, root } = verifyCheckpoint(checkpoint.note, key);
  if ((await store.loadHead()).size < size) throw diverged('it has fewer entries than its checkpoint says');
  if (size > 0 && !equalBytes((await proveSizes(store, { oldSize: size, newSize: size })).newRoot, root))
    throw diverged('it has another root than its checkpoint');
  return new LogReader(options, key, { size, note: checkpoint.note });
}

class LogReader implements ProvingLog {
  readonly origin: string;
  readonly verifierKey: string;
  readonly size: number;
  readonly #store: AuditReader;
  readonly #key: VerifierKey;
  readonly #last: StoredCheckpoint;
  readonly #cosignatures: CosignatureReader | undefined;

  constructor({ store, cosignatures }: { readonly store: AuditReader; readonly cosignatures?: CosignatureReader }, key: VerifierKey, last: StoredCheckpoint) {
    this.#store = store;
    this.#cosignatures = cosignatures;
    this.#key = key;
    this.#last = last;
    this.origin = key.name;
    this.verifierKey = formatVerifierKey(key);
    this.size = last.size;
  }

  async checkpoint(): Promise<string> {
    return this.#last.note;
  }

  async proveInclusion(index: number, size: number = this.size): ReturnType<AuditLog['proveInclusion']> {
    this.#require(index, { below: size });
    const checkpoint = await this.#store.loadCheckpoint(size);
    const proof = { index, size, ...(await proveEntry(this.#store, { index, size })) };
    return checkpoint === undefined ? proof : { ...proof, checkpoint: checkpoint.note };
  }

  async proveConsistency(oldSize: number, newSize: number = this.size): ReturnType<AuditLog['proveConsistency']> {
    this.#require(oldSize - 1, { below: newSize });
    return proveSizes(this.#store, { oldSize, newSize });
  }

  async proveRange({ start, end, size = this.size }: Parameters<AuditLog['proveRange']>[0]): ReturnType<AuditLog['proveRange']> {
    this.#require(start, { below: end });
    this.#require(end - 1, { below: size });
    if (end - start > maxRangeEntries) throw notFound(`a range is 1 to ${maxRangeEntries} entries`);
    const checkpoint = await this.#store.loadCheckpoint(size);
    if (checkpoint === undefined) throw notFound('no checkpoint of this size was signed');
    return proveWindow(this.#store, { start, end, checkpoint, key: this.#key });
  }

  async cosigned(from: number): Promise<string | undefined> {
    this.#require(from - 1, { below: this.size });
    return this.#cosignatures && loadCosigned({ store: this.#store, cosignatures: this.#cosignatures }, from);
  }

  async entry(index: number): Promise<StoredEntry> {
    this.#require(index, { below: this.size });
    const [row] = await this.#store.loadRows(index, index + 1);
    if (row?.bytes.length === 0) throw notFound('the entry was pruned: its hash is in the tree, its bytes are gone');
    const leafHash = row && hashLeaf(row.bytes);
    if (row === undefined || leafHash === undefined || !equalBytes(leafHash, row.hashes.subarray(0, hashLength)))
      throw new StoreError({ code: 'TALOS_STORE_CORRUPT', message: 'the stored entry does not have its hash: it was changed outside Talos' });
    return { index, leafHash, bytes: row.bytes, entry: parseEntry(row.bytes) };
  }

  async find(...[kind, key]: Parameters<AuditLog['find']>): Promise<number | undefined> {
    const index = await this.#store.find(kind, key);
    return index === undefined || index >= this.size ? undefined : requireKey(await this.entry(index), { kind, key });
  }

  async openings(index: number): ReturnType<AuditLog['openings']> {
    this.#require(index, { below: this.size });
    return this.#store.loadOpenings(index);
  }

  /** `index` is in a tree of `below` leaves, and that tree in what was signed. */
  #require(index: number, { below }: { readonly below: number }): void {
    const isTree = Number.isSafeInteger(below) && below >= 1 && below <= this.size;
    if (!isTree || !Number.isSafeInteger(index) || index < 0 || index >= below) throw notFound(`what was signed of this log has ${this.size} entries`);
  }
}

function notFound(message: string): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_NOT_FOUND', message });
}

function diverged(reason: string): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_DIVERGED', message: `the log is not what was signed: ${reason}` });
}
