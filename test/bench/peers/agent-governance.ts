import { guardedAnswer, guardedCall } from '../benches/guard-core.ts';
import type { Bench } from '../measure.ts';
import { loadPeer, mustAllow } from './load-peer.ts';

type Client = { readonly brand: 'client' };
type Adapter = {
  run(
    call: { readonly name: string; readonly action: string; readonly input: object },
    handler: () => Promise<string>,
  ): Promise<{ readonly allowed: boolean; readonly output?: string }>;
};
type Governance = {
  readonly AgentMeshClient: { create(name: string, options: object): Client };
  readonly GenericFrameworkAdapter: new (client: Client) => Adapter;
};

const { tool, input } = guardedCall;
const rules = [
  { action: tool, effect: 'allow' },
  { action: '*', effect: 'deny' },
];

/**
 * The same tool behind Microsoft's Agent Governance Toolkit: policy by the tool's name, trust score, one hash-chained entry without arguments or
 * signature, in memory, the last ten thousand of them.
 */
export const agentGovernance: Bench = {
  name: 'peer-agent-governance',
  floor: 'guard-core',
  async open() {
    const { AgentMeshClient, GenericFrameworkAdapter } = await loadPeer<Governance>('@microsoft/agent-governance-sdk');
    const adapter = new GenericFrameworkAdapter(AgentMeshClient.create('agent', { capabilities: [tool], policyRules: rules }));
    const refused = await adapter.run({ name: 'write', action: 'write', input }, async () => guardedAnswer);
    if (refused.allowed) throw new Error('a call that is not granted was allowed');
    return {
      async: async () => {
        const { allowed, output } = await adapter.run({ name: tool, action: tool, input }, async () => guardedAnswer);
        mustAllow(allowed && output === guardedAnswer);
      },
    };
  },
};
