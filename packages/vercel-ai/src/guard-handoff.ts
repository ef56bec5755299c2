/** Agents that another agent asks: the SDK knows no handoff, a tool's body calls one. @module */
import { UsageError } from '@talosprotocol/core/errors';
import { withMethods } from '@talosprotocol/core/guard';
import { idsOf, type Caller } from './guard-execute.ts';

/** As much of the SDK's `Agent` as is used. */
export type AgentLike = { readonly id?: string | undefined; readonly generate: (...args: never[]) => unknown; readonly stream: (...args: never[]) => unknown };

type Asked = { readonly prompt?: unknown; readonly messages?: unknown };

/** Records before it hands on, so that none goes unrecorded. It decides nothing: the other agent's tools are guarded as its own. */
export function recordedHandoff<AGENT extends AgentLike>(caller: Caller, agent: AGENT): AGENT {
  const to = agent?.id;
  if (typeof to !== 'string' || to === '' || typeof agent.generate !== 'function' || typeof agent.stream !== 'function')
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'guard.handoff() takes an agent with an id: new ToolLoopAgent({ id, … })' });
  const recorded = (method: 'generate' | 'stream') => async (asked: Asked) => {
    await caller.guard.record({ type: 'handoff', to, ...idsOf(caller, undefined), input: asked?.prompt ?? asked?.messages, outcome: 'ok' });
    return Reflect.apply(agent[method], agent, [asked]) as unknown;
  };
  return withMethods(agent, { generate: recorded('generate'), stream: recorded('stream') });
}
