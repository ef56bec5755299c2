/**
 * Reads a log once and counts what a reviewer asks for (docs/spec/11 §5). Every entry is hashed and the tree compared with the signed root: what
 * is counted is what was signed. @module
 */
import { encodeBase64 } from '../bytes/base64.ts';
import { decodeUtf8 } from '../bytes/utf8.ts';
import { requireObject } from '../errors/require.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { Checkpoint } from '../audit/checkpoint.ts';
import type { FsckSource } from '../audit/fsck-source.ts';
import { readEntry } from '../audit/read-entry.ts';
import { newestCheckpoint, prunedHash, readAhead, signedLeaves, type SignedLeaf, type SignedLog } from '../audit/signed-leaves.ts';
import { CompactRange } from '../audit/tree-hash.ts';
import { formatVerifierKey, makeVerifierKey, parseVerifierKey } from '../audit/verifier-key.ts';
import type { ReportFacts } from './report-facts.ts';
import { RetentionTally, type ReportRetention } from './retention-counts.ts';
import { WindowCounts } from './window-counts.ts';
import { WitnessSpans, type ReportWitnesses } from './witness-span.ts';

export type CollectReportOptions = SignedLog & {
  /** Milliseconds since 1970: entries from `from` on and before `to`, by the clocks of their recorders. Default: all. */
  readonly from?: number;
  readonly to?: number;
  readonly witnesses?: ReportWitnesses;
  /** Counts by class of this policy which entries are within it, held, or older than it allows. */
  readonly retention?: ReportRetention;
};

/**
 * @throws {@link AuditError} `TALOS_AUDIT_NOT_FOUND` if nothing was signed, `_BAD_NOTE`, `_DIVERGED`, `_BAD_ENTRY`; {@link StoreError};
 * {@link UsageError} `TALOS_USAGE_ARGUMENT` on a period that is none, `TALOS_USAGE_OPTIONS` on a retention policy that cannot be.
 */
export async function collectReport(options: CollectReportOptions): Promise<ReportFacts> {
  requireObject('options', options);
  const { source, from = 0, to = maxTime } = options;
  requirePeriod(from, to);
  const checkpoint = await newestCheckpoint(options);
  const { publicKey } = typeof options.verifierKey === 'string' ? parseVerifierKey(options.verifierKey) : options.verifierKey;
  const key = makeVerifierKey(checkpoint.origin, publicKey);
  const witnesses = options.witnesses && new WitnessSpans(options.witnesses, key);
  const retention = options.retention && new RetentionTally(options.retention);
  const range = new CompactRange();
  const grow = (leafHash: Uint8Array): void => {
    if (witnesses === undefined) return;
    range.append(leafHash);
    witnesses.grow(range.size, () => range.head().root);
  };
  const pruned = await passPruned(source, checkpoint.size, grow);
  const { start, end } = await findWindow(source, { from, to, checkpoint, pruned });
  const counts = new WindowCounts(start);
  const count = (leaf: SignedLeaf): void => {
    const { entry } = readEntry(leaf.bytes);
    if (leaf.index >= end) return counts.answer(entry);
    const time = Date.parse(entry.time);
    counts.add(leaf, entry, time >= from && time < to);
    witnesses?.add(leaf.index, time);
    retention?.add(leaf.index, entry);
    lastMs = Math.max(lastMs, time);
  };
  let lastMs = from;
  for await (const leaves of signedLeaves(source, { start: 0, end: checkpoint.size, checkpoint })) {
    for (const leaf of leaves) {
      if (leaf.index >= start) count(leaf);
      grow(leaf.leafHash);
    }
  }
  return {
    origin: checkpoint.origin,
    verifierKey: formatVerifierKey(key),
    checkpoint: { size: checkpoint.size, root: encodeBase64(checkpoint.root) },
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    pruned,
    ...counts.facts(),
    retentionClasses: retention?.facts(),
    witnesses: witnesses?.facts(end, lastMs),
  };
}

const maxTime = Date.UTC(9999, 11, 31);

type Period = { readonly from: number; readonly to: number; readonly checkpoint: Checkpoint; readonly pruned: number };

/** How many entries at the beginning are hashes only. The pass that counts compares them with the signed root. */
async function passPruned(source: FsckSource, size: number, grow: (leafHash: Uint8Array) => void): Promise<number> {
  let pruned = 0;
  for await (const rows of readAhead(source, { start: 0, end: size })) {
    for (const row of rows) {
      const hash = prunedHash(row);
      if (hash === undefined) return pruned;
      grow(hash);
      pruned++;
    }
  }
  return pruned;
}

/** All entries between the first and the last whose time lies in the period. A hint only: the entries are hashed and parsed in the pass that counts. */
async function findWindow(source: FsckSource, { from, to, checkpoint: { size }, pruned }: Period): Promise<{ readonly start: number; readonly end: number }> {
  if (from === 0 && to === maxTime) return { start: pruned, end: size };
  let start: number | undefined;
  let end = 0;
  let index = pruned;
  for await (const rows of readAhead(source, { start: pruned, end: size })) {
    for (const { bytes } of rows) {
      const time = bytes === undefined ? Number.NaN : timeOf(bytes);
      if (time >= from && time < to) {
        start ??= index;
        end = index + 1;
      }
      index++;
    }
  }
  return start === undefined ? { start: pruned, end: pruned } : { start, end };
}

const timeMember = '"time":"';
const timeLength = '2026-11-22T00:00:00.000Z'.length;

/** NaN for what is no entry: the counting pass refuses it. A name that stands once is the entry's own: quotes within strings have a backslash. */
function timeOf(bytes: Uint8Array): number {
  try {
    const text = decodeUtf8(bytes);
    const at = text.indexOf(timeMember) + timeMember.length;
    const once = at >= timeMember.length && !text.includes(timeMember, at);
    return Date.parse(once ? text.slice(at, at + timeLength) : (JSON.parse(text) as { readonly time: string }).time);
  } catch {
    return Number.NaN;
  }
}

function requirePeriod(from: number, to: number): void {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 0 || from >= to || to > maxTime)
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'a period is from and to in milliseconds since 1970' });
}
