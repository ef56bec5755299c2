/** Where revocations are kept: the port, and the store in memory (docs/spec/05 §4). @module */
import { StoreError } from '../errors/store-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { RevocationList } from './revocation-list.ts';

export type StoredRevocations = RevocationList & { readonly issuer: string };

/** `expectedHead`: the head that is stored now, undefined if the issuer has no list yet. */
export type RevocationAppend = RevocationList & { readonly issuer: string; readonly expectedHead: string | undefined };

/**
 * Lists by issuer, append-only. `append` adds the segments and replaces the head in one step, durable when it resolves; it rejects with
 * `TALOS_STORE_CONFLICT` if another head is stored than the caller expects. Nothing is ever removed.
 */
export interface RevocationStore {
  /** Every list, segments in order. Empty when there is none. */
  load(): Promise<readonly StoredRevocations[]>;
  append(addition: RevocationAppend): Promise<void>;
  /**
   * Another value than before once somebody else has written here: asked before every call, so it costs microseconds. Absent where nobody else
   * can. @throws {@link StoreError} if it cannot be said.
   */
  version?(): string;
  /** Agents whose revocations are all written here first, in order of their names. Durable like the lists. */
  agents?(): Promise<readonly AgentId[]>;
  /** Idempotent. */
  addAgent?(agent: AgentId): Promise<void>;
}

/** Gone with the process, and with it what it knew: capabilities then hold only as long as `max_stale` lets them without news. */
export function memoryRevocationStore(): RevocationStore {
  const lists = new Map<string, { segments: string[]; head: string }>();
  const agents = new Set<AgentId>();
  let writes = 0;
  return {
    version: () => String(writes),
    agents: async () => [...agents].toSorted(),
    async addAgent(agent) {
      if (!agents.has(agent)) writes++;
      agents.add(agent);
    },
    load: async () => [...lists].map(([issuer, { segments, head }]) => ({ issuer, segments: [...segments], head })),
    async append({ issuer, expectedHead, segments, head }) {
      const list = lists.get(issuer);
      if (list?.head !== expectedHead)
        throw new StoreError({ code: 'TALOS_STORE_CONFLICT', message: 'another revocation was first: load and try again', retryable: true });
      writes++;
      lists.set(issuer, { segments: [...(list?.segments ?? []), ...segments], head });
    },
  };
}
