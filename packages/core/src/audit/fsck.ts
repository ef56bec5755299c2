/**
 * Recomputes a whole log from its bytes and names everything that is not as it was signed (docs/spec/03 §10). It believes nothing that is
 * stored: hashes are recomputed, signatures checked under the reader's key, sequences followed from every recorder's start. @module
 */
import { encodeBase64url } from '../bytes/base64url.ts';
import { equalBytes } from '../bytes/equal.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { TalosError } from '../errors/talos-error.ts';
import type { StoredCheckpoint } from './audit-store.ts';
import { verifyCheckpoint, type Checkpoint } from './checkpoint.ts';
import { lookupKeys, parseEntry, type Entry, type LookupKey } from './entry.ts';
import { finding, type FsckFinding, type FsckReport } from './fsck-finding.ts';
import type { FsckSource, FsckRow } from './fsck-source.ts';
import { epochKey, epochOf, firstEpochKey } from './origin-epoch.ts';
import { SequenceChecker } from './recorder-run.ts';
import { hasKey } from './require-key.ts';
import { CompactRange, hashLeaf, hashLength } from './tree-hash.ts';
import { parseVerifierKey, type VerifierKey } from './verifier-key.ts';

export type FsckOptions = {
  /** The log's key as the reader trusts it: `name+hash+keydata` or parsed. */
  readonly verifierKey: string | VerifierKey;
  /** Notes that the reader kept from earlier, elsewhere. A log whose own checkpoints were cut off with its tail is found by these only. */
  readonly known?: readonly string[];
};

/** Rows and checkpoints read at once. */
const rowsPerRead = 1024;
/** A log that was changed everywhere needs no list of everything. Of each kind, so that what a log admits of itself takes no room from what was done to it. */
const maxFindings = 10_000;
/** Of removed entries, so that a result is not taken for one without a request. About 100 MB; above it such results are not judged. */
const maxPrunedHashes = 1 << 20;

/** @throws {@link StoreError} if the source cannot be read at all; {@link AuditError} `TALOS_AUDIT_BAD_NOTE` on a malformed verifier key. */
export async function fsck(source: FsckSource, { verifierKey, known = [] }: FsckOptions): Promise<FsckReport> {
  const trusted = typeof verifierKey === 'string' ? parseVerifierKey(verifierKey) : verifierKey;
  const key = firstEpochKey(trusted);
  const checker = new LogChecker(await source.size());
  for await (const note of checkpointsOf(source)) checker.expect(note, key);
  checker.requireEpoch(key.name, trusted.name);
  for (const note of known) checker.expect({ note }, key);
  await checker.checkHead(source);
  for (let from = 0; from < checker.size; from += rowsPerRead) {
    const rows = await source.readRows(from, Math.min(from + rowsPerRead, checker.size));
    for (const row of rows) checker.add(row);
    await checker.checkIndex(source);
    if (checker.ended) break;
  }
  return checker.finish();
}

async function* checkpointsOf(source: FsckSource): AsyncGenerator<StoredCheckpoint, void, undefined> {
  for (let from = 0; ;) {
    const page = await source.readCheckpoints(from, rowsPerRead);
    yield* page;
    if (page.length < rowsPerRead) return;
    from = (page.at(-1) as StoredCheckpoint).size + 1;
  }
}

class LogChecker {
  readonly size: number;
  ended = false;
  #pruned = 0;
  #declaredPruned = 0;
  #missing: string | undefined;
  /** Requests whose results are still there. */
  readonly #prunedHashes = new Set<string>();
  readonly #range = new CompactRange();
  #sequences = new SequenceChecker({ fromStart: true });
  readonly #findings = { integrity: [] as FsckFinding[], coverage: [] as FsckFinding[] };
  /** Signed roots by size. Each is compared when the tree has grown to it. */
  readonly #expected = new Map<number, Checkpoint[]>();
  #checkpoints = 0;
  #lastSigned = 0;
  /** Origin of the largest checkpoint. */
  #newest: string | undefined;
  #lastGood = 0;
  #rootDiffers = false;
  #head: { readonly size: number; readonly root: Uint8Array } | undefined;
  /** Rows whose bytes do not have their stored hash. */
  readonly #changed: { readonly index: number; readonly computed: string; readonly row: FsckRow }[] = [];
  /** Keys of the entries that were read since the index was asked last. */
  #keyed: { readonly index: number; readonly key: LookupKey }[] = [];
  /** Requests by leaf hash, until their result comes. */
  readonly #open = new Map<string, number>();

  constructor(size: number) {
    this.size = size;
  }

  expect({ note, size }: { readonly note: string; readonly size?: number }, key: VerifierKey): void {
    this.#checkpoints++;
    try {
      const checkpoint = verifyCheckpoint(note, epochKey(key, note));
      if (size !== undefined && checkpoint.size !== size) throw new TypeError('it is filed under another size');
      this.#expected.set(checkpoint.size, [...(this.#expected.get(checkpoint.size) ?? []), checkpoint]);
      if (checkpoint.size >= this.#lastSigned) this.#newest = checkpoint.origin;
      this.#lastSigned = Math.max(this.#lastSigned, checkpoint.size);
    } catch (error) {
      this.#find('CHECKPOINT_BAD', size ?? this.#lastSigned, (error as Error).message);
    }
  }

  /** Checkpoints of before a fork are the log's own too; a log that ends with them is a copy from before it, for a reader who knows of the fork. */
  requireEpoch(origin: string, trusted: string): void {
    if (this.#newest !== undefined && (epochOf(origin, this.#newest) ?? 1) < (epochOf(origin, trusted) ?? 1))
      this.#find('CHECKPOINT_BAD', this.#lastSigned, `its newest checkpoint is of ${this.#newest}, not of ${trusted}`);
  }

  async checkHead(source: FsckSource): Promise<void> {
    this.#head = await source.head?.();
    if (this.#lastSigned > this.size) this.#find('TAIL_MISSING', this.size, `${this.#lastSigned} entries were signed, ${this.size} are here`);
    if (this.#head !== undefined && this.#head.size !== this.size) this.#find('HEAD_DIFFERS', this.size, `the head says ${this.#head.size} entries`);
    this.#compareRoots();
  }

  /** A row of the index that is gone hides an entry that is there. One that leads to an earlier entry is believed if that has the key. */
  async checkIndex(source: FsckSource): Promise<void> {
    const keyed = this.#keyed;
    this.#keyed = [];
    const first = await source.find?.(keyed.map(({ key }) => key));
    if (first === undefined) return;
    const own = new Set(keyed.map(({ index, key }) => nameOf(index, key)));
    for (const [n, { index, key }] of keyed.entries()) {
      const found = first[n];
      if (found === index) continue;
      if (found === undefined || found > index) this.#find('LOOKUP_CHANGED', index, `it is not found by its ${key.kind}`);
      else if (!own.has(nameOf(found, key)) && !(await entryHasKey(source, found, key)))
        this.#find('LOOKUP_CHANGED', index, `by its ${key.kind} another entry is found, ${found}`);
    }
  }

  add(row: FsckRow): void {
    const index = this.#range.size;
    if (row.bytes === undefined && this.#pruned === index && row.hashes[0]?.length === hashLength) {
      this.#addPruned(row, row.hashes[0]);
      return;
    }
    if (row.bytes === undefined) {
      // Without its bytes an entry has no hash, and nothing behind it can be compared with a root.
      this.#find('ENTRY_MISSING', index, row.detail ?? 'it is not there');
      this.ended = true;
      return;
    }
    const leafHash = hashLeaf(row.bytes);
    this.#compareHashes(row, { index, leafHash });
    this.#compareRoots();
    try {
      this.#follow({ index, leafHash, entry: parseEntry(row.bytes) });
    } catch (error) {
      if (!TalosError.isInstance(error)) throw error;
      this.#find('ENTRY_MALFORMED', index, error.message);
    }
  }

  /** Only at the beginning: a hole in the middle is no pruning. Whether the log says so is known at its end. */
  #addPruned(row: FsckRow, leafHash: Uint8Array): void {
    const index = this.#pruned++;
    this.#compareHashes(row, { index, leafHash });
    this.#compareRoots();
    // Whoever wrote before is met in the middle of its sequence.
    if (index === 0) this.#sequences = new SequenceChecker({ fromStart: false });
    if (this.#prunedHashes.size < maxPrunedHashes) this.#prunedHashes.add(encodeBase64url(leafHash));
    this.#missing ??= row.detail ?? 'it is not there';
  }

  #judgePruned(): void {
    if (this.#pruned > this.#declaredPruned) this.#find('ENTRY_MISSING', this.#declaredPruned, this.#missing ?? 'it is not there');
    else if (this.#pruned > 0) this.#find('ENTRIES_PRUNED', this.#pruned, `${this.#pruned} entries before it were removed by retention`);
  }

  finish(): FsckReport {
    this.#nameChanged();
    this.#judgePruned();
    const head = this.#range.head();
    if (this.#head !== undefined && !this.ended && this.#head.size === head.size && !equalBytes(this.#head.root, head.root))
      this.#find('HEAD_DIFFERS', head.size, 'the head has another root than its entries');
    for (const { code, index, detail } of this.#sequences.findings()) this.#find(code, index, detail);
    for (const [, index] of this.#open) this.#find('REQUEST_WITHOUT_RESULT', index, 'the call was allowed, and no result of it is recorded');
    for (const run of this.#sequences.runs()) {
      if (!run.stopped) this.#find('RECORDER_NOT_STOPPED', run.lastIndex, `recorder ${run.recorder} ends here without a stop: it crashed, or is running`);
    }
    const { integrity, coverage } = this.#findings;
    return {
      size: head.size,
      root: head.root,
      checkpoints: this.#checkpoints,
      signedSize: this.#lastSigned,
      recorders: this.#sequences.runs(),
      sound: integrity.length === 0,
      findings: [...integrity, ...coverage].toSorted((a, b) => a.index - b.index),
    };
  }

  #compareHashes(row: FsckRow, { index, leafHash }: { readonly index: number; readonly leafHash: Uint8Array }): void {
    const computed = this.#range.append(leafHash);
    const [stored] = row.hashes;
    if (stored !== undefined && stored.length !== hashLength) this.#find('HASH_CHANGED', index, 'its stored hash is missing or no hash');
    else if (stored !== undefined && !equalBytes(stored, leafHash)) {
      if (this.#changed.length < maxFindings) this.#changed.push({ index, computed: encodeBase64url(leafHash), row });
      return;
    }
    for (let level = 1; level * hashLength < computed.length; level++) {
      const node = row.hashes[level];
      if (node !== undefined && !equalBytes(node, computed.subarray(level * hashLength, (level + 1) * hashLength)))
        this.#find('HASH_CHANGED', index, `the stored hash of the ${2 ** level} entries up to it is missing or another`);
    }
  }

  /** Signed roots of the size that the tree has now. */
  #compareRoots(): void {
    const { size } = this.#range;
    const expected = this.#expected.get(size);
    if (expected === undefined) return;
    const { root } = this.#range.head();
    const differs = expected.some((checkpoint) => !equalBytes(checkpoint.root, root));
    // Every later root differs too, for the same reason.
    if (differs && this.#rootDiffers) return;
    this.#rootDiffers = differs;
    if (differs) this.#find('ROOT_DIFFERS', this.#lastGood, `entries ${this.#lastGood} to ${size - 1} are not those that were signed as ${size} entries`);
    else this.#lastGood = size;
  }

  #follow(row: { readonly index: number; readonly leafHash: Uint8Array; readonly entry: Entry }): void {
    const { index, leafHash, entry } = row;
    this.#sequences.add(row);
    this.#keyed.push(...lookupKeys(entry).map((key) => ({ index, key })));
    if (entry.type === 'tool.request') this.#open.set(encodeBase64url(leafHash), index);
    if (entry.type === 'tool.result') this.#close(index, entry['intent']);
    if (entry.type === 'gap') this.#admit(index, entry);
    if (entry.type === 'retention' && entry['retention'] === 'pruned' && typeof entry['before'] === 'number')
      this.#declaredPruned = Math.max(this.#declaredPruned, entry['before']);
    const decision = (entry['policy'] as { readonly decision?: unknown } | undefined)?.decision;
    if (
      decision !== undefined &&
      (entry.type === 'tool.request') !== (decision === 'allow') &&
      (entry.type === 'tool.request' || entry.type === 'policy.decision')
    )
      this.#find('DECISION_CONTRADICTS', index, `a ${entry.type} cannot hold the decision ${JSON.stringify(decision)}`);
  }

  /** What the log says itself that it does not hold. */
  #admit(index: number, { gap, lost, signed_size, kept }: Entry): void {
    if (typeof lost === 'number') this.#find('EVENTS_LOST', index, `${lost} events found no place in the log before this entry`);
    if (gap === 'fork')
      this.#find('HISTORY_LOST', index, `the log was restored from a copy of ${JSON.stringify(kept)} entries; ${JSON.stringify(signed_size)} had been signed`);
  }

  #close(index: number, intent: unknown): void {
    if (typeof intent !== 'string' || this.#prunedHashes.has(intent) || this.#pruned > maxPrunedHashes) return;
    if (!this.#open.delete(intent)) this.#find('RESULT_WITHOUT_REQUEST', index, 'no request before it has the hash that it answers');
  }

  /** An entry that has the hash of another row was moved from there; one that had its hash as a refusal was made a permission. */
  #nameChanged(): void {
    const storedAt = new Map(this.#changed.map(({ index, row }) => [encodeBase64url(row.hashes[0] as Uint8Array), index]));
    for (const { index, computed, row } of this.#changed) {
      const from = storedAt.get(computed);
      if (from !== undefined) this.#find('ENTRY_MOVED', index, `it has the hash of entry ${from}`);
      else if (wasRefusal(row)) this.#find('REFUSAL_CHANGED', index, 'with the decision deny it has its stored hash: a refusal was turned into a permission');
      else this.#find('ENTRY_CHANGED', index, 'its bytes do not have its stored hash');
    }
  }

  #find(code: FsckFinding['code'], index: number, detail: string): void {
    const found = finding(code, { index, detail });
    const alike = this.#findings[found.about];
    if (alike.length < maxFindings) alike.push(found);
  }
}

function nameOf(index: number, { kind, key }: LookupKey): string {
  return `${index} ${kind} ${key}`;
}

/** Whether an entry that was read before has the key: a call may have begun long ago. */
async function entryHasKey(source: FsckSource, index: number, key: LookupKey): Promise<boolean> {
  const [row] = await source.readRows(index, index + 1);
  try {
    return row?.bytes !== undefined && hasKey(parseEntry(row.bytes), key);
  } catch (error) {
    if (TalosError.isInstance(error)) return false;
    throw error;
  }
}

/** Undoes the edit that matters most and asks the hash whether it was that one. */
function wasRefusal({ bytes, hashes }: FsckRow): boolean {
  const [stored] = hashes;
  if (bytes === undefined || stored === undefined) return false;
  const text = decodeLossy(bytes);
  const refused = text.replace('"decision":"allow"', '"decision":"deny"');
  return (
    refused !== text &&
    [refused, refused.replace('"type":"tool.request"', '"type":"policy.decision"')].some((each) => equalBytes(hashLeaf(encodeUtf8(each)), stored))
  );
}

function decodeLossy(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    return '';
  }
}
