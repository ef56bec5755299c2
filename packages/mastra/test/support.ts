/** A Talos agent beside a Mastra agent whose model follows a script: both real, no network. */
import { Agent } from '@mastra/core/agent';
import { failingHome, grantedAgent, type GrantedAgent, type TestHome } from '../../../test/support/granted-agent.ts';
import { scriptedModel, toolOutputs, type ScriptedCall, type ScriptedModel } from '../../../test/support/scripted-model.ts';
import { talosGuard, type TalosGuard } from '../src/index.ts';

export { failingHome, toolOutputs };

export type TestAgent = GrantedAgent & { readonly guard: TalosGuard };

export async function agentGranted(tools: Parameters<typeof grantedAgent>[0], stores?: TestHome): Promise<TestAgent> {
  const agent = await grantedAgent(tools, stores);
  return { ...agent, guard: talosGuard({ client: agent.client, capability: agent.capability }) };
}

export function modelCalling(...turns: (readonly ScriptedCall[])[]): ScriptedModel<'v4'> {
  return scriptedModel('v4', ...turns);
}

/** An agent with this model and these tools. */
export function agentWith(model: ScriptedModel<'v4'>, tools: Exclude<ConstructorParameters<typeof Agent>[0]['tools'], undefined>): Agent {
  return new Agent({ id: 'ops', name: 'Ops', instructions: 'Do the work.', model: model as never, tools });
}
