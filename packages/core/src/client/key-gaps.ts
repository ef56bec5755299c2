/** Agents of whose keys less is here than was known: of an older copy, or changed (docs/spec/01 §7). @module */
import { keyThumbprint, parseAgentId, type AgentId } from '../identity/agent-id.ts';
import type { KnownPeer } from '../identity/trust-store.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';

/** What a key signed that speaks no more. */
export type EndedKeys = { readonly issuer: AgentId; readonly thumbprints: readonly string[] };

export class KeyGaps {
  /** How many events were known: no key speaks for the agent until they are there again. */
  readonly #events = new Map<AgentId, number>();
  /** Of whom it is known that they are refused, and no more. */
  readonly #refused = new Set<AgentId>();

  /** @returns The key of the DID, if it was given up, and what that ends. */
  keep({
    did,
    history,
    isRefused,
    lost,
  }: Pick<KnownPeer, 'did' | 'history' | 'isRefused' | 'lost'>): { readonly key: Ed25519PublicKey; readonly ended: EndedKeys } | undefined {
    const events = Math.max(lost?.events ?? 0, this.#events.get(did) ?? 0);
    if (history.length >= events) this.#events.delete(did);
    else this.#events.set(did, events);
    const isEnded = isRefused && history.length === 0;
    if (isEnded) this.#refused.add(did);
    if (!isEnded && events < 2) return undefined;
    const key = parseAgentId(did);
    return { key, ended: { issuer: did, thumbprints: [keyThumbprint(key)] } };
  }

  /** @param sequence - Of the newest event that is known; undefined if none is. */
  isLost(did: AgentId, sequence = -1): boolean {
    return (this.#events.get(did) ?? 0) > sequence + 1;
  }

  isRefused(did: AgentId): boolean {
    return this.#refused.has(did);
  }
}
