/** What a client tells those who listen, by event. @module */
import { requireFunction } from '../errors/require.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { PeerChange } from '../identity/peers.ts';

export type ClientEvents = {
  /** What fails where nobody waits: a refused frame, a handler that rejects. Never with plaintext. */
  readonly error: unknown;
  /** Messages that a peer has taken in for good, by the ids that `send` gave. After a hundred of them, or a minute. */
  readonly acknowledged: { readonly from: AgentId; readonly ids: readonly string[] };
  /** Messages of a peer that can never be opened. */
  readonly lost: { readonly from: AgentId; readonly lost: number };
  /** A peer sends from an older state than it had: its home was restored from a copy, or copied. It has to open a new session. */
  readonly peerRollback: { readonly from: AgentId; readonly session: string };
  /** A key of a peer changed, or its identity ended: its fingerprint is another now, or it is refused. */
  readonly peerChanged: PeerChange;
};

type Handler = (event: never) => void;

const names: readonly (keyof ClientEvents)[] = ['error', 'acknowledged', 'lost', 'peerRollback', 'peerChanged'];

/** Handlers by event. A handler that throws is the caller's own fault and is told to the error handlers; one of those is on its own. */
export class Listeners {
  readonly #handlers = new Map<keyof ClientEvents, Set<Handler>>(names.map((name) => [name, new Set()]));

  /** @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` on an event that does not exist: its handler would never be called. */
  add(event: keyof ClientEvents, handler: Handler): () => void {
    requireFunction('handler', handler);
    const handlers = this.#handlers.get(event);
    if (handlers === undefined)
      throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `the events are ${['message', ...names].map((name) => `'${name}'`).join(', ')}` });
    handlers.add(handler);
    return () => void handlers.delete(handler);
  }

  tell<Name extends keyof ClientEvents>(event: Name, value: ClientEvents[Name]): void {
    for (const handler of this.#handlers.get(event) ?? []) {
      try {
        handler(value as never);
      } catch (error) {
        if (event === 'error') throw error;
        this.tell('error', error);
      }
    }
  }
}
