/** A Talos agent beside an AI SDK model that follows a script: both real, no network. */
import { failingHome, grantedAgent, type GrantedAgent, type TestHome } from '../../../test/support/granted-agent.ts';
import { scriptedModel, toolOutputs, type ScriptedCall, type ScriptedModel } from '../../../test/support/scripted-model.ts';
import { talosGuard, type TalosGuard } from '../src/index.ts';

export { failingHome, toolOutputs };

export type TestAgent = GrantedAgent & { readonly guard: TalosGuard };

export async function agentGranted(tools: Parameters<typeof grantedAgent>[0], stores?: TestHome): Promise<TestAgent> {
  const agent = await grantedAgent(tools, stores);
  return { ...agent, guard: talosGuard({ client: agent.client, capability: agent.capability }) };
}

export function modelCalling(...turns: (readonly (ScriptedCall | { readonly type: string })[])[]): ScriptedModel<'v4'> {
  return scriptedModel('v4', ...turns);
}
