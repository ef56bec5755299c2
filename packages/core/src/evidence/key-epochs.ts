/** Which key spoke for an agent at which time: a signature of a retired key is not one of today's (docs/spec/08 §5). @module */
import { keyThumbprint, parseAgentId, type AgentId } from '../identity/agent-id.ts';
import { verifyKeyHistory, type KeyHistory } from '../identity/key-history.ts';
import { parseKeyEvent } from '../identity/key-event.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import type { PartyKeys } from '../receipt/receipt-keys.ts';

/** Seconds since 1970. Undefined for an agent that the reader does not trust. */
export type AgentKeysAt = (did: string, atSeconds: number) => PartyKeys | undefined;

type Epoch = { readonly kid: string; readonly key: Ed25519PublicKey; readonly from: number; readonly until: number };

/** Clocks of two parties differ, and a call that was begun under the old key ends under the new one. */
const skewSeconds = 60;

/** @param agents - DIDs that the reader trusts, with their verified histories where one is known; without one the DID's own key counts, at any time. */
export function agentKeysAt(agents: ReadonlyMap<string, KeyHistory | undefined>): AgentKeysAt {
  const known = new Map([...agents].map(([did, history]) => [did, history === undefined ? [ownKey(did as AgentId)] : epochsOf(history)]));
  return (did, atSeconds) => {
    const epochs = known.get(did);
    if (epochs === undefined) return undefined;
    const inForce = epochs.filter(({ from, until }) => from <= atSeconds + skewSeconds && atSeconds < until + skewSeconds);
    return (kid) => inForce.find((epoch) => epoch.kid === kid)?.key;
  };
}

function ownKey(did: AgentId): Epoch {
  const key = parseAgentId(did);
  return { kid: keyThumbprint(key), key, from: 0, until: Number.MAX_SAFE_INTEGER };
}

/** @throws {@link IdentityError} `TALOS_IDENTITY_BAD_HISTORY`. */
function epochsOf(history: KeyHistory): Epoch[] {
  verifyKeyHistory(history);
  const events = history.map((signed) => parseKeyEvent(signed));
  return events.flatMap(({ event: { type, notBefore }, key }, i): Epoch[] =>
    type === 'revoke' ? [] : [{ kid: keyThumbprint(key), key, from: notBefore, until: events[i + 1]?.event.notBefore ?? Number.MAX_SAFE_INTEGER }],
  );
}
