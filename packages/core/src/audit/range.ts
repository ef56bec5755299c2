/**
 * Range proofs: these are all entries of a window, none left out. The window splits at the highest node inside it into at most two parts;
 * the verifier hashes their leaves itself and joins them with the subtrees outside, left to right, to the signed root. @module
 */
import { equalBytes } from '../bytes/equal.ts';
import { AuditError } from '../errors/audit-error.ts';
import { requireObject, requireUint8Array } from '../errors/require.ts';
import { verifyCheckpoint, type Checkpoint } from './checkpoint.ts';
import { parseEntry, type Entry } from './entry.ts';
import { splitWidth } from './inclusion.ts';
import { SequenceChecker, type RecorderRun, type SequenceFinding } from './recorder-run.ts';
import { coveringNodes, hashChildren, hashLeaf, type TreeNode } from './tree-hash.ts';
import { areHashes, requireProof } from './tree-size.ts';
import type { VerifierKey } from './verifier-key.ts';

/** A proof is held in memory whole: a larger window is proved in parts, which meet without a gap. */
export const maxRangeEntries = 65_536;

export type RangeProof = {
  /** Index of the first entry. */
  readonly start: number;
  /** Index after the last one. */
  readonly end: number;
  /** Size of the tree that the proof leads to. */
  readonly size: number;
  /** Hashes of the subtrees outside the window, left to right, 32 bytes each; at most 106. */
  readonly proof: readonly Uint8Array[];
  /** All entries from `start` up to `end − 1`, as they were hashed. */
  readonly entries: readonly Uint8Array[];
  /** The signed note of `size`. */
  readonly checkpoint: string;
};

export type VerifiedRange = {
  readonly start: number;
  readonly end: number;
  readonly entries: readonly Entry[];
  readonly checkpoint: Checkpoint;
  readonly recorders: readonly RecorderRun[];
  /** What the log left out of a recorder's sequence within the window. Empty: nothing. */
  readonly findings: readonly SequenceFinding[];
};

/**
 * Checks that the log holds exactly these entries in this window, and their recorders' sequences.
 * @param verifierKey - the log's key as the reader trusts it.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE`, `TALOS_AUDIT_INCLUSION` or `TALOS_AUDIT_BAD_ENTRY`, whichever fails first.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` on a value of the wrong type.
 */
export function verifyRange(proof: RangeProof, verifierKey: string | VerifierKey): VerifiedRange {
  requireObject('proof', proof);
  const { start, end, size, entries } = proof;
  requireProof(proof.proof);
  requireProof(entries);
  const checkpoint = verifyCheckpoint(proof.checkpoint, verifierKey);
  if (checkpoint.size !== size) throw refuse('it leads to another size than its checkpoint');
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || start >= end || end > size) throw refuse('it is no window of this size');
  if (entries.length !== end - start || entries.length > maxRangeEntries) throw refuse('it does not hold one entry for each index');
  const leafHashes = Array.from({ length: entries.length }, (_, i) => {
    requireUint8Array(`proof.entries[${i}]`, entries[i]);
    return hashLeaf(entries[i] as Uint8Array);
  });
  // The shape follows from window and size alone, as for inclusion.
  if (proof.proof.length !== rangeSubtrees({ start, end, size }).length || !areHashes(proof.proof)) throw refuse('its hashes are not those of its window');
  if (!equalBytes(rebuild({ start, end, leafHashes, outside: [...proof.proof].values() }, { from: 0, to: size }), checkpoint.root))
    throw refuse('it leads to another root');
  const sequences = new SequenceChecker({ fromStart: start === 0 });
  const parsed = entries.map((bytes, i) => {
    const entry = parseEntry(bytes);
    sequences.add({ index: start + i, leafHash: leafHashes[i] as Uint8Array, entry });
    return entry;
  });
  return { start, end, entries: parsed, checkpoint, recorders: sequences.runs(), findings: sequences.findings() };
}

export type Window = { readonly start: number; readonly end: number; readonly size: number };

/** The subtrees outside the window whose hashes make up its proof, left to right; each folds to one hash. */
export function rangeSubtrees({ start, end, size }: Window): TreeNode[][] {
  const subtrees: TreeNode[][] = [];
  const visit = (from: number, to: number): void => {
    if (to <= start || from >= end) subtrees.push(coveringNodes(from, to));
    else if (from < start || to > end) {
      const middle = from + splitWidth(to - from);
      visit(from, middle);
      visit(middle, to);
    }
  };
  visit(0, size);
  return subtrees;
}

type Rebuild = { readonly start: number; readonly end: number; readonly leafHashes: readonly Uint8Array[]; readonly outside: Iterator<Uint8Array> };

/** The hash of leaves `from` up to `to − 1`, from the window's leaves and the proof's hashes. At most 53 deep. */
function rebuild(range: Rebuild, { from, to }: { readonly from: number; readonly to: number }): Uint8Array {
  if (to <= range.start || from >= range.end) return range.outside.next().value as Uint8Array;
  if (to - from === 1) return range.leafHashes[from - range.start] as Uint8Array;
  const middle = from + splitWidth(to - from);
  const left = rebuild(range, { from, to: middle });
  return hashChildren({ left, right: rebuild(range, { from: middle, to }) });
}

function refuse(reason: string): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_INCLUSION', message: `the range proof was refused: ${reason}` });
}
