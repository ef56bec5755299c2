/** How an adapter comes to its guard: with the same options in every framework. @module */
import type { ObserveOptions } from '../capability/observe.ts';
import type { Guard } from './guard.ts';
import { tracedGuard, type Spans } from './traced-guard.ts';

/** What `talosGuard` of every adapter takes, beside options of its own. */
export type GuardSource = {
  /** A `TalosClient`, or whatever else makes guards. */
  readonly client: { guard(options: { readonly capability: string; readonly observe?: ObserveOptions }): Guard };
  /** The token that says which tools may be called with which arguments. It stays in this process: no tool, config or trace ever carries it. */
  readonly capability: string;
  /** Runs what the capability does not allow and records that it would have been refused, until a day that is named. */
  readonly observe?: ObserveOptions;
  /** Shows calls as OpenTelemetry spans: `{ tracer: trace.getTracer('…') }`. */
  readonly spans?: Spans;
};

/** Nothing is awaited here: the token is admitted at the first call. Without a tracer there is nothing between adapter and guard. */
export function openGuard({ client, capability, observe, spans }: GuardSource): Guard {
  const guard = client.guard({ capability, ...(observe === undefined ? {} : { observe }) });
  return spans === undefined ? guard : tracedGuard(guard, spans);
}
