/** The front door of LangChain: one call per capability, then `guard.tools([...])`. @module */
import type { TalosClient } from '@talosprotocol/core';
import type { GuardSource } from '@talosprotocol/core/guard';
import { callerOf } from './caller.ts';
import { guardRemote, type GuardRemote } from './guard-remote.ts';
import { guardSubagent, type SubagentLike } from './guard-subagent.ts';
import { guardTools, type GuardableTool } from './guard-tool.ts';
import { holdCapability, type RunCapability } from './run-capability.ts';
import { TalosCallbackHandler } from './talos-callback-handler.ts';
import { talosMiddleware, type MiddlewareOptions, type TalosMiddleware } from './talos-middleware.ts';

export type TalosGuardOptions = Pick<GuardSource, 'observe' | 'spans'> & {
  /** The agent in whose name calls are decided and recorded. */
  readonly client: Pick<TalosClient, 'guard'> & Partial<Pick<TalosClient, 'approvals'>>;
  /**
   * The capability as text, held by this client. It stays in this process: no tool, config or trace ever carries it.
   * Without it every run brings its own in `context: guard.context(capability)`; a run that brings none is refused.
   */
  readonly capability?: string;
  /** Whether turns of models and handoffs between agents are put on record. Default true. */
  readonly turns?: boolean;
  /**
   * What becomes of a call that needs a person: `refuse`, the default, tells the model; `interrupt` pauses the graph with an {@link ApprovalInterrupt}
   * until it is resumed with the approver's answer. That needs a checkpointer.
   */
  readonly approvals?: 'refuse' | 'interrupt';
};

export type TalosGuard = {
  /**
   * The same tools, each of which runs only when the capability allows the call. Names, schemas and types stay as they are;
   * the tools that were passed in are left untouched.
   * @throws {@link UsageError} `TALOS_USAGE_UNKNOWN_TOOL` if a tool is of a shape that cannot be guarded.
   */
  readonly tools: <const Tools extends readonly GuardableTool[]>(tools: Tools) => { -readonly [Index in keyof Tools]: Tools[Index] };
  /**
   * For `createAgent`, as the last of its middleware: guards tools that are not among `tools()`, such as those of other middleware, takes tools of the
   * provider out of requests, records turns, and keeps errors of tools from ending the run. It does not reach into sub-agents.
   */
  readonly middleware: (options?: MiddlewareOptions) => TalosMiddleware;
  /** A sub-agent's specification for `createDeepAgent`, with its tools guarded and the middleware added. */
  readonly subagent: <Spec extends SubagentLike>(spec: Spec, options?: MiddlewareOptions) => Spec;
  /**
   * The context of one run, for a guard without a capability of its own: `invoke(input, { context: { ...guard.context(capability), …yours } })`.
   * A context schema of yours has to let `talos` pass. What it holds shows nothing of the capability: LangChain traces contexts with the model's options.
   */
  readonly context: (capability: string) => { readonly talos: RunCapability };
  /**
   * A handler for one run, that also refuses tools which are *not* among `tools()`: see {@link TalosCallbackHandler}. Make one for each `invoke`.
   * @param capability - The run's own, where the guard has none: callbacks are not told of a run's context.
   */
  readonly callbacks: (capability?: string) => TalosCallbackHandler;
  /** A peer's tools as LangChain tools: `await guard.remote(peerDid, ['render_chart'])`. For a guard with a capability of its own. */
  readonly remote: GuardRemote;
};

/** A guard for LangChain tools and agents. */
export function talosGuard(options: TalosGuardOptions): TalosGuard {
  const caller = callerOf(options);
  return {
    tools: (tools) => guardTools(caller, tools),
    middleware: (settings) => talosMiddleware(caller, settings),
    subagent: (spec, settings) => guardSubagent(caller, spec, settings),
    context: (capability) => ({ talos: holdCapability(capability) }),
    callbacks: (capability) => new TalosCallbackHandler(caller.guardOf(capability), { turns: caller.turns }),
    remote: guardRemote(options),
  };
}
