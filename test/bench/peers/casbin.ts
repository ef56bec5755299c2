import { call } from '../benches/capability-fixture.ts';
import type { Bench } from '../measure.ts';
import { loadPeer, mustAllow } from './load-peer.ts';

type Casbin = {
  readonly newModelFromString: (text: string) => object;
  readonly newEnforcer: (model: object, adapter: object) => Promise<{ enforceSync(...request: readonly string[]): boolean }>;
  readonly StringAdapter: new (policy: string) => object;
};

const model = `[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && r.act == p.act`;
const policy = `p, mailer, ops@*, ${call.tool}
p, clerk, docs/*, read
g, agent, mailer`;

/** Two policies and a role, decided for one argument. Nothing is signed. */
export const casbin: Bench = {
  name: 'peer-casbin',
  floor: 'authorize-warm',
  async open() {
    const { newModelFromString, newEnforcer, StringAdapter } = await loadPeer<Casbin>('casbin');
    const enforcer = await newEnforcer(newModelFromString(model), new StringAdapter(policy));
    if (enforcer.enforceSync('agent', 'boss@acme.example', call.tool)) throw new Error('a bad call was allowed');
    return { sync: () => mustAllow(enforcer.enforceSync('agent', call.input.to, call.tool)) };
  },
};
