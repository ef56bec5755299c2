import { importEd25519SecretKey } from '#suite';
import {
  admit,
  anyArgs,
  attenuateCapability,
  authorize,
  createReservations,
  didKeys,
  issueCapability,
  memoryLimitStore,
  memoryRevocationStore,
  openRevocations,
  reserve,
  toolGrants,
  type AdmitContext,
  type CapabilityHandle,
  type CapabilityRequest,
  type Denial,
  type Grant,
  type LimitStore,
  type LinkRequest,
  type Reservations,
  type RevocationOptions,
  type ToolGrant,
} from '../../src/capability/index.ts';
import type { JsonObject } from '../../src/bytes/json-value.ts';
import { formatAgentId } from '../../src/identity/agent-id.ts';
import { localSigner } from '../../src/identity/signer.ts';
import type { Ed25519SecretKey } from '../../src/primitives/keys.ts';
import { agent, clockAt, issuer, root, start } from './support.ts';

export const place = 'mcp://pay.example/';
export const keyOf = (fill: number): Ed25519SecretKey => importEd25519SecretKey(new Uint8Array(32).fill(fill));
export const didOf = (key: Ed25519SecretKey) => formatAgentId(key.publicKey);
export const rootContext = { issuer, signer: localSigner(root) };
export const agentContext = { issuer: didOf(agent), signer: localSigner(agent) };

/** A grant of one tool with everything beside its arguments. */
export function limited(tool: string, more: Partial<ToolGrant>): ToolGrant {
  return { ...(toolGrants({ [tool]: anyArgs() })[0] as ToolGrant), ...more };
}

/** One place where calls run: its limits are counted here, and it follows the revocations of the root. */
export async function payPlace(options: Partial<RevocationOptions> & { readonly limits?: LimitStore } = {}) {
  const env = clockAt();
  const limits = options.limits ?? memoryLimitStore(env);
  const reservations = createReservations({ limits });
  const revocations = await openRevocations({ store: memoryRevocationStore(), env, issuers: [issuer], ...options });
  const keys = didKeys();
  const admitAs = (token: string, key: Ed25519SecretKey, more: Partial<AdmitContext> = {}) =>
    admit(token, { trust: { issuers: [issuer] }, audience: place, holder: key.publicKey, env, keys, maxDepth: 7, revocations, ...more });
  const handleAs = async (token: string, key: Ed25519SecretKey): Promise<CapabilityHandle> => {
    const { handle, denied } = await admitAs(token, key);
    if (handle === undefined) throw new Error(`not admitted: ${JSON.stringify(denied)}`);
    return handle;
  };
  const issue = (grants: readonly ToolGrant[], more: Partial<CapabilityRequest> = {}): Promise<string> =>
    issueCapability({ holder: agent.publicKey, grants, audience: place, delegate: 6, ...more }, { ...rootContext, env });
  const pass = (
    token: string,
    input: { readonly from: Ed25519SecretKey; readonly to: Ed25519SecretKey; readonly grants: readonly ToolGrant[] } & Partial<LinkRequest>,
  ): Promise<string> => {
    const { from, to, ...request } = input;
    return attenuateCapability(token, { holder: to.publicKey, audience: place, ...request }, { signer: localSigner(from), env });
  };
  return { env, limits, reservations, revocations, admitAs, handleAs, issue, pass };
}

export type Outcome = { readonly grant: Grant; readonly denied?: undefined } | { readonly denied: Denial; readonly grant?: undefined };

/** From a handle to a grant, as the guard goes. */
export async function call(
  handle: CapabilityHandle,
  options: { readonly reservations: Reservations; readonly tool?: string; readonly input?: JsonObject },
): Promise<Outcome> {
  const permit = authorize(handle, { tool: options.tool ?? 'pay', input: options.input ?? {} });
  if (permit.denied !== undefined) return { denied: permit.denied };
  const grant = await reserve(permit, options.reservations);
  return grant.denied === undefined ? { grant } : { denied: grant.denied };
}

export { start };
