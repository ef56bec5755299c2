/** A Talos agent beside an OpenAI agent whose model follows a script: both real, no network. */
import { setTracingDisabled } from '@openai/agents';
import { assistantMessage, functionCall, ScriptedModel } from '@openai/agents/testing';
import { grantedAgent, type GrantedAgent } from '../../../test/support/granted-agent.ts';
import { talosGuard, type TalosGuard } from '../src/index.ts';

setTracingDisabled(true);

export type TestAgent = GrantedAgent & { readonly guard: TalosGuard };

export async function agentGranted(tools: Parameters<typeof grantedAgent>[0]): Promise<TestAgent> {
  const agent = await grantedAgent(tools);
  return { ...agent, guard: talosGuard({ client: agent.client, capability: agent.capability }) };
}

/** One call for each turn, and then "done". */
export function modelCalling(...calls: readonly (readonly [name: string, args: Record<string, unknown>])[]): ScriptedModel {
  return new ScriptedModel([...calls.map(([name, args], i) => [functionCall(name, args, { callId: `call_${i}` })]), [assistantMessage('done')]]);
}

export function answersOf({ lastCall }: ScriptedModel): string {
  return JSON.stringify(lastCall?.request.input);
}
