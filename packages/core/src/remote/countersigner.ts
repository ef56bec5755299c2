/** Countersignatures on their way: on the next call to the same peer, or alone after a while (docs/spec/07 §5). @module */
import type { Env } from '../env/env.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { countersignAfterMs, maxCountersignatures } from './bounds.ts';
import type { SignedOutcome } from './remote-message.ts';
import type { Say } from './remote-wire.ts';

type Due = { readonly items: SignedOutcome[]; readonly cancel: () => void };

export class Countersigner {
  readonly #parts: { readonly env: Env; readonly say: Say; readonly onError: (error: unknown) => void };
  readonly #due = new Map<AgentId, Due>();

  constructor(parts: { readonly env: Env; readonly say: Say; readonly onError: (error: unknown) => void }) {
    this.#parts = parts;
  }

  add(peer: AgentId, item: SignedOutcome): void {
    const due = this.#due.get(peer) ?? { items: [], cancel: this.#parts.env.after(countersignAfterMs, () => void this.#flush(peer)) };
    this.#due.set(peer, due);
    due.items.push(item);
    if (due.items.length >= maxCountersignatures) void this.#flush(peer);
  }

  /** What is due to this peer, for a message that goes there anyway. */
  take(peer: AgentId): readonly SignedOutcome[] {
    const due = this.#due.get(peer);
    this.#due.delete(peer);
    due?.cancel();
    return due?.items ?? [];
  }

  async close(): Promise<void> {
    await Promise.all([...this.#due.keys()].map((peer) => this.#flush(peer)));
  }

  async #flush(peer: AgentId): Promise<void> {
    const signed = this.take(peer);
    if (signed.length === 0) return;
    await this.#parts.say(peer, { kind: 'countersign', signed }).catch(this.#parts.onError);
  }
}
