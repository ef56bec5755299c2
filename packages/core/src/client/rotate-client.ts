/** Rotation and revocation as a client does them: record, knowledge, log, peers (docs/spec/01 §9). Loaded by those who rotate. @module */
import type { AuditLog } from '../audit/audit-log.ts';
import type { Env } from '../env/env.ts';
import { requireObject } from '../errors/require.ts';
import { keyThumbprint } from '../identity/agent-id.ts';
import { restoreIdentity, type Identity } from '../identity/identity.ts';
import { verifyKeyHistory, type KeyHistory } from '../identity/key-history.ts';
import type { Peers } from '../identity/peers.ts';
import { badOptions } from './client-options.ts';
import type { Conversation } from './conversation.ts';
import type { Home } from './home.ts';
import { revokeRecord, rotateRecord } from './key-life.ts';

export type RotateParts = {
  readonly name: string;
  readonly home: Home;
  readonly env: Env;
  readonly log: AuditLog;
  readonly peers: Peers;
  readonly identity: Identity;
};

type Options = { readonly reason?: string };

/** @returns The identity with the new key; the old one speaks no more. */
export async function rotateClient(parts: RotateParts, options: Options): Promise<Identity> {
  const { name, home, env, log, peers } = parts;
  const secrets = await rotateRecord({ name, keys: home.keys, env, reason: reasonOf(options) });
  const identity = await restoreIdentity(secrets);
  // Before anything is signed with the new key: what this home signs has to be good in this home.
  await peers.learn(identity.did, { history: identity.history });
  await recordHead(log, identity.history, 'key.bound');
  return identity;
}

/** The peers are told in their sessions; then nothing speaks for this identity any more. */
export async function revokeClient(parts: RotateParts, options: Options, conversation: Conversation): Promise<KeyHistory> {
  const { name, home, env, log, peers, identity } = parts;
  const { history } = await revokeRecord({ name, keys: home.keys, env, reason: reasonOf(options) });
  await conversation.announceKeys(history);
  await peers.learn(identity.did, { history });
  await recordHead(log, history, 'key.revoked');
  return history;
}

/** The head of the history goes into the log, so that a peer can ask for the proof of the event behind a bundle. */
async function recordHead(log: AuditLog, history: KeyHistory, type: 'key.bound' | 'key.revoked'): Promise<void> {
  const { did, currentKey, sequence, head } = verifyKeyHistory(history);
  await log.append({ type, agent: did, kid: keyThumbprint(currentKey), log: log.verifierKey, sequence, head });
}

function reasonOf(options: Options): string {
  requireObject('options', options);
  const { reason = '', ...foreign } = options;
  const [stray] = Object.keys(foreign);
  if (stray !== undefined) throw badOptions(`there is no option ${JSON.stringify(stray.slice(0, 64))}: use reason`);
  return reason;
}
