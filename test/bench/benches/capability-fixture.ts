import { systemEnv } from '@talosprotocol/core';
import {
  didKeys,
  email,
  inProcessAudience,
  issueCapability,
  len,
  policyCache,
  toolGrants,
  type AdmitContext,
  type CapabilityRequest,
  type ToolGrant,
} from '@talosprotocol/core/capability';
import { generateIdentitySecrets, restoreIdentity, type Identity } from '@talosprotocol/core/identity';

/** The call of these benches: three constrained arguments, one of them a path of policy that is long enough to be usual. */
export const call = { tool: 'send_mail', input: { to: 'ops@acme.example', subject: 'The report of today', body: 'It is attached.' } };

/** An owner, an agent, a verifier that has met the owner before, and fresh tokens on demand. */
export async function capabilityFixture(): Promise<{
  readonly context: AdmitContext;
  readonly issue: (request?: Partial<CapabilityRequest>) => Promise<string>;
  readonly grants: readonly ToolGrant[];
  readonly owner: Identity;
  readonly agent: Identity;
}> {
  const env = systemEnv;
  const owner = await restoreIdentity(await generateIdentitySecrets(env));
  const agent = await restoreIdentity(await generateIdentitySecrets(env));
  const grants = toolGrants({ send_mail: { to: email({ domains: ['acme.example'] }), subject: len({ max: 120 }), body: 'any' } });
  const context = {
    trust: { issuers: [owner.did] },
    audience: inProcessAudience(agent.did),
    holder: agent.signer.publicKey,
    env,
    keys: didKeys(),
    policies: policyCache(),
  };
  return {
    context,
    owner,
    agent,
    grants,
    issue: (request) => issueCapability({ holder: agent.signer.publicKey, grants, ...request }, { signer: owner.signer, issuer: owner.did, env }),
  };
}
