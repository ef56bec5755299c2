/** The front door: `talosGuard({ client, capability })`. @module */
import type { Guard } from '@talosprotocol/core/guard';
import { guardRemote, type GuardRemote } from './guard-remote.ts';
import { guardTools } from './guard-tools.ts';
import { createMiddleware, type HonoMiddleware } from './middleware.ts';
import { carriedBrand } from './request-context.ts';
import type { Tools } from './tool-shape.ts';

/** Until when refusals are only recorded, in milliseconds since 1970, and for which tools they stay refusals. */
export type ObserveUntil = { readonly until: number; readonly enforce?: readonly string[] };

export type TalosGuardOptions = {
  /** A `TalosClient`, or whatever else makes guards. */
  readonly client: { guard(options: { readonly capability: string; readonly observe?: ObserveUntil }): Guard };
  /** The token that says which tools may be called with which arguments. */
  readonly capability: string;
  /** Runs what the capability does not allow and records that it would have been refused, until a day that is named. */
  readonly observe?: ObserveUntil;
};

export interface TalosGuard {
  /**
   * The same tools, each `execute` behind the guard, whichever way Mastra reaches it: agent, workflow step, HTTP route or a call of your own.
   * The name that the capability has to grant is the key, which is the name the model sees. A refusal is thrown as `TalosDeniedError`.
   * @throws {@link UsageError} `TALOS_USAGE_UNKNOWN_TOOL` for a tool that no wrapper can stop, such as one that runs at the provider.
   */
  tools<TOOLS extends Tools>(tools: TOOLS): TOOLS;
  /**
   * For `server.middleware`. Puts this guard and a run id into the request context, over anything the caller sent under those names,
   * and answers 403 on the routes that execute a tool directly unless that tool is guarded.
   */
  middleware(): HonoMiddleware;
  /** A peer's tools as Mastra tools: `await guard.remote(peerDid, ['render_chart'])`. */
  readonly remote: GuardRemote;
}

/** One guard for one capability. Nothing is awaited here: the token is admitted at the first call. */
export function talosGuard(options: TalosGuardOptions): TalosGuard {
  const { client, capability, observe } = options;
  const guard = client.guard({ capability, ...(observe === undefined ? {} : { observe }) });
  const front: TalosGuard = { tools: (tools) => guardTools(guard, tools), middleware: () => createMiddleware(front), remote: guardRemote(options) };
  return Object.defineProperty(front, carriedBrand, { value: true });
}
