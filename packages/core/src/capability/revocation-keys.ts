/** By which names a revocation finds the chains that it ends (docs/spec/05 §4). @module */
import { isAgentId, keyThumbprint, parseAgentId } from '../identity/agent-id.ts';
import type { RevocationEntry } from './revocation-list.ts';
import type { StandingLink } from './standing.ts';

/** What an entry takes back, as kind and value. */
export function entryKey(entry: RevocationEntry): readonly [string, string] {
  if ('jti' in entry) return [`jti ${entry.iss}`, entry.jti];
  if ('key' in entry) return ['key', entry.key];
  return 'task' in entry ? ['task', entry.task] : ['sub', entry.sub];
}

/** All that an entry could name this link by. */
export function linkKeys({ iss, jti, holder, claims }: StandingLink): (readonly [string, string])[] {
  const keys: [string, string][] = [
    [`jti ${iss}`, jti],
    ['key', holder],
    ['sub', claims.sub],
  ];
  if (claims.task !== undefined) keys.push(['task', claims.task]);
  return keys;
}

/** What has to be looked at when news of it arrives. `signers`: DID of the root, then the thumbprint of each link's holder. */
export function indexKeys(links: readonly StandingLink[], signers: readonly string[]): ReadonlySet<string> {
  const keys = links.flatMap((link) => linkKeys(link).map(([kind, value]) => `${kind} ${value}`));
  return new Set([...keys, `root ${signers[0]}`, ...signers.slice(1).map((signer) => `signer ${signer}`)]);
}

/** How links name the holder whose list this is; undefined if the issuer is no did:key. */
export function thumbprintOf(issuer: string): string | undefined {
  return isAgentId(issuer) ? keyThumbprint(parseAgentId(issuer)) : undefined;
}
