/** The audit log: appends become durable in order, signed heads cover only what is durable, every entry can be proved. @module */
import { equalBytes } from '../bytes/equal.ts';
import type { Env } from '../env/env.ts';
import { AuditError } from '../errors/audit-error.ts';
import { requireObject, requireText } from '../errors/require.ts';
import { StoreError } from '../errors/store-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { Signer } from '../identity/signer.ts';
import type { AppendedEntry } from './append-queue.ts';
import type { AuditStore, StoredCheckpoint } from './audit-store.ts';
import { RecordingWriter } from './audit-writer.ts';
import { CheckpointClock, defaultInterval, type CheckpointInterval } from './checkpoint-interval.ts';
import { CheckpointSigner } from './checkpoint-signer.ts';
import { verifyCheckpoint } from './checkpoint.ts';
import type { Opening } from './commitment.ts';
import { loadCosigned, memoryCosignatureStore, type CosignatureStore } from './cosignature-store.ts';
import type { EntryProof } from './entry-proof.ts';
import { parseEntry, type Entry, type LookupKind } from './entry.ts';
import { proveEntry, proveSizes, proveWindow, type ConsistencyProof } from './prove.ts';
import { maxRangeEntries, type RangeProof } from './range.ts';
import type { EntryInput, RecordedEntry } from './recorder.ts';
import { requireKey } from './require-key.ts';
import { recoverTree, type RecoveredTree } from './recover.ts';
import type { SignedHeads } from './signed-heads.ts';
import { loadPrevious, startEntry, type PreviousRecorder } from './start-entry.ts';
import type { StoredOpening } from './private-store.ts';
import { hashLeaf, hashLength, type TreeHead } from './tree-hash.ts';
import { findUnopened } from './unopened.ts';
import { formatVerifierKey, makeVerifierKey, type VerifierKey } from './verifier-key.ts';
import type { Witness } from './witness.ts';
import { Witnessing, type WitnessState } from './witnessing.ts';

export type { AppendedEntry, EntryInput };

export type AuditLogOptions = {
  readonly store: AuditStore;
  /** The log's own key, not an agent's. */
  readonly signer: Signer;
  /** Name of the log in every checkpoint, a URL without scheme like `acme.example/talos/prod`. Never changes. */
  readonly origin: string;
  readonly env: Env;
  /** Where the heads are kept that this log has signed, apart from `store`. Without it a store that was restored whole is not noticed. */
  readonly heads?: SignedHeads;
  /** Name of this start's recorder; default 128 random bits. One name is used once. */
  readonly recorder?: string;
  /** `lost` of the log that was open before, if it had stopped: the start entry says so. */
  readonly lost?: number;
  /** How often checkpoints are signed while entries are written. Default: after 1,000 entries or 1 s. */
  readonly checkpointEvery?: CheckpointInterval;
  /** Asked for cosignatures at each checkpoint. Nothing waits for them. */
  readonly witnesses?: { readonly list: readonly Witness[]; readonly cosignatures: CosignatureStore };
  /** What fails where nobody waits: a checkpoint of the interval, a witness. */
  readonly onError?: (error: unknown) => void;
};

export type StoredEntry = { readonly index: number; readonly leafHash: Uint8Array; readonly bytes: Uint8Array; readonly entry: Entry };

/** What an opening found, before it wrote its start entry. */
export type Recovery = {
  readonly size: number;
  /** Entries from here on were hashed again. */
  readonly checkpointSize: number;
  /** Who wrote the last entry, and whether it came to its end; undefined in a new log. */
  readonly previous: PreviousRecorder | undefined;
  /** Entries that a crash left without what opens their commitments: nobody was told that they are in the log. Absent if there are none. */
  readonly unopened?: readonly number[];
};

export interface AuditLog {
  /** As it was opened, or `<origin>/epoch/<n>` after a fork was accepted. */
  readonly origin: string;
  /** What others verify this log with: `name+hash+keydata` (c2sp.org/signed-note). */
  readonly verifierKey: string;
  /** Number of durable entries. */
  readonly size: number;
  /** Events that this log rejected and has not recorded as lost: overload is recorded with the next entry, what a stop cost at the next start. */
  readonly lost: number;
  /** How far each witness has cosigned in this run. Empty without witnesses. */
  readonly witnesses: readonly WitnessState[];
  /** What this start found. */
  readonly recovery: Recovery;
  /**
   * Resolves when the entry is durable: it survives a crash and a loss of power. Entries keep the order of the calls.
   * @throws {@link AuditError} `TALOS_AUDIT_BAD_ENTRY` (nothing was changed), `TALOS_AUDIT_OVERLOADED` (retryable), `TALOS_AUDIT_STOPPED`.
   * @throws {@link StoreError} if this write failed; the log stops.
   */
  append(entry: EntryInput): Promise<AppendedEntry>;
  /** The signed note of everything that is durable now. Stored before it is handed out. */
  checkpoint(): Promise<string>;
  /**
   * Proves one entry. Without `size`, to the newest checkpoint that covers it; one is signed if there is none.
   * @throws {@link AuditError} `TALOS_AUDIT_NOT_FOUND` if index or size is not in this log.
   */
  proveInclusion(index: number, size?: number): Promise<EntryProof>;
  /** Proves that the log of `newSize` (default: now) begins with that of `oldSize`, at least 1. @throws as `proveInclusion`. */
  proveConsistency(oldSize: number, newSize?: number): Promise<ConsistencyProof>;
  /**
   * Proves that entries `start` up to `end − 1` are all there are between them: at most 65,536. Without `size`, to the newest checkpoint that
   * covers them.
   * @throws as `proveInclusion`; also for a `size` that was not signed, and an empty window.
   */
  proveRange(window: { readonly start: number; readonly end: number; readonly size?: number }): Promise<RangeProof>;
  /** @throws {@link AuditError} `TALOS_AUDIT_NOT_FOUND`.   @throws {@link StoreError} `TALOS_STORE_CORRUPT` if the bytes are not what was hashed. */
  entry(index: number): Promise<StoredEntry>;
  /** Index of the first entry under the key. @throws {@link StoreError} `TALOS_STORE_CORRUPT` if the index leads to an entry without it. */
  find(kind: LookupKind, key: string): Promise<number | undefined>;
  /** What opens the entry's commitments, as far as it was not erased. Private. */
  openings(index: number): Promise<readonly Opening[]>;
  /**
   * The note of a checkpoint of at least `from` entries with the lines of the witnesses that cosigned it, the more the better: what an evidence file
   * that is to be witnessed leads to. Of the first 64 cosigned sizes. Undefined if no witness cosigned one yet.
   */
  cosigned(from: number): Promise<string | undefined>;
  /** Writes the stop entry, waits for everything pending, signs a last checkpoint. The store stays open: who opened it closes it. */
  close(): Promise<void>;
}

/** A log that also takes what other processes have recorded. */
export interface TreeLog extends AuditLog {
  /** As `append`, of an entry that is complete. */
  appendRecorded(entry: RecordedEntry): Promise<AppendedEntry>;
  /** What opens an entry that an earlier writer wrote and a crash took the openings of, as far as nobody was erased since. */
  restoreOpenings(index: number, openings: readonly StoredOpening[]): Promise<void>;
  /** As stored, of entries `start` up to `end − 1`. */
  leafHashes(start: number, end: number): Promise<readonly Uint8Array[]>;
}

/**
 * Opens a log: recomputes the tree since the last checkpoint from stored bytes, then writes the recorder's start entry.
 * @throws {@link StoreError} or {@link AuditError} `TALOS_AUDIT_DIVERGED` or `TALOS_AUDIT_ROLLED_BACK` as `recoverTree`; a store that cannot write fails here, not at the first call.
 */
export function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  return openTreeLog(options);
}

/** The same for whoever writes for other processes too. */
export async function openTreeLog(options: AuditLogOptions): Promise<TreeLog> {
  const { store, heads, origin, signer } = options;
  const recovered = await recoverTree({ store, key: makeVerifierKey(origin, signer.publicKey), heads });
  const { size } = recovered.range;
  const previous = await loadPrevious(store, size);
  const unopened = await findUnopened(store, { from: recovered.checkpoint?.size ?? 0, to: size });
  return startLog(options, { ...recovered, previous, unopened, signed: await catchUp(recovered, heads) });
}

/** Heads that were lost, or are of an older day than the store, are brought to the last checkpoint before anything new is signed. */
async function catchUp({ checkpoint, key, signed }: RecoveredTree, heads: SignedHeads | undefined): Promise<TreeHead | undefined> {
  if (heads === undefined || checkpoint === undefined || checkpoint.size <= (signed?.size ?? 0)) return signed;
  const head = verifyCheckpoint(checkpoint.note, key);
  await heads.replace({ origin: key.name, expected: signed, head });
  return head;
}

type Recovered = RecoveredTree & Pick<Recovery, 'previous'> & { readonly unopened: readonly number[] };

/** Continues a recovered tree under the name of `key`. */
export async function startLog(options: AuditLogOptions, recovered: Recovered): Promise<TreeLog> {
  const log = new TreeAuditLog(options, recovered);
  await log.append(startEntry({ origin: log.origin, previous: recovered.previous, unopened: recovered.unopened, lost: options.lost }));
  log.begin(recovered.checkpoint);
  return log;
}

class TreeAuditLog implements TreeLog {
  readonly origin: string;
  readonly recovery: Recovery;
  readonly #store: AuditStore;
  readonly #key: VerifierKey;
  readonly #writer: RecordingWriter;
  readonly #signer: CheckpointSigner;
  readonly #clock: CheckpointClock;
  readonly #witnessing: Witnessing;
  readonly #cosignatures: CosignatureStore;
  #closing: Promise<void> | undefined;
  #newest: Promise<AppendedEntry> | undefined;
  #isFollowing = false;

  constructor(options: AuditLogOptions, { key, range, checkpoint, signed, previous, unopened }: Recovered) {
    this.origin = key.name;
    this.#store = options.store;
    this.#key = key;
    this.#writer = new RecordingWriter(options, range);
    const { store, env, onError = ignore } = options;
    const { list = [], cosignatures = memoryCosignatureStore() } = options.witnesses ?? {};
    this.#cosignatures = cosignatures;
    const onRolledBack = (error: AuditError): void => this.#writer.halt(error);
    this.#witnessing = new Witnessing({ witnesses: list, cosignatures, store, key, env, onError, onRolledBack });
    const onSigned = (signedNow: StoredCheckpoint): void => this.#witnessing.submit(signedNow);
    this.#signer = new CheckpointSigner({ store, signer: options.signer, key, writer: this.#writer, heads: options.heads, signed, checkpoint, onSigned });
    const sizes = () => ({ durable: this.size, signed: this.#signer.last?.size ?? 0 });
    this.#clock = new CheckpointClock({ interval: options.checkpointEvery ?? defaultInterval, env, sizes, sign: () => this.#signer.sign(), onError });
    this.recovery = { size: range.size, checkpointSize: checkpoint?.size ?? 0, previous, ...(unopened.length > 0 && { unopened }) };
  }

  get verifierKey(): string {
    return formatVerifierKey(this.#key);
  }

  get size(): number {
    return this.#writer.size;
  }

  get lost(): number {
    return this.#writer.lost;
  }

  get witnesses(): readonly WitnessState[] {
    return this.#witnessing.states;
  }

  /** A checkpoint that no witness had answered when the last run ended is handed in again. */
  begin(checkpoint: StoredCheckpoint | undefined): void {
    if (checkpoint !== undefined) this.#witnessing.submit(checkpoint);
  }

  append(entry: EntryInput): Promise<AppendedEntry> {
    const appended = this.#writer.append(entry);
    this.#newest = appended;
    if (!this.#isFollowing) this.#follow(appended);
    return appended;
  }

  /** One entry of a batch speaks for all of them to the interval, and the newest for those after it. One that fails is told to its caller. */
  #follow(appended: Promise<AppendedEntry>): void {
    this.#isFollowing = true;
    const settled = (): void => {
      this.#clock.tick();
      this.#isFollowing = false;
      if (this.#newest !== appended) this.#follow(this.#newest as Promise<AppendedEntry>);
    };
    appended.then(settled, settled);
  }

  async appendRecorded(entry: RecordedEntry): Promise<AppendedEntry> {
    this.#requireOpen();
    this.#writer.requireRunning();
    const appended = await this.#writer.push(entry);
    this.#clock.tick();
    return appended;
  }

  async restoreOpenings(index: number, openings: readonly StoredOpening[]): Promise<void> {
    await this.#store.restoreOpenings?.(index, openings);
  }

  async leafHashes(start: number, end: number): Promise<readonly Uint8Array[]> {
    return (await this.#store.loadRows(start, end)).map(({ hashes }) => hashes.subarray(0, hashLength));
  }

  async checkpoint(): Promise<string> {
    this.#requireOpen();
    return (await this.#signer.sign()).note;
  }

  async proveInclusion(index: number, size?: number): Promise<EntryProof> {
    if (size !== undefined) this.#requireSize(size);
    this.#requireIndex(index, size ?? this.size);
    const checkpoint = size === undefined ? await this.#covering(index) : await this.#store.loadCheckpoint(size);
    const treeSize = size ?? (checkpoint as StoredCheckpoint).size;
    const path = await proveEntry(this.#store, { index, size: treeSize });
    const proof = { index, size: treeSize, ...path };
    return checkpoint === undefined ? proof : { ...proof, checkpoint: checkpoint.note };
  }

  async proveConsistency(oldSize: number, newSize: number = this.size): Promise<ConsistencyProof> {
    this.#requireSize(oldSize);
    this.#requireSize(newSize);
    if (oldSize > newSize) throw notFound('the old size is larger than the new one');
    return proveSizes(this.#store, { oldSize, newSize });
  }

  async proveRange(window: { readonly start: number; readonly end: number; readonly size?: number }): Promise<RangeProof> {
    requireObject('window', window);
    const { start, end, size } = window;
    if (size !== undefined) this.#requireSize(size);
    this.#requireIndex(start, size ?? this.size);
    requireCount('end', end);
    if (end <= start || end > (size ?? this.size) || end - start > maxRangeEntries) throw notFound(`a range is 1 to ${maxRangeEntries} entries of the log`);
    const checkpoint = size === undefined ? await this.#covering(end - 1) : await this.#store.loadCheckpoint(size);
    if (checkpoint === undefined) throw notFound('no checkpoint of this size was signed');
    return proveWindow(this.#store, { start, end, checkpoint, key: this.#key });
  }

  cosigned(from: number): Promise<string | undefined> {
    return loadCosigned({ store: this.#store, cosignatures: this.#cosignatures }, from);
  }

  async entry(index: number): Promise<StoredEntry> {
    this.#requireIndex(index, this.size);
    const [row] = await this.#store.loadRows(index, index + 1);
    if (row?.bytes.length === 0) throw notFound('the entry was pruned: its hash is in the tree, its bytes are gone');
    const leafHash = row && hashLeaf(row.bytes);
    if (row === undefined || leafHash === undefined || !equalBytes(leafHash, row.hashes.subarray(0, hashLength))) {
      throw new StoreError({ code: 'TALOS_STORE_CORRUPT', message: 'the stored entry does not have its hash: it was changed outside Talos' });
    }
    return { index, leafHash, bytes: row.bytes, entry: parseEntry(row.bytes) };
  }

  async find(kind: LookupKind, key: string): Promise<number | undefined> {
    requireText('key', key);
    const index = await this.#store.find(kind, key);
    // A store may see a batch a moment before this log has heard of it.
    return index === undefined || index >= this.size ? undefined : requireKey(await this.entry(index), { kind, key });
  }

  async openings(index: number): Promise<readonly Opening[]> {
    this.#requireIndex(index, this.size);
    return this.#store.loadOpenings(index);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#clock.stop();
    try {
      if (await this.#writer.stop()) await this.#signer.sign();
    } finally {
      await this.#witnessing.close();
    }
  }

  async #covering(index: number): Promise<StoredCheckpoint> {
    const { last } = this.#signer;
    return last !== undefined && last.size > index ? last : this.#signer.sign();
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw new UsageError({ code: 'TALOS_USAGE_CLOSED', message: 'this audit log was closed: open it again' });
  }

  #requireSize(size: number): void {
    requireCount('size', size);
    if (size < 1 || size > this.size) throw notFound(`this log has sizes 1 to ${this.size}`);
  }

  #requireIndex(index: number, size: number): void {
    requireCount('index', index);
    if (index >= size) throw notFound(`a log of size ${size} has no entry ${index}`);
  }
}

function ignore(): void {}

function requireCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `${name} must be an integer of at least 0` });
}

function notFound(message: string): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_NOT_FOUND', message });
}
