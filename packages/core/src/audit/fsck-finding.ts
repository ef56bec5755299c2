/** What fsck can find, by name. @module */
import type { RecorderRun, SequenceCode } from './recorder-run.ts';

/** The log is not what was hashed, written or signed. */
export type IntegrityCode =
  | SequenceCode
  /** The bytes do not have their stored hash. */
  | 'ENTRY_CHANGED'
  /** A refusal was turned into a permission: undone, the entry has its stored hash. */
  | 'REFUSAL_CHANGED'
  /** An allowed decision alone, or a refused one on a request. */
  | 'DECISION_CONTRADICTS'
  /** The bytes are no entry. */
  | 'ENTRY_MALFORMED'
  /** Nothing is stored at this index, and nothing behind it was checked. */
  | 'ENTRY_MISSING'
  /** The stored hash of a subtree that ends here is another than its entries give. */
  | 'HASH_CHANGED'
  /** Fewer entries than were signed; the index is the first that is missing. */
  | 'TAIL_MISSING'
  /** The entries from here up to the next signed size are not those that were signed. */
  | 'ROOT_DIFFERS'
  /** The index does not lead to the entry, or leads to one that does not have the key: who asks for it by id, call or message is told something else. */
  | 'LOOKUP_CHANGED'
  /** The stored head is not that of the entries. */
  | 'HEAD_DIFFERS'
  /** A checkpoint does not verify under the log's key; the index is its size. */
  | 'CHECKPOINT_BAD'
  /** A result that answers no request. */
  | 'RESULT_WITHOUT_REQUEST';

/** The log is sound, and says itself that it does not hold everything. */
export type CoverageCode =
  /** A call was allowed and nothing says how it ended. */
  | 'REQUEST_WITHOUT_RESULT'
  /** A recorder counted events that it could not write. */
  | 'EVENTS_LOST'
  /** Entries below the index were removed by retention, and the log says so: their hashes were checked, their bytes are gone. */
  | 'ENTRIES_PRUNED'
  /** The log was restored from an older copy here and goes on under a new origin. */
  | 'HISTORY_LOST'
  /** A recorder's last entry is no stop. */
  | 'RECORDER_NOT_STOPPED';

export type FsckFinding = {
  readonly code: IntegrityCode | CoverageCode;
  readonly about: 'integrity' | 'coverage';
  /** Of the entry, or as the code says. */
  readonly index: number;
  readonly detail: string;
};

export type FsckReport = {
  /** Entries that were read and hashed, and their root. */
  readonly size: number;
  readonly root: Uint8Array;
  /** Notes that were checked, and the largest size that a good one signs. */
  readonly checkpoints: number;
  readonly signedSize: number;
  readonly recorders: readonly RecorderRun[];
  /** No finding is about integrity. */
  readonly sound: boolean;
  /** By index; at most 10,000 about integrity and as many about coverage. */
  readonly findings: readonly FsckFinding[];
};

const coverage: ReadonlySet<string> = /* @__PURE__ */ new Set<CoverageCode>([
  'REQUEST_WITHOUT_RESULT',
  'EVENTS_LOST',
  'ENTRIES_PRUNED',
  'HISTORY_LOST',
  'RECORDER_NOT_STOPPED',
]);

export function finding(code: FsckFinding['code'], { index, detail }: { readonly index: number; readonly detail: string }): FsckFinding {
  return { code, about: coverage.has(code) ? 'coverage' : 'integrity', index, detail };
}
