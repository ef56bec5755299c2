/** Checks what a log holds: single entries, complete windows, and what their commitments open to. @module */
import type { Checkpoint } from '../audit/checkpoint.ts';
import { verifyCommitment } from '../audit/commitment.ts';
import { parseEntry, type Entry } from '../audit/entry.ts';
import { verifyInclusion } from '../audit/inclusion.ts';
import { verifyRange, type VerifiedRange } from '../audit/range.ts';
import { SequenceChecker, type SequenceFinding } from '../audit/recorder-run.ts';
import { hashLeaf } from '../audit/tree-hash.ts';
import { decodeBase64url } from '../bytes/base64url.ts';
import { AuditError } from '../errors/audit-error.ts';
import { TalosError } from '../errors/talos-error.ts';
import { claimOf, type CheckedCheckpoints } from './check-checkpoints.ts';
import { failed, judge, notChecked, type Claim, type Verdict } from './claim.ts';
import type { DisclosureEvidence, EntryEvidence, LogEvidence, RangeEvidence } from './evidence.ts';
import type { Trust } from './trust.ts';

/** An entry that the log holds, and what was opened of it. */
export type ProvedEntry = {
  readonly origin: string;
  readonly index: number;
  /** Where it stands in the file. */
  readonly at: string;
  readonly entry: Entry;
  /** Payloads by field, as far as they were disclosed and are what was committed to. */
  readonly disclosed: ReadonlyMap<string, Uint8Array>;
};

type Proved = { readonly at: string; readonly entry: Entry; readonly disclosed: Map<string, Uint8Array> };
type Place = { readonly log: LogEvidence; readonly at: string; readonly trust: Trust; readonly checked: CheckedCheckpoints };

/** Claims in the order of the file; entries by index. */
export function checkEntries(place: Place): { readonly claims: readonly Claim[]; readonly entries: readonly ProvedEntry[] } {
  const { log, at } = place;
  const proved = new Map<number, Proved>();
  const claims: Claim[] = [];
  const add = (kind: Claim['kind'], where: string, verdict: Verdict): number =>
    claims.push(claimOf(kind, { at: `${at}.${where}`, origin: log.origin }, verdict));
  for (const [i, evidence] of log.entries.entries()) add('entry', `entries[${i}]`, checkEntry(place, { ...evidence, at: `${at}.entries[${i}]` }, proved));
  const windows = log.ranges.map((range) => checkRange(place, range));
  const findings = followWindows(log.ranges, windows);
  for (const [i, { verdict, window }] of windows.entries()) {
    add('range', `ranges[${i}]`, verdict);
    if (window === undefined) continue;
    for (const [n, entry] of window.entries.entries()) proved.set(window.start + n, { at: `${at}.ranges[${i}].entries[${n}]`, entry, disclosed: new Map() });
    claims.push(sequenceClaim({ ...window, findings: findings[i] ?? [] }, { at: `${at}.ranges[${i}]`, origin: log.origin }));
  }
  for (const [i, disclosure] of log.disclosures.entries()) add('disclosure', `disclosures[${i}]`, checkDisclosure(place, disclosure, proved));
  const entries = [...proved]
    .toSorted(([a], [b]) => a - b)
    .map(([index, { at: where, entry, disclosed }]) => ({ origin: log.origin, index, at: where, entry, disclosed }));
  return { claims, entries };
}

/** The verified checkpoint of a size, or why there is none. */
function headOf({ log, checked: { heads, trusted } }: Place, size: number): Checkpoint | Verdict {
  if (!trusted) return notChecked('LOG_NOT_TRUSTED', `no key of ${log.origin} is trusted: pass its verifier key in trust.logs`);
  if (!heads.has(size)) return failed('CHECKPOINT_MISSING', `the file has no checkpoint of size ${size}`);
  return heads.get(size) ?? failed('CHECKPOINT_FAILED', `the checkpoint of size ${size} did not verify`);
}

function checkEntry(place: Place, { index, size, proof, entry: bytes, at }: EntryEvidence & { readonly at: string }, proved: Map<number, Proved>): Verdict {
  const head = headOf(place, size);
  if ('status' in head) return head;
  const included = judge(() => {
    verifyInclusion({ leafHash: hashLeaf(bytes), index, size, root: head.root, proof });
    return `entry ${index} of ${size}`;
  }, 'INCLUSION_REFUSED');
  if (included.status !== 'verified') return included;
  return judge(() => {
    const entry = parseEntry(bytes);
    proved.set(index, { at, entry, disclosed: new Map() });
    return `entry ${index} of ${size} is this ${entry.type}`;
  }, 'ENTRY_REFUSED');
}

type CheckedRange = { readonly verdict: Verdict; readonly window?: VerifiedRange };

function checkRange(place: Place, { start, end, size, proof, entries }: RangeEvidence): CheckedRange {
  const head = headOf(place, size);
  if ('status' in head) return { verdict: head };
  const key = place.trust.logs.get(place.log.origin)?.key;
  const checkpoint = place.log.checkpoints.find((each) => each.size === size)?.note;
  if (key === undefined || checkpoint === undefined) return { verdict: failed('CHECKPOINT_MISSING', `the file has no checkpoint of size ${size}`) };
  try {
    const window = verifyRange({ start, end, size, proof, entries, checkpoint }, key);
    return { verdict: { status: 'verified', detail: `entries ${start} to ${end - 1} of ${size} are all there are between them` }, window };
  } catch (error) {
    if (!TalosError.isInstance(error)) throw error;
    return { verdict: failed(error.code === 'TALOS_AUDIT_BAD_ENTRY' ? 'ENTRY_REFUSED' : 'INCLUSION_REFUSED', error.message) };
  }
}

/** Windows that meet are followed as one: whoever made the file chose where they part, and an entry that is left out just there is missing in neither. */
function followWindows(ranges: readonly RangeEvidence[], windows: readonly CheckedRange[]): readonly (readonly SequenceFinding[])[] {
  const checkers: SequenceChecker[] = [];
  for (const [i, { window }] of windows.entries()) {
    const before = windows[i - 1]?.window;
    const meets = window !== undefined && before?.end === window.start;
    const checker = (meets ? checkers[i - 1] : undefined) ?? new SequenceChecker({ fromStart: window?.start === 0 });
    checkers.push(checker);
    for (const [n, entry] of (window?.entries ?? []).entries())
      checker.add({ index: (window as VerifiedRange).start + n, leafHash: hashLeaf(ranges[i]?.entries[n] as Uint8Array), entry });
  }
  const findings = new Map([...new Set(checkers)].map((checker) => [checker, checker.findings()]));
  return ranges.map(({ start, end }, i) => (findings.get(checkers[i] as SequenceChecker) ?? []).filter(({ index }) => index >= start && index < end));
}

/** The tree is as it was signed; this says whether the log left out what a recorder wrote. */
function sequenceClaim({ start, end, recorders, findings }: VerifiedRange, place: { readonly at: string; readonly origin: string }): Claim {
  const [first] = findings;
  if (first === undefined) {
    const detail = `${recorders.length} recorder${recorders.length === 1 ? '' : 's'} without a gap in entries ${start} to ${end - 1}`;
    return claimOf('sequence', place, { status: 'verified', detail });
  }
  return { ...claimOf('sequence', place, failed('SEQUENCE_BROKEN', `${first.code} at entry ${first.index}: ${first.detail}`)), findings };
}

function checkDisclosure(place: Place, { index, field, salt, payload }: DisclosureEvidence, proved: Map<number, Proved>): Verdict {
  const found = proved.get(index);
  if (found === undefined) {
    if (!place.checked.trusted) return notChecked('LOG_NOT_TRUSTED', `entry ${index} was not checked`);
    return failed('ENTRY_MISSING', `entry ${index} is not in the file, or failed`);
  }
  return judge(() => {
    verifyCommitment({ field, salt, payload, commitment: commitmentOf(found.entry, field) });
    found.disclosed.set(field, payload);
    return `${field} of entry ${index} is this payload of ${payload.length} bytes`;
  }, 'COMMITMENT_REFUSED');
}

function commitmentOf({ commit }: Entry, field: string): Uint8Array {
  const text = typeof commit === 'object' && commit !== null && Object.hasOwn(commit, field) ? commit[field] : undefined;
  if (typeof text !== 'string') throw new AuditError({ code: 'TALOS_AUDIT_COMMITMENT', message: 'the entry has no commitment of this field' });
  return decodeBase64url(text);
}
