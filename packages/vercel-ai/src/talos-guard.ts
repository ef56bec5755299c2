/** The front door: `talosGuard({ client, capability })`. @module */
import { openGuard, type GuardSource } from '@talosprotocol/core/guard';
import { trackRuns } from './call-ids.ts';
import type { Caller } from './guard-execute.ts';
import { recordedHandoff, type AgentLike } from './guard-handoff.ts';
import { guardModel, type ModelLike } from './guard-model.ts';
import { guardRemote, type GuardRemote } from './guard-remote.ts';
import { guardTools, type Tools } from './guard-tools.ts';
import { runTelemetry, type RunTelemetry } from './run-telemetry.ts';
import { composeApproval, type ApprovalCall, type ApprovalStatus, type ToolApproval } from './tool-approval.ts';

export type TalosGuardOptions = GuardSource & {
  /** The agent's name in the log. The SDK tells a tool none. */
  readonly agent?: string;
  /** Whether `model()` and `handoff()` put turns and handoffs on record. Default true. */
  readonly turns?: boolean;
};

/** What to spread into `generateText`, `streamText` or `ToolLoopAgent`. */
export type GuardedSettings<TOOLS extends Tools> = {
  /** The same tools, each `execute` behind the guard. This is the enforcement. */
  readonly tools: TOOLS;
  /** AI SDK 7: refuses before the tool is reached, so that the model sees a denial and not an error. AI SDK 6 ignores it. */
  readonly toolApproval: (call: ApprovalCall) => Promise<ApprovalStatus>;
};

export interface TalosGuard extends GuardParts {
  /**
   * Guards the tools and adds the SDK's own denial. A `toolApproval` of yours goes in here and is asked too: a call runs only if both agree.
   * @throws {@link UsageError} `TALOS_USAGE_UNKNOWN_TOOL` for a tool that no wrapper can stop, such as one that runs at the provider.
   */
  <TOOLS extends Tools>(settings: { readonly tools: TOOLS; readonly toolApproval?: ToolApproval<NoInfer<TOOLS>> | undefined }): GuardedSettings<TOOLS>;
}

/** What a guard gives in every version of the SDK. */
export interface GuardParts {
  /**
   * Guards the tools alone. A refusal is then a `tool-error` part whose error is a `TalosDeniedError`.
   * Tools without `execute` run at your caller and are returned as they are: only `guard({ tools })` can refuse those.
   * @throws {@link UsageError} `TALOS_USAGE_UNKNOWN_TOOL`, as above.
   */
  readonly tools: <TOOLS extends Tools>(tools: TOOLS) => TOOLS;
  /**
   * The same model, without the tools that would run at its provider: no guard can stop those. Puts every turn on record, with the calls that
   * the model made and a commitment to what went in and came out. A turn that cannot be recorded is not handed on.
   * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` for a model by name alone: pass the model itself.
   */
  readonly model: <MODEL extends ModelLike>(model: MODEL) => MODEL;
  /**
   * The same agent, to be asked by a tool of another one: each `generate` and `stream` is recorded as a handoff before it happens, with a commitment to
   * what it is asked. It decides nothing: the agent's own tools are guarded as its own.
   * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` for an agent without an `id`.
   */
  readonly handoff: <AGENT extends AgentLike>(agent: AGENT) => AGENT;
  /** For `registerTelemetry` or a call's `telemetry.integrations` of AI SDK 7: entries then carry the SDK's own id of the run. Enforces nothing. */
  readonly telemetry: () => RunTelemetry;
  /** A peer's tools as AI SDK tools: `await guard.remote(peerDid, ['render_chart'])`. */
  readonly remote: GuardRemote;
}

/** One guard for one capability. Nothing is awaited here: the token is admitted at the first call. */
export function talosGuard(options: TalosGuardOptions): TalosGuard {
  const { caller, ...parts } = guardParts(options);
  const settings = <TOOLS extends Tools>(given: {
    readonly tools: TOOLS;
    readonly toolApproval?: ToolApproval<NoInfer<TOOLS>> | undefined;
  }): GuardedSettings<TOOLS> => ({
    tools: parts.tools(given.tools),
    toolApproval: composeApproval(caller, given),
  });
  return Object.assign(settings, parts);
}

/** A policy alone, for tools that are guarded already or that run at the caller: what `toolApproval` of AI SDK 7 takes. It fails closed and never throws. */
export function talosPolicy(options: TalosGuardOptions): (call: ApprovalCall) => Promise<ApprovalStatus> {
  return composeApproval(callerOf(options), { tools: {} });
}

/** The telemetry of a guard, under the name that the SDK's own packages would give it. */
export function talosTelemetry(guard: GuardParts): RunTelemetry {
  return guard.telemetry();
}

export function guardParts(options: TalosGuardOptions): GuardParts & { readonly caller: Caller } {
  const caller = callerOf(options);
  return {
    caller,
    tools: (tools) => guardTools(caller, tools),
    model: (model) => guardModel({ caller, records: options.turns !== false }, model),
    handoff: (agent) => (options.turns === false ? agent : recordedHandoff(caller, agent)),
    telemetry: () => runTelemetry(caller.runs),
    remote: guardRemote(options),
  };
}

function callerOf(options: TalosGuardOptions): Caller {
  return { guard: openGuard(options), runs: trackRuns(), agentName: options.agent };
}
