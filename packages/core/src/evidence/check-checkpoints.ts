/** Checks the checkpoints of one log: its own signatures, those of witnesses, and that all of them are of one history. @module */
import { parseCheckpointText, verifyCheckpoint, type Checkpoint } from '../audit/checkpoint.ts';
import { verifyConsistency } from '../audit/consistency.ts';
import { verifyCosignatures } from '../audit/cosignature.ts';
import { formatNote, parseNote, type NoteSignature } from '../audit/signed-note.ts';
import { isQuorum, type TlogPolicy } from '../audit/tlog-policy.ts';
import { equalBytes } from '../bytes/equal.ts';
import { TalosError } from '../errors/talos-error.ts';
import { failed, judge, notChecked, verified, type Claim, type ClaimKind, type Verdict } from './claim.ts';
import type { CheckpointEvidence, ConsistencyEvidence, LogEvidence } from './evidence.ts';
import type { Trust } from './trust.ts';

/** The checkpoints of one log as far as they were verified, and the claims on the way. */
export type CheckedCheckpoints = {
  readonly claims: readonly Claim[];
  /** By size; undefined where the checkpoint is in the file and did not verify. */
  readonly heads: ReadonlyMap<number, Checkpoint | undefined>;
  /** The reader trusts a key of this log. */
  readonly trusted: boolean;
};

type Place = { readonly log: LogEvidence; readonly at: string; readonly trust: Trust };

export function checkCheckpoints({ log, at, trust }: Place): CheckedCheckpoints {
  const claims: Claim[] = [];
  const heads = new Map<number, Checkpoint | undefined>();
  for (const [i, checkpoint] of log.checkpoints.entries()) {
    const place = `${at}.checkpoints[${i}]`;
    const { verdict, head } = checkOne({ log, at, trust }, checkpoint);
    heads.set(checkpoint.size, head);
    claims.push(claimOf('checkpoint', { at: place, origin: log.origin }, verdict));
    claims.push(...checkWitnesses({ origin: log.origin, checkpoint, head, at: place, trust }));
  }
  const trusted = trust.logs.get(log.origin);
  const linked = checkConsistency({ log, at, trust }, heads);
  for (const claim of linked.claims) claims.push(claim);
  if (log.checkpoints.length > 1) claims.push(claimOf('one-history', { at: `${at}.checkpoints`, origin: log.origin }, oneHistory(log, linked.steps)));
  if (trusted?.lastSeen !== undefined)
    claims.push(claimOf('last-seen', { at, origin: log.origin }, lastSeen(trusted.lastSeen, { log, heads, steps: linked.steps })));
  return { claims, heads, trusted: trusted !== undefined };
}

export function claimOf(kind: ClaimKind, { at, origin }: { readonly at: string; readonly origin?: string }, verdict: Verdict): Claim {
  return { kind, at, ...(origin === undefined ? {} : { origin }), ...verdict };
}

function checkOne({ log, trust }: Place, { size, note }: CheckpointEvidence): { readonly verdict: Verdict; readonly head?: Checkpoint } {
  const trusted = trust.logs.get(log.origin);
  if (trusted === undefined) return { verdict: notChecked('LOG_NOT_TRUSTED', `no key of ${log.origin} is trusted: pass its verifier key in trust.logs`) };
  const claimed = claimedCheckpoint(note);
  if (claimed !== undefined && claimed.origin !== log.origin)
    return { verdict: failed('CHECKPOINT_OTHER_ORIGIN', `the note is of ${claimed.origin}, not of ${log.origin}`) };
  if (claimed !== undefined && claimed.size !== size)
    return { verdict: failed('CHECKPOINT_OTHER_SIZE', `the note is of size ${claimed.size}, not of ${size}`) };
  let head: Checkpoint | undefined;
  const verdict = judge(() => {
    head = verifyCheckpoint(note, trusted.key);
    return `${log.origin} signed its first ${size} entries`;
  }, 'CHECKPOINT_REFUSED');
  return head === undefined ? { verdict } : { verdict, head };
}

function claimedCheckpoint(note: string): Checkpoint | undefined {
  try {
    return parseCheckpointText(parseNote(note).text);
  } catch (error) {
    if (TalosError.isInstance(error)) return undefined;
    throw error;
  }
}

type Witnessing = {
  readonly origin: string;
  readonly checkpoint: CheckpointEvidence;
  readonly head: Checkpoint | undefined;
  readonly at: string;
  readonly trust: Trust;
};

/** Each line by itself, so that a bad one is named; the quorum counts good lines on a good checkpoint only. */
function checkWitnesses({ origin, checkpoint: { note }, head, at, trust }: Witnessing): Claim[] {
  const claims: Claim[] = [];
  const cosigned = new Set<string>();
  const key = trust.logs.get(origin)?.key;
  const lines = claimedCheckpoint(note) === undefined ? [] : parseNote(note).signatures;
  for (const [i, line] of lines.entries()) {
    // The log's own line is the checkpoint's claim.
    if (key !== undefined && line.name === key.name && equalBytes(line.keyId, key.keyId)) continue;
    const { verdict, witness } = checkLine(note, line, trust);
    if (witness !== undefined) cosigned.add(witness);
    claims.push(claimOf('cosignature', { at: `${at}.note line ${i + 1} after the text`, origin }, verdict));
  }
  if (trust.policy?.quorum !== undefined)
    claims.push(claimOf('witnessed', { at, origin }, quorumOf(cosigned, { head, policy: trust.policy, trusted: key !== undefined })));
  return claims;
}

function quorumOf(
  cosigned: ReadonlySet<string>,
  { head, policy, trusted }: { readonly head: Checkpoint | undefined; readonly policy: TlogPolicy; readonly trusted: boolean },
): Verdict {
  if (!trusted) return notChecked('LOG_NOT_TRUSTED', 'its checkpoint was not checked');
  if (head === undefined) return failed('CHECKPOINT_FAILED', 'its checkpoint did not verify');
  if (isQuorum(policy, cosigned)) return verified(`cosigned by ${[...cosigned].join(', ')}`);
  return failed('QUORUM_NOT_MET', `${cosigned.size} of ${policy.witnesses.length} witnesses cosigned it: they are no quorum`);
}

function checkLine(note: string, line: NoteSignature, { policy }: Trust): { readonly verdict: Verdict; readonly witness?: string } {
  const witness = policy?.witnesses.find(({ key }) => key.name === line.name && equalBytes(key.keyId, line.keyId));
  if (witness === undefined) return { verdict: notChecked('WITNESS_NOT_TRUSTED', `the policy has no witness ${line.name} with this key`) };
  let time: number | undefined;
  const verdict = judge(() => {
    const [cosignature] = verifyCosignatures(formatNote({ text: parseNote(note).text, signatures: [line] }), [witness.key]);
    time = cosignature?.time;
    return `${line.name} cosigned it, at second ${time} since 1970 by its own clock`;
  }, 'COSIGNATURE_REFUSED');
  return verdict.status === 'verified' ? { verdict: { ...verdict, ...(time === undefined ? {} : { time }) }, witness: witness.name } : { verdict };
}

type Heads = ReadonlyMap<number, Checkpoint | undefined>;
/** Sizes that a verified proof leads from and to. */
type Step = { readonly from: number; readonly to: number };

function checkConsistency(place: Place, heads: Heads): { readonly claims: Claim[]; readonly steps: readonly Step[] } {
  const { log, at, trust } = place;
  const seen = trust.logs.get(log.origin)?.lastSeen;
  const claims: Claim[] = [];
  const steps: Step[] = [];
  for (const [i, step] of log.consistency.entries()) {
    const verdict = trust.logs.has(log.origin) ? checkStep(step, { heads, seen }) : notChecked('LOG_NOT_TRUSTED', `no key of ${log.origin} is trusted`);
    if (verdict.status === 'verified') steps.push(step);
    claims.push(claimOf('consistency', { at: `${at}.consistency[${i}]`, origin: log.origin }, verdict));
  }
  return { claims, steps };
}

function checkStep({ from, to, proof }: ConsistencyEvidence, { heads, seen }: { readonly heads: Heads; readonly seen: Checkpoint | undefined }): Verdict {
  for (const size of [from, to])
    if (heads.has(size) && heads.get(size) === undefined) return failed('CHECKPOINT_FAILED', `the checkpoint of size ${size} did not verify`);
  const head = (size: number): Checkpoint | undefined => heads.get(size) ?? (seen?.size === size ? seen : undefined);
  const [oldHead, newHead] = [head(from), head(to)];
  if (newHead === undefined) return failed('CHECKPOINT_MISSING', `the file has no checkpoint of size ${to}`);
  if (oldHead === undefined) return notChecked('OLD_HEAD_UNKNOWN', `the head of size ${from} is neither in the file nor what was seen last`);
  return judge(() => {
    verifyConsistency({ oldSize: from, oldRoot: oldHead.root, newSize: to, newRoot: newHead.root, proof });
    return `the first ${from} of ${to} entries are those that were signed before`;
  }, 'CONSISTENCY_REFUSED');
}

/** Every checkpoint leads to the largest one, over any number of steps. */
function oneHistory({ checkpoints, origin }: LogEvidence, steps: readonly Step[]): Verdict {
  const last = checkpoints.at(-1)?.size ?? 0;
  const reached = reaching(last, steps);
  const apart = checkpoints.filter(({ size }) => !reached.has(size));
  if (apart.length > 0) return notChecked('NOT_LINKED', `no verified proof leads from size ${apart[0]?.size} to ${last}: they could be of two histories`);
  return verified(`all ${checkpoints.length} checkpoints are of one history of ${origin}`);
}

/** Sizes from which steps lead to `last`. Steps are in order of `from`, so one pass from the end finds all. */
function reaching(last: number, steps: readonly Step[]): ReadonlySet<number> {
  const reached = new Set([last]);
  for (const { from, to } of steps.toReversed()) if (reached.has(to)) reached.add(from);
  return reached;
}

function lastSeen(seen: Checkpoint, { log, heads, steps }: { readonly log: LogEvidence; readonly heads: Heads; readonly steps: readonly Step[] }): Verdict {
  const same = heads.get(seen.size);
  if (same !== undefined && !equalBytes(same.root, seen.root))
    return failed('DIVERGED', `the file's head of size ${seen.size} is not the one that was seen: two histories were signed`);
  const last = log.checkpoints.at(-1)?.size ?? 0;
  if (heads.get(last) !== undefined) {
    if (last === seen.size || reaching(last, steps).has(seen.size)) return verified(`it continues the ${seen.size} entries that were seen last`);
    if (reaching(seen.size, steps).has(last)) return verified(`it is the beginning of the ${seen.size} entries that were seen last`);
  }
  if (log.consistency.some(({ from, to }) => from === seen.size || to === seen.size))
    return failed('CONSISTENCY_REFUSED', `the file has a proof about the ${seen.size} entries that were seen last, and it leads nowhere`);
  return notChecked('NOT_LINKED', `no proof in the file is about the ${seen.size} entries that were seen last`);
}
