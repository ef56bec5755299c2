import { call } from '../benches/capability-fixture.ts';
import type { Bench } from '../measure.ts';
import { loadPeer, mustAllow } from './load-peer.ts';

type Cedar = {
  readonly preparsePolicySet: (id: string, policies: object) => unknown;
  readonly statefulIsAuthorized: (request: object) => { readonly response?: { readonly decision?: string } };
};

const staticPolicies = `permit(principal == Agent::"agent", action == Action::"${call.tool}", resource)
when { context.to like "*@acme.example" && context has subject && context has body };`;

/** One policy, kept parsed, decided for the same arguments. Nothing is signed, and Cedar does not count the letters of a subject. */
export const cedar: Bench = {
  name: 'peer-cedar',
  floor: 'authorize-warm',
  async open() {
    const { preparsePolicySet, statefulIsAuthorized } = await loadPeer<Cedar>('@cedar-policy/cedar-wasm/nodejs');
    preparsePolicySet('bench', { staticPolicies, templates: {}, templateLinks: [] });
    const decide = (context: object): boolean => {
      const request = {
        principal: { type: 'Agent', id: 'agent' },
        action: { type: 'Action', id: call.tool },
        resource: { type: 'Tool', id: 'mail' },
        context,
        entities: [],
        preparsedPolicySetId: 'bench',
      };
      return statefulIsAuthorized(request).response?.decision === 'allow';
    };
    if (decide({ ...call.input, to: 'ops@elsewhere.example' })) throw new Error('a bad call was allowed');
    return { sync: () => mustAllow(decide(call.input)) };
  },
};
