/** Hands what others said about a checkpoint to the reader's plug-ins. Nothing is believed without one. @module */
import type { Checkpoint } from '../audit/checkpoint.ts';
import { claimOf } from './check-checkpoints.ts';
import { failed, notChecked, verified, type Claim, type Verdict } from './claim.ts';
import type { ForeignEvidence, LogEvidence } from './evidence.ts';
import type { ForeignClaim, ForeignVerifier, Trust } from './trust.ts';

/** Of one log: its notes, and the heads that verified. */
export type CheckedLog = { readonly log: LogEvidence; readonly heads: ReadonlyMap<number, Checkpoint | undefined> };

export async function checkForeign(
  foreign: readonly ForeignEvidence[],
  { logs, trust }: { readonly logs: readonly CheckedLog[]; readonly trust: Trust },
): Promise<readonly Claim[]> {
  const claims: Claim[] = [];
  for (const [i, claim] of foreign.entries()) {
    claims.push(claimOf('foreign', { at: `foreign[${i}]`, origin: claim.origin }, await checkOne(claim, { logs, trust })));
  }
  return claims;
}

async function checkOne(
  { type, origin, size, data }: ForeignEvidence,
  { logs, trust }: { readonly logs: readonly CheckedLog[]; readonly trust: Trust },
): Promise<Verdict> {
  const verifier = trust.verifiers.get(type);
  if (verifier === undefined) return notChecked('NO_VERIFIER', `nothing was plugged in that checks ${type}: pass one in trust.verifiers`);
  if (!trust.logs.has(origin)) return notChecked('LOG_NOT_TRUSTED', `no key of ${origin} is trusted`);
  const found = logs.find(({ log }) => log.origin === origin);
  const note = found?.log.checkpoints.find((checkpoint) => checkpoint.size === size)?.note;
  const checkpoint = found?.heads.get(size);
  if (note === undefined) return failed('CHECKPOINT_MISSING', `the file has no checkpoint of ${origin} of size ${size}`);
  if (checkpoint === undefined) return failed('CHECKPOINT_FAILED', `the checkpoint of size ${size} did not verify`);
  return ask(verifier, { data, checkpoint, note });
}

async function ask(verifier: ForeignVerifier, claim: ForeignClaim): Promise<Verdict> {
  const { type } = verifier;
  try {
    const result = (await verifier.verify(claim)) as { readonly detail?: unknown; readonly time?: unknown } | undefined;
    // A plug-in that answers with anything else, `false` among it, did not say that the claim is true.
    if (typeof result?.detail !== 'string') return failed('FOREIGN_REFUSED', `the verifier of ${type} did not say what it proved`);
    const { detail, time } = result;
    return { ...verified(`${type}: ${detail}`), ...(Number.isSafeInteger(time) ? { time: time as number } : {}) };
  } catch (error) {
    // Foreign code: whatever it throws means no. Its message may quote the claim's bytes, so it is not passed on.
    return failed('FOREIGN_REFUSED', `the verifier of ${type} refused it (${error instanceof Error ? error.name : typeof error})`);
  }
}
