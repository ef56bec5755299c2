/** Issuers' and holders' keys as their histories have them: what a key signed that was given up or revoked is no right any more (docs/spec/01 §7). @module */
import { encodeBase64url } from '../bytes/base64url.ts';
import { didKeyReader, didKeys, type IssuerKeys } from '../capability/issuer-keys.ts';
import { KeyGaps, type EndedKeys } from './key-gaps.ts';
import { IdentityError } from '../errors/identity-error.ts';
import { rolledBack } from '../identity/peers.ts';
import { keyThumbprint, type AgentId } from '../identity/agent-id.ts';
import { verifyKeyHistory, type KeyState } from '../identity/key-history.ts';
import type { KnownPeer } from '../identity/trust-store.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';

export type AgentKeys = Pick<KnownPeer, 'did' | 'history' | 'isRefused' | 'lost'>;

export type PeerKeys = IssuerKeys & {
  /** The key that speaks for an agent now: what is granted to it is bound to this one. @throws {@link IdentityError} `TALOS_IDENTITY_REVOKED`, `_ROLLED_BACK`. */
  current(did: AgentId): Ed25519PublicKey;
  /** For lists of what was taken back: any key that was ever in force. Who stole one that was given up can end rights with it, and make none. */
  readonly ofLists: IssuerKeys;
  /** Takes in what is known of an agent now. @returns What this ended; `undefined` if nothing. */
  update(agent: AgentKeys): EndedKeys | undefined;
};

type Known = { readonly state: KeyState; readonly kid: string; readonly isRefused: boolean };

/** Another agent of this home may know more. */
function isNews(before: Known, { state, kid, isRefused }: Known): boolean {
  return before.state.sequence <= state.sequence && (before.kid !== kid || before.isRefused !== isRefused);
}

/** One for a home, so that what one of its agents learns holds for all. */
export function peerKeys(known: readonly AgentKeys[]): PeerKeys {
  const fromDid = didKeys();
  const keyOf = didKeyReader();
  const agents = new Map<AgentId, Known>();
  /** Keys that were in force once and are not, as JWK `x`. */
  const givenUp = new Set<string>();
  const owners = new Map<string, AgentId>();
  const gaps = new KeyGaps();
  const giveUp = (keys: Iterable<Ed25519PublicKey>): void => {
    for (const key of keys) givenUp.add(encodeBase64url(key.bytes));
  };
  const update: PeerKeys['update'] = (agent) => {
    const { did, history, isRefused } = agent;
    const gap = gaps.keep(agent);
    if (gap !== undefined) giveUp([gap.key]);
    if (history.length === 0) return gap?.ended;
    if (history.length < 2 && !isRefused) return undefined;
    const state = verifyKeyHistory(history);
    const kid = keyThumbprint(state.currentKey);
    const before = agents.get(did);
    const next = { state, kid, isRefused: isRefused || state.revoked || before?.isRefused === true };
    if (before !== undefined && !isNews(before, next)) return undefined;
    agents.set(did, next);
    const ended = [...state.keys].filter(([thumbprint]) => next.isRefused || thumbprint !== kid);
    owners.set(encodeBase64url(state.currentKey.bytes), did);
    giveUp(ended.map(([, { key }]) => key));
    return { issuer: did, thumbprints: ended.map(([thumbprint]) => thumbprint) };
  };
  for (const agent of known) update(agent);
  return {
    update,
    resolve: (issuer, kid) => {
      const agent = agents.get(issuer);
      if (gaps.isLost(issuer, agent?.state.sequence) || gaps.isRefused(issuer)) return undefined;
      if (agent === undefined) return fromDid.resolve(issuer, kid);
      return !agent.isRefused && agent.kid === kid ? agent.state.currentKey : undefined;
    },
    current: (did) => {
      const agent = agents.get(did);
      if (agent?.isRefused === true || gaps.isRefused(did))
        throw new IdentityError({ code: 'TALOS_IDENTITY_REVOKED', message: `${did} is refused: its identity was revoked` });
      if (gaps.isLost(did, agent?.state.sequence)) throw rolledBack(did);
      return agent?.state.currentKey ?? keyOf(did);
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
