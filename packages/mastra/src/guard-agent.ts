/** The config of an agent and the options of a run, with the guard on every path to a tool. @module */
import { agentGate, type Admitted, type AgentGate } from './agent-gate.ts';
import type { Caller } from './caller.ts';
import { guardTools } from './guard-tools.ts';
import type { Tools } from './tool-shape.ts';
import { turnRecorder } from './turn-recorder.ts';

type Resolved<T> = T | ((context: never) => T | Promise<T>);
type Hooks = { readonly beforeToolCall?: unknown; readonly afterToolCall?: unknown };
type Delegation = { readonly onDelegationStart?: unknown; readonly onDelegationComplete?: unknown };

/** As much of Mastra's `AgentConfig` as is changed: the exact type goes through. */
export type AgentConfigLike = {
  readonly id: string;
  readonly tools?: Resolved<object> | undefined;
  readonly hooks?: object | undefined;
  readonly inputProcessors?: unknown;
  readonly outputProcessors?: unknown;
  readonly defaultOptions?: Resolved<object> | undefined;
};

/** As much of the options of `generate` and `stream`. */
export type RunOptionsLike = {
  readonly toolsets?: object | undefined;
  readonly clientTools?: object | undefined;
  readonly hooks?: object | undefined;
  readonly inputProcessors?: readonly unknown[] | undefined;
  readonly outputProcessors?: readonly unknown[] | undefined;
  readonly delegation?: object | undefined;
};

export type Agents = {
  readonly agent: <CONFIG extends AgentConfigLike>(config: CONFIG) => CONFIG;
  readonly options: <OPTIONS extends RunOptionsLike>(options: OPTIONS) => OPTIONS;
};

type Guarding = { readonly caller: Caller; readonly turns: boolean };
type Named = Guarding & { readonly agent: string | undefined; readonly gate: AgentGate };

export function guardAgents(guarding: Guarding): Agents {
  const { caller } = guarding;
  /** Shared: a run's own processors and its agent's hooks have to know the same calls. */
  const admitted: Admitted = new WeakSet();
  const named = (agent: string | undefined): Named => ({ ...guarding, agent, gate: agentGate({ caller, agent, admitted }) });
  return {
    agent: (config) => {
      const ofAgent = named(config.id);
      const { tools, hooks, defaultOptions = {} } = config;
      return {
        ...config,
        ...(tools === undefined ? {} : { tools: resolvedWith(tools, (given) => guardTools(caller, given as Tools)) }),
        hooks: composeHooks(ofAgent, hooks),
        inputProcessors: resolvedWith(config.inputProcessors ?? [], (own) => [...(own as unknown[]), ofAgent.gate.processor]),
        ...(guarding.turns
          ? {
              outputProcessors: resolvedWith(config.outputProcessors ?? [], (own) => [
                ...(own as unknown[]),
                turnRecorder({ guard: caller.guard, agent: config.id }),
              ]),
            }
          : {}),
        defaultOptions: resolvedWith(defaultOptions, (given) => guardRun(ofAgent, { delegation: {}, ...(given as RunOptionsLike) })),
      };
    },
    options: (options) => guardRun(named(undefined), options),
  };
}

/** What a run names replaces what the agent's config has: so each of it is guarded again. */
function guardRun<OPTIONS extends RunOptionsLike>(named: Named, options: OPTIONS): OPTIONS {
  const { caller, gate, turns } = named;
  const { toolsets, clientTools, hooks, inputProcessors, outputProcessors, delegation } = options;
  const guardedSets = Object.entries(toolsets ?? {}).map(([name, tools]) => [name, guardTools(caller, tools as Tools)]);
  return {
    ...options,
    ...(toolsets === undefined ? {} : { toolsets: Object.fromEntries(guardedSets) as object }),
    ...(clientTools === undefined ? {} : { clientTools: guardTools(caller, clientTools as Tools) }),
    ...(hooks === undefined ? {} : { hooks: composeHooks(named, hooks) }),
    ...(inputProcessors === undefined ? {} : { inputProcessors: [...inputProcessors, gate.processor] }),
    ...(outputProcessors === undefined || !turns ? {} : { outputProcessors: [...outputProcessors, turnRecorder({ guard: caller.guard, agent: named.agent })] }),
    ...(delegation === undefined ? {} : { delegation: composeDelegation(named, delegation) }),
  };
}

type Before = (call: { readonly toolName: string; readonly context?: unknown }) => unknown;

function composeHooks({ gate }: Named, hooks: Hooks = {}): object {
  const own = hooks.beforeToolCall as Before | undefined;
  const beforeToolCall: Before = async (call) => {
    gate.beforeToolCall(call);
    return own?.(call);
  };
  return { ...hooks, beforeToolCall };
}

type Start = { readonly primitiveId: string; readonly prompt: string; readonly runId?: string; readonly toolCallId?: string; readonly parentAgentId?: string };
type StartResult = { readonly proceed?: boolean; readonly modifiedPrompt?: string } | undefined;
type OnStart = (context: Start) => StartResult | Promise<StartResult>;

/** A hook that throws ends the delegation: by default Mastra would warn and go on. */
function composeDelegation({ caller: { guard }, turns }: Named, delegation: Delegation): object {
  const own = delegation.onDelegationStart as OnStart | undefined;
  const onDelegationStart: OnStart = async (context) => {
    const result = await own?.(context);
    if (turns && result?.proceed !== false) {
      const { primitiveId: to, prompt, runId, toolCallId: callId, parentAgentId: agentName } = context;
      await guard.record({ type: 'handoff', to, runId, callId, agentName, framework: 'mastra', outcome: 'ok', input: result?.modifiedPrompt ?? prompt });
    }
    return result;
  };
  return { ...delegation, onDelegationStart, hookErrorStrategy: 'throw' };
}

/** The value, or the function that makes it for each request, with `change` applied. */
function resolvedWith(given: unknown, change: (value: unknown) => unknown): unknown {
  if (typeof given !== 'function') return change(given);
  return async (context: unknown): Promise<unknown> => change(await (given as (context: unknown) => unknown)(context));
}
