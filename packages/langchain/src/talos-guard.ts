/** The front door of LangChain: one call per capability, then `guard.tools([...])`. @module */
import type { TalosClient } from '@talosprotocol/core';
import { guardRemote, type GuardRemote } from './guard-remote.ts';
import { guardTools, type GuardableTool } from './guard-tool.ts';
import { TalosCallbackHandler } from './talos-callback-handler.ts';

/** Until when refusals are only recorded, in milliseconds since 1970, and for which tools they stay refusals. */
export type ObserveUntil = { readonly until: number; readonly enforce?: readonly string[] };

export type TalosGuardOptions = {
  /** The agent in whose name calls are decided and recorded. */
  readonly client: Pick<TalosClient, 'guard'>;
  /** The capability as text, held by this client. It stays in this process: no tool, config or trace ever carries it. */
  readonly capability: string;
  /** Runs what the capability does not allow and records that it would have been refused, until a day that is named. */
  readonly observe?: ObserveUntil;
};

export type TalosGuard = {
  /**
   * The same tools, each of which runs only when the capability allows the call. Names, schemas and types stay as they are;
   * the tools that were passed in are left untouched.
   * @throws {@link UsageError} `TALOS_USAGE_UNKNOWN_TOOL` if a tool is of a shape that cannot be guarded.
   */
  readonly tools: <const Tools extends readonly GuardableTool[]>(tools: Tools) => { -readonly [Index in keyof Tools]: Tools[Index] };
  /** A handler for one run, that also refuses tools which are *not* among `tools()`: see {@link TalosCallbackHandler}. Make one for each `invoke`. */
  readonly callbacks: () => TalosCallbackHandler;
  /** A peer's tools as LangChain tools: `await guard.remote(peerDid, ['render_chart'])`. */
  readonly remote: GuardRemote;
};

/** A guard for LangChain tools and agents. */
export function talosGuard({ client, capability, observe }: TalosGuardOptions): TalosGuard {
  const guard = client.guard({ capability, ...(observe === undefined ? {} : { observe }) });
  return {
    tools: (tools) => guardTools(guard, tools),
    callbacks: () => new TalosCallbackHandler(guard),
    remote: guardRemote({ client, capability }),
  };
}
