/** The front door: `talosGuard({ client, capability })`. @module */
import { openGuard, type GuardSource } from '@talosprotocol/core/guard';
import { deskOf, type Caller } from './caller.ts';
import { guardAgents, type AgentConfigLike, type RunOptionsLike } from './guard-agent.ts';
import { guardRemote, type GuardRemote } from './guard-remote.ts';
import { guardSubAgent, type GuardSubAgent } from './guard-subagent.ts';
import { guardTools } from './guard-tools.ts';
import { createMiddleware, type HonoMiddleware, type MiddlewareOptions } from './middleware.ts';
import { carriedBrand } from './request-context.ts';
import type { Tools } from './tool-shape.ts';
import { turnRecorder, type TurnRecorder } from './turn-recorder.ts';

export type TalosGuardOptions = GuardSource & {
  /** Whether `guard.agent()` puts model turns and handoffs on record. Default true. */
  readonly turns?: boolean;
  /**
   * What becomes of a call that needs a person: `refuse`, the default, tells the model; `suspend` suspends the run with an `ApprovalPause` until it is
   * resumed with `{ answer }`, what `client.answerApproval` of the approver gave. That needs a `TalosClient`, and a storage of Mastra's.
   */
  readonly approvals?: 'refuse' | 'suspend';
};

export interface TalosGuard {
  /**
   * Config in, config out, for `new Agent()`: every tool that its runs can reach is behind the guard, in every step. Tools of the config, dynamic ones
   * too, as by `tools()`; those of toolsets, clients, sub-agents (`agent-<key>`), workflows, memory and workspace where the run makes them. Their
   * grants go by the name that the model sees. A delegation hook that throws ends the delegation. Model turns and handoffs go on record.
   */
  agent<CONFIG extends AgentConfigLike>(config: CONFIG): CONFIG;
  /**
   * The options of one `generate` or `stream` call. What a run names replaces what the agent has: hooks, processors and delegation are joined with the
   * guard's again here. Toolsets and client tools are guarded as by `tools()`.
   */
  options<OPTIONS extends RunOptionsLike>(options: OPTIONS): OPTIONS;
  /**
   * For `outputProcessors`: records each turn of the model, with the calls it made and a commitment to what came out. It stops no tool: processors see
   * a step when its tools have begun. `agent()` has it already.
   */
  processor(): TurnRecorder;
  /**
   * The same tools, each `execute` behind the guard, whichever way Mastra reaches it: agent, workflow step, HTTP route or a call of your own.
   * The name that the capability has to grant is the key, which is the name the model sees. A refusal is thrown as `TalosDeniedError`.
   * @throws {@link UsageError} `TALOS_USAGE_UNKNOWN_TOOL` for a tool that no wrapper can stop, such as one that runs at the provider.
   */
  tools<TOOLS extends Tools>(tools: TOOLS): TOOLS;
  /**
   * For `server.middleware`. Puts this guard and a run id into the request context, over anything the caller sent under those names,
   * and answers 403 on the routes that execute a tool directly unless that tool is guarded.
   * With `signed`, lets only requests through that their caller signed and has a capability for, and puts its DID beside them.
   */
  middleware(options?: MiddlewareOptions): HonoMiddleware;
  /** A peer's tools as Mastra tools: `await guard.remote(peerDid, ['render_chart'])`. */
  readonly remote: GuardRemote;
  /**
   * A peer's agent for `agents` of a config: `await guard.subAgent(peerDid, { tool: 'ask_analyst' })`. The peer serves it as that tool. The guard of the
   * agent above decides on `agent-<key>`, the peer's on the tool.
   */
  readonly subAgent: GuardSubAgent;
}

/** One guard for one capability. Nothing is awaited here: the token is admitted at the first call. */
export function talosGuard(options: TalosGuardOptions): TalosGuard {
  const { client, turns = true, approvals = 'refuse' } = options;
  const guard = openGuard(options);
  const caller: Caller = { guard, desk: approvals === 'suspend' ? deskOf(client) : undefined };
  const front: TalosGuard = {
    ...guardAgents({ caller, turns }),
    tools: (tools) => guardTools(caller, tools),
    processor: () => turnRecorder({ guard, agent: undefined }),
    middleware: (given = {}) => createMiddleware({ guard: front, client }, given),
    remote: guardRemote(options),
    subAgent: guardSubAgent(options),
  };
  return Object.defineProperty(front, carriedBrand, { value: true });
}
