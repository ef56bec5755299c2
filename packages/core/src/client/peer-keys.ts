/** Issuers' and holders' keys as their histories have them: what a key signed that was given up or revoked is no right any more (docs/spec/01 §7). @module */
import { encodeBase64url } from '../bytes/base64url.ts';
import { didKeys, type IssuerKeys } from '../capability/issuer-keys.ts';
import { IdentityError } from '../errors/identity-error.ts';
import { rolledBack } from '../identity/peers.ts';
import { keyThumbprint, parseAgentId, type AgentId } from '../identity/agent-id.ts';
import { verifyKeyHistory, type KeyState } from '../identity/key-history.ts';
import type { KnownPeer } from '../identity/trust-store.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';

export type AgentKeys = Pick<KnownPeer, 'did' | 'history' | 'isRefused' | 'lost'>;

/** What a key signed that speaks no more. */
export type EndedKeys = { readonly issuer: AgentId; readonly thumbprints: readonly string[] };

export type PeerKeys = IssuerKeys & {
  /** The key that speaks for an agent now: what is granted to it is bound to this one. @throws {@link IdentityError} `TALOS_IDENTITY_REVOKED`, `_ROLLED_BACK`. */
  current(did: AgentId): Ed25519PublicKey;
  /** For lists of what was taken back: any key that was ever in force. Who stole one that was given up can end rights with it, and make none. */
  readonly ofLists: IssuerKeys;
  /** Takes in what is known of an agent now. @returns What this ended; `undefined` if nothing. */
  update(agent: AgentKeys): EndedKeys | undefined;
};

type Known = { readonly state: KeyState; readonly kid: string; readonly isRefused: boolean };

/** One for a home, so that what one of its agents learns holds for all. */
export function peerKeys(known: readonly AgentKeys[]): PeerKeys {
  const fromDid = didKeys();
  const agents = new Map<AgentId, Known>();
  /** Keys that were in force once and are not, as JWK `x`. */
  const givenUp = new Set<string>();
  const owners = new Map<string, AgentId>();
  /** How many events were known of an agent of whom fewer are: no key speaks for it until they are there again. */
  const lost = new Map<AgentId, number>();
  const isLost = (did: AgentId): boolean => (lost.get(did) ?? 0) > (agents.get(did)?.state.sequence ?? -1) + 1;
  const lose = (did: AgentId, events: number): void => {
    lost.set(did, Math.max(events, lost.get(did) ?? 0));
    if (events > 1) givenUp.add(encodeBase64url(parseAgentId(did).bytes));
  };
  /** Of whom it is known that they are refused, and no more. */
  const refused = new Set<AgentId>();
  const refuse = (did: AgentId): EndedKeys | undefined => {
    if (refused.has(did)) return undefined;
    const key = parseAgentId(did);
    refused.add(did);
    givenUp.add(encodeBase64url(key.bytes));
    return { issuer: did, thumbprints: [keyThumbprint(key)] };
  };
  const update: PeerKeys['update'] = ({ did, history, isRefused, lost: missing }) => {
    if (missing !== undefined && history.length < missing.events) lose(did, missing.events);
    else if (history.length >= (lost.get(did) ?? 0)) lost.delete(did);
    if (isRefused && history.length === 0) return refuse(did);
    if (history.length < 2 && !isRefused) return undefined;
    const state = verifyKeyHistory(history);
    const kid = keyThumbprint(state.currentKey);
    const before = agents.get(did);
    const next = { state, kid, isRefused: isRefused || state.revoked || before?.isRefused === true };
    // Another agent of this home may know more.
    if (before !== undefined && (before.state.sequence > state.sequence || (before.kid === kid && before.isRefused === next.isRefused))) return undefined;
    agents.set(did, next);
    const ended = [...state.keys].filter(([thumbprint]) => next.isRefused || thumbprint !== kid);
    owners.set(encodeBase64url(state.currentKey.bytes), did);
    for (const [, { key }] of ended) givenUp.add(encodeBase64url(key.bytes));
    return { issuer: did, thumbprints: ended.map(([thumbprint]) => thumbprint) };
  };
  for (const agent of known) update(agent);
  return {
    update,
    resolve: (issuer, kid) => {
      const agent = agents.get(issuer);
      if (isLost(issuer) || refused.has(issuer)) return undefined;
      if (agent === undefined) return fromDid.resolve(issuer, kid);
      return !agent.isRefused && agent.kid === kid ? agent.state.currentKey : undefined;
    },
    current: (did) => {
      const agent = agents.get(did);
      if (agent?.isRefused === true || refused.has(did)) throw new IdentityError({ code: 'TALOS_IDENTITY_REVOKED', message: `${did} is refused: its identity was revoked` });
      if (isLost(did)) throw rolledBack(did);
      return agent?.state.currentKey ?? parseAgentId(did);
    },
    holder: (x) => {
      const known = givenUp.has(x) ? undefined : fromDid.holder?.(x);
      const did = owners.get(x);
      // A key that was rotated to speaks for the DID of the first one, not for the one that it could be written as.
      return known === undefined || did === undefined ? known : { ...known, did: () => did };
    },
    ofLists: { resolve: (issuer, kid) => agents.get(issuer)?.state.keys.get(kid)?.key ?? fromDid.resolve(issuer, kid) },
  };
}
