/** What the connections of a relay share: the store, who receives, and the rates. @module */
import type { Env } from '@talosprotocol/core';
import type { AgentId } from '@talosprotocol/core/identity';
import { Rate } from './rate.ts';
import type { RelayDatabase } from './relay-database.ts';
import { contactLifeMs, fetchRate, pairRate, publishRate, sweepEveryMs, type RelayLimits } from './relay-limits.ts';
import { WriteQueue } from './write-queue.ts';

/** A connection of an agent that has proved its DID, as the others see it. */
export interface Presence {
  readonly historySequence: number;
  /** There may be something to deliver. */
  wake(): void;
  /** Another connection of this agent receives now. */
  supersede(): void;
  tellLow(left: number): void;
  /** The key that was proved here has been given up. */
  expel(): void;
}

export type HubParts = { readonly database: RelayDatabase; readonly env: Env; readonly limits: RelayLimits; readonly origin: string };

export class Hub {
  readonly database: RelayDatabase;
  readonly env: Env;
  readonly limits: RelayLimits;
  readonly origin: string;
  readonly writes: WriteQueue;
  readonly fetches: Rate;
  readonly pairs: Rate;
  readonly publications: Rate;
  readonly #present = new Map<AgentId, Set<Presence>>();
  readonly #receivers = new Map<AgentId, Presence>();
  #cancelSweep: () => void = () => undefined;

  constructor({ database, env, limits, origin }: HubParts) {
    this.database = database;
    this.env = env;
    this.limits = limits;
    this.origin = origin;
    this.writes = new WriteQueue(database);
    this.fetches = new Rate(fetchRate, env);
    this.pairs = new Rate(pairRate, env);
    this.publications = new Rate(publishRate, env);
    this.#sweepLater();
  }

  /** An older key of the same agent may be in a thief's hands: its connections end. */
  enter(did: AgentId, presence: Presence): void {
    const others = this.#present.get(did) ?? new Set();
    for (const other of others) if (other.historySequence < presence.historySequence) other.expel();
    this.#present.set(did, others.add(presence));
  }

  leave(did: AgentId, presence: Presence): void {
    this.stopReceiving(did, presence);
    const others = this.#present.get(did);
    others?.delete(presence);
    if (others?.size === 0) this.#present.delete(did);
  }

  /** One receiver at a time: the newest. */
  receive(did: AgentId, presence: Presence): void {
    const before = this.#receivers.get(did);
    this.#receivers.set(did, presence);
    if (before !== undefined && before !== presence) before.supersede();
  }

  stopReceiving(did: AgentId, presence: Presence): void {
    if (this.#receivers.get(did) === presence) this.#receivers.delete(did);
  }

  wake(did: AgentId): void {
    this.#receivers.get(did)?.wake();
  }

  tellLow(did: AgentId, left: number): void {
    for (const presence of this.#present.get(did) ?? []) presence.tellLow(left);
  }

  close(): void {
    this.#cancelSweep();
    this.writes.flush();
  }

  #sweepLater(): void {
    this.#cancelSweep = this.env.after(sweepEveryMs, () => {
      const now = this.env.now();
      // A sweep that fails leaves what is over; it is not delivered, and the next sweep tries again.
      void this.writes.run(() => this.database.sweep(now, now - contactLifeMs)).catch(() => undefined);
      this.#sweepLater();
    });
  }
}
