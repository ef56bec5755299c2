/** How many calls of one peer are at work, and how many may wait: one peer must not take the callee from the others. @module */
import type { AgentId } from '../identity/agent-id.ts';
import { maxRunningPerPeer, maxWaitingPerPeer } from './bounds.ts';

type Slots = { running: number; readonly waiting: (() => void)[] };

export class PeerSlots {
  readonly #peers = new Map<AgentId, Slots>();

  /** Resolves when it is this call's turn, with what ends it; undefined if too many wait already. */
  enter(peer: AgentId): Promise<() => void> | undefined {
    const slots = this.#peers.get(peer) ?? { running: 0, waiting: [] };
    this.#peers.set(peer, slots);
    const leave = (): void => this.#leave(peer, slots);
    if (slots.running < maxRunningPerPeer) {
      slots.running++;
      return Promise.resolve(leave);
    }
    if (slots.waiting.length >= maxWaitingPerPeer) return undefined;
    return new Promise((resolve) => slots.waiting.push(() => resolve(leave)));
  }

  /** Handed on, so that nobody comes in between. */
  #leave(peer: AgentId, slots: Slots): void {
    const next = slots.waiting.shift();
    if (next !== undefined) return next();
    slots.running--;
    if (slots.running === 0) this.#peers.delete(peer);
  }
}
