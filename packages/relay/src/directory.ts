/** The bundle directory: each bundle with a one-time pair is given once, to an agent that has proved its DID (docs/spec/06 §6). @module */
import { verifyIdentityCard, type AgentId, type IdentityCard } from '@talosprotocol/core/identity';
import { hashFrame, verifyPrekeyBundle, type VerifiedBundle } from '@talosprotocol/core/session';
import type { ProvenAgent } from '@talosprotocol/core/web';
import type { Hub } from './hub.ts';
import type { Outcome } from './outcome.ts';
import { lowBundles, maxBundlesOfAgent } from './relay-limits.ts';

/** Own ones only, under the key that was proved. All or none. */
export async function publishBundles(hub: Hub, owner: ProvenAgent, bundles: readonly Uint8Array[]): Promise<Outcome> {
  const { database, env, publications, writes } = hub;
  if (!publications.take(owner.did)) return 'busy';
  const verified = bundles.map((body) => ({ body, content: verifiedBundle(body, owner, env.now()) }));
  if (verified.some(({ content }) => content?.historySequence !== owner.historySequence)) return 'bad-bundle';
  await writes.run(() => {
    const row = database.agent(owner.did);
    for (const { body, content } of verified) {
      const { oneTimePair, expiresAt, historySequence } = content as VerifiedBundle;
      database.saveBundle({ owner: row, oneTime: oneTimePair !== undefined, sequence: historySequence, expires: expiresAt, hash: hashFrame(body), body });
    }
    database.trimBundles(row, maxBundlesOfAgent);
  });
  return { type: 'done' };
}

/**
 * Gone from the disk before it is handed out: a relay that crashes in between has lost a bundle and given none twice. A requester that
 * asks for more pairs of one agent than a session can need is given the bundle without a pair.
 */
export async function fetchBundle(hub: Hub, { requester, owner }: { readonly requester: AgentId; readonly owner: AgentId }): Promise<Outcome> {
  const { database, env, fetches, pairs, writes } = hub;
  if (!fetches.take(requester)) return 'busy';
  if (!database.isKnown(owner)) return 'no-bundle';
  const mayTakePair = pairs.take(`${requester} ${owner}`);
  const { bundle, left } = await writes.run(() => {
    const [row, now] = [database.agent(owner), env.now()];
    const pair = mayTakePair ? database.takePair(row, now) : undefined;
    return { bundle: pair ?? database.lastResort(row, now), left: pair === undefined ? undefined : database.countPairs(row, now) };
  });
  if (left !== undefined && left <= lowBundles) hub.tellLow(owner, left);
  return bundle === undefined ? 'no-bundle' : { type: 'bundle', bundle };
}

export async function countBundles({ database, env, writes }: Hub, owner: AgentId): Promise<Outcome> {
  return { type: 'counted', left: await writes.run(() => database.countPairs(database.agent(owner), env.now())) };
}

/** The own one only, under the key that was proved; an older one does not replace a newer. */
export async function publishCard(hub: Hub, owner: ProvenAgent, card: Uint8Array): Promise<Outcome> {
  const { database, env, publications, writes } = hub;
  if (!publications.take(owner.did)) return 'busy';
  const verified = verifiedCard(card, env.now());
  if (verified?.did !== owner.did || verified.history.length !== owner.historySequence + 1) return 'bad-bundle';
  await writes.run(() => database.saveCard({ owner: database.agent(owner.did), issuedAt: verified.issuedAt, body: card }));
  return { type: 'done' };
}

export async function fetchCard({ database, fetches }: Hub, { requester, owner }: { readonly requester: AgentId; readonly owner: AgentId }): Promise<Outcome> {
  if (!fetches.take(requester)) return 'busy';
  const card = database.card(owner);
  return card === undefined ? 'no-bundle' : { type: 'card', card };
}

function verifiedCard(card: Uint8Array, now: number): IdentityCard | undefined {
  try {
    return verifyIdentityCard(new TextDecoder('utf-8', { fatal: true }).decode(card), now);
  } catch {
    return undefined;
  }
}

/** By the key that was proved on this connection: a bundle of anybody else, or under a key that was given up, does not verify. */
function verifiedBundle(body: Uint8Array, { did, identityKey }: ProvenAgent, now: number): VerifiedBundle | undefined {
  try {
    return verifyPrekeyBundle(body, { expectedDid: did, identityKey, now });
  } catch {
    return undefined;
  }
}
