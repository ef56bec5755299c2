/** Checks key histories: each by itself, and against the one that the reader pinned. @module */
import { IdentityError } from '../errors/identity-error.ts';
import { reconcileKeyHistories, verifyKeyHistory, type KeyHistory, type KeyState } from '../identity/key-history.ts';
import { claimOf } from './check-checkpoints.ts';
import { failed, notChecked, verified, type Claim, type Verdict } from './claim.ts';
import type { HistoryEvidence } from './evidence.ts';
import type { Trust } from './trust.ts';

/** What is known of the reader's agents: the longer of what was pinned and what the file adds, verified. */
export type AgentKeys = ReadonlyMap<string, KeyState>;

export function checkHistories(histories: readonly HistoryEvidence[], { agents }: Trust): { readonly claims: readonly Claim[]; readonly keys: AgentKeys } {
  const keys = new Map<string, KeyState>();
  for (const [did, pinned] of agents) if (pinned !== undefined) keys.set(did, verifyKeyHistory(pinned));
  const claims = histories.map((history, i) => {
    const { verdict, state } = checkHistory(history, agents);
    if (state !== undefined) keys.set(history.did, state);
    return claimOf('history', { at: `histories[${i}]` }, verdict);
  });
  return { claims, keys };
}

type Checked = { readonly verdict: Verdict; readonly state?: KeyState };

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
  const state = pinned === undefined ? own : verifyKeyHistory(reconcileKeyHistories(pinned, events));
  const last = state.revoked ? 'revoked' : `key ${state.keys.size} in force`;
  const longer = state.sequence > own.sequence ? `; the pinned history goes on to event ${state.sequence}` : '';
  return { verdict: verified(`the keys of ${did} up to event ${own.sequence}, ${last}${longer}`), state };
}
