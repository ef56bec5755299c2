/** The front door: `talosGuard({ client, capability })`. @module */
import type { Guard } from '@talosprotocol/core/guard';
import { guardRemote, type GuardRemote } from './guard-remote.ts';
import { guardTools, type Tools } from './guard-tools.ts';
import { composeApproval, type ApprovalCall, type ApprovalStatus, type ToolApproval } from './tool-approval.ts';

export type TalosGuardOptions = {
  /** A `TalosClient`, or whatever else makes guards. */
  readonly client: { guard(options: { readonly capability: string }): Guard };
  /** The token that says which tools may be called with which arguments. */
  readonly capability: string;
};

/** What to spread into `generateText`, `streamText` or `ToolLoopAgent`. */
export type GuardedSettings<TOOLS extends Tools> = {
  /** The same tools, each `execute` behind the guard. This is the enforcement. */
  readonly tools: TOOLS;
  /** AI SDK 7: refuses before the tool is reached, so that the model sees a denial and not an error. AI SDK 6 ignores it. */
  readonly toolApproval: (call: ApprovalCall) => Promise<ApprovalStatus>;
};

export interface TalosGuard {
  /**
   * Guards the tools and adds the SDK's own denial. A `toolApproval` of yours goes in here and is asked too: a call runs only if both agree.
   * @throws {@link UsageError} `TALOS_USAGE_UNKNOWN_TOOL` for a tool that no wrapper can stop, such as one that runs at the provider.
   */
  <TOOLS extends Tools>(settings: { readonly tools: TOOLS; readonly toolApproval?: ToolApproval<NoInfer<TOOLS>> | undefined }): GuardedSettings<TOOLS>;
  /**
   * Guards the tools alone. A refusal is then a `tool-error` part whose error is a `TalosDeniedError`.
   * Tools without `execute` run at your caller and are returned as they are: only `guard({ tools })` can refuse those.
   * @throws {@link UsageError} `TALOS_USAGE_UNKNOWN_TOOL`, as above.
   */
  tools<TOOLS extends Tools>(tools: TOOLS): TOOLS;
  /** A peer's tools as AI SDK tools: `await guard.remote(peerDid, ['render_chart'])`. */
  readonly remote: GuardRemote;
}

/** One guard for one capability. Nothing is awaited here: the token is admitted at the first call. */
export function talosGuard(options: TalosGuardOptions): TalosGuard {
  const guard = options.client.guard({ capability: options.capability });
  const tools = <TOOLS extends Tools>(given: TOOLS): TOOLS => guardTools(guard, given);
  const settings = <TOOLS extends Tools>(given: {
    readonly tools: TOOLS;
    readonly toolApproval?: ToolApproval<NoInfer<TOOLS>> | undefined;
  }): GuardedSettings<TOOLS> => ({
    tools: tools(given.tools),
    toolApproval: composeApproval(guard, given),
  });
  return Object.assign(settings, { tools, remote: guardRemote(options) });
}
