/** Checks key histories: each by itself, and against the one that the reader pinned. @module */
import { IdentityError } from '../errors/identity-error.ts';
import { reconcileKeyHistories, verifyKeyHistory, type KeyHistory } from '../identity/key-history.ts';
import { claimOf } from './check-checkpoints.ts';
import { failed, notChecked, verified, type Claim, type Verdict } from './claim.ts';
import type { HistoryEvidence } from './evidence.ts';
import type { Trust } from './trust.ts';

/**
 * The longer of what the reader pinned and what the file adds, verified; undefined where no history is known, and the DID's own key counts.
 * An agent whose history in the file failed, and that is not pinned, is not among them: nothing is known of its keys.
 */
export type AgentHistories = ReadonlyMap<string, KeyHistory | undefined>;

export function checkHistories(
  histories: readonly HistoryEvidence[],
  { agents }: Trust,
): { readonly claims: readonly Claim[]; readonly agents: AgentHistories } {
  const known = new Map(agents);
  const claims = histories.map((history, i) => {
    const { did } = history;
    const { verdict, longer } = checkHistory(history, agents);
    if (longer !== undefined) known.set(did, longer);
    else if (agents.get(did) === undefined) known.delete(did);
    return claimOf('history', { at: `histories[${i}]` }, verdict);
  });
  return { claims, agents: known };
}

type Checked = { readonly verdict: Verdict; readonly longer?: KeyHistory };

function checkHistory({ did, events }: HistoryEvidence, agents: Trust['agents']): Checked {
  if (!agents.has(did)) return { verdict: notChecked('AGENT_NOT_TRUSTED', `${did} is not an agent of trust.agents`) };
  try {
    return continued(did, { events, pinned: agents.get(did) });
  } catch (error) {
    if (!IdentityError.isInstance(error)) throw error;
    return { verdict: failed(error.code === 'TALOS_IDENTITY_EQUIVOCATION' ? 'HISTORY_EQUIVOCATION' : 'HISTORY_REFUSED', error.message) };
  }
}

/** That nothing came after its last event no file can show: the verdict says up to where it goes. */
function continued(did: string, { events, pinned }: { readonly events: KeyHistory; readonly pinned: KeyHistory | undefined }): Checked {
  const own = verifyKeyHistory(events);
  if (own.did !== did) return { verdict: failed('HISTORY_REFUSED', 'the events are of another agent') };
  const longer = pinned === undefined ? events : reconcileKeyHistories(pinned, events);
  const state = verifyKeyHistory(longer);
  const last = state.revoked ? 'revoked' : `key ${state.keys.size} in force`;
  const beyond = state.sequence > own.sequence ? `; the pinned history goes on to event ${state.sequence}` : '';
  return { verdict: verified(`the keys of ${did} up to event ${own.sequence}, ${last}${beyond}`), longer };
}
