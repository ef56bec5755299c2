/** In whose name an agent's calls are decided, and what of them is put on record. @module */
import type { TalosClient } from '@talosprotocol/core';
import { openGuard, type Guard, type GuardSource } from '@talosprotocol/core/guard';
import { capabilityIn } from './run-capability.ts';

export type CallerOptions = Pick<GuardSource, 'observe' | 'spans'> & {
  readonly client: Pick<TalosClient, 'guard'> & Partial<Pick<TalosClient, 'approvals'>>;
  readonly capability?: string;
  readonly turns?: boolean;
  readonly approvals?: 'refuse' | 'interrupt';
};

export interface Caller {
  /** @param context - Of the run. Read only where no capability was given to the guard itself. */
  guardIn(context: unknown): Guard;
  guardOf(capability: string | undefined): Guard;
  /** Where calls wait for a person, if the graph is to be interrupted for one. */
  approvals(): TalosClient['approvals'] | undefined;
  /** Whether model turns and handoffs are recorded. */
  readonly turns: boolean;
}

/** Capabilities of contexts whose guards are kept. A token beyond it is read anew: it costs time, and decides nothing. */
const maxGuards = 1000;

export function callerOf({ client, capability, turns = true, approvals, ...options }: CallerOptions): Caller {
  const guards = new Map<string, Guard>();
  const guardOf = (token: string): Guard => {
    const known = guards.get(token);
    if (known !== undefined) return known;
    const made = openGuard({ client, capability: token, ...options });
    const [oldest] = guards.keys();
    if (guards.size >= maxGuards && oldest !== undefined) guards.delete(oldest);
    guards.set(token, made);
    return made;
  };
  const fixed = capability === undefined ? undefined : guardOf(capability);
  return {
    // A run without a capability is refused like one with a broken one: on record.
    guardIn: (context) => fixed ?? guardOf(capabilityIn(context) ?? ''),
    guardOf: (token) => fixed ?? guardOf(token ?? ''),
    approvals: () => (approvals === 'interrupt' ? client.approvals : undefined),
    turns,
  };
}
