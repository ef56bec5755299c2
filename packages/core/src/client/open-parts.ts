/** What a client is made of, opened together: its identity, its home's log and state, and what is known of its peers. @module */
import type { AuditLog } from '../audit/audit-log.ts';
import { verifyEntryProof } from '../audit/entry-proof.ts';
import type { CapabilityVerifier } from '../capability/capability-verifier.ts';
import type { IssuerKeys } from '../capability/issuer-keys.ts';
import type { Env } from '../env/env.ts';
import { keyThumbprint, type AgentId } from '../identity/agent-id.ts';
import type { Identity } from '../identity/identity.ts';
import { Peers, type PeerChange } from '../identity/peers.ts';
import { approvalDesk, clientVerifier, delegateGrant, guardWith, issueGrant, revokeAllGrants, revokeGrant } from './client-capabilities.ts';
import { Listeners } from './client-events.ts';
import { resolveOptions, type ClientOptions } from './client-options.ts';
import { memoryState, type Home } from './home.ts';
import type { HomeState, SharedState } from './home-state.ts';
import { relearnKeys } from './keep-up.ts';
import { loadIdentity } from './load-identity.ts';
import type { AgentKeys } from './peer-keys.ts';
import type { SharedLog } from './shared-log.ts';

/** What a client does with its parts, loaded with them and not with the package. */
const actions = { approvalDesk, clientVerifier, delegateGrant, guardWith, issueGrant, revokeAllGrants, revokeGrant, verifyEntryProof };

export type ClientParts = {
  readonly actions: typeof actions;
  readonly name: string;
  readonly home: Home;
  readonly identity: Identity;
  readonly log: AuditLog;
  readonly sharedLog: SharedLog;
  readonly state: HomeState;
  readonly verifier: CapabilityVerifier;
  readonly sharedState: SharedState;
  readonly env: Env;
  readonly issuers: readonly AgentId[];
  readonly keys: IssuerKeys;
  readonly peers: Peers;
  readonly listeners: Listeners;
  readonly transport: ClientOptions['transport'];
  readonly gossip: ClientOptions['gossip'];
};

/** @throws {@link IdentityError} if the key store is locked or the identity revoked; {@link StoreError} if the home cannot be opened. */
export async function openParts(name: string, options: ClientOptions): Promise<ClientParts> {
  const { home, env, issuers, firstContact } = resolveOptions(options);
  const { identity, created } = await loadIdentity({ name, keys: home.keys, env });
  const trusted = issuers ?? [identity.did];
  const sharedLog = home.log(env);
  const log = await sharedLog.acquire();
  const sharedState = home.state?.(env) ?? memoryState(env);
  let state: HomeState | undefined;
  try {
    if (created) await log.append({ type: 'key.bound', agent: identity.did, kid: keyThumbprint(identity.signer.publicKey), log: log.verifierKey });
    state = await sharedState.acquire();
    // What of its peers was lost from a store that was changed is known by the owner's name alone.
    await relearnKeys(state, identity.did);
    const listeners = new Listeners();
    const peers = peersOf({ identity, state, env, firstContact, listeners });
    if (identity.historySequence > 0) await peers.learn(identity.did, { history: identity.history });
    await state.revocations.join(identity.did);
    for (const issuer of trusted) state.revocations.follow(issuer);
    const { keys } = state;
    const verifier = clientVerifier({ identity, env, issuers: trusted, keys, state });
    const { transport, gossip } = options;
    return { actions, name, home, identity, log, sharedLog, state, sharedState, env, issuers: trusted, verifier, keys, peers, listeners, transport, gossip };
  } catch (error) {
    if (state !== undefined) await sharedState.release();
    await sharedLog.release();
    throw error;
  }
}

type PeersInput = Pick<ClientParts, 'identity' | 'state' | 'env' | 'listeners'> & { readonly firstContact: 'allow' | 'refuse' };

/** What is learned of a peer's key ends what the old one signed, before anybody is told. */
function peersOf({ identity, state, env, firstContact, listeners }: PeersInput): Peers {
  const onLearned = (agent: AgentKeys): void => {
    const ended = state.keys.update(agent);
    if (ended !== undefined) state.revocations.endKeys(ended);
  };
  const onChange = (change: PeerChange): void => listeners.tell('peerChanged', change);
  return new Peers({ owner: identity.did, store: state.trust, env, firstContact, onLearned, onChange });
}
