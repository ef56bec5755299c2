import { importEd25519SecretKey, randomBytes, signEd25519 } from '#suite';
import { encodeBase64url } from '../../src/bytes/base64url.ts';
import type { JsonObject } from '../../src/bytes/json-value.ts';
import { encodeUtf8 } from '../../src/bytes/utf8.ts';
import {
  admit,
  authorize,
  didKeys,
  inProcessAudience,
  issueCapability,
  type AdmitContext,
  type CapabilityHandle,
  type CapabilityRequest,
  type Constraint,
  type Denial,
  type ToolArgs,
  type ToolGrant,
} from '../../src/capability/index.ts';
import type { Env } from '../../src/env/env.ts';
import { formatAgentId, keyThumbprint } from '../../src/identity/agent-id.ts';
import { localSigner } from '../../src/identity/signer.ts';
import type { Ed25519SecretKey } from '../../src/primitives/keys.ts';

/** 2026-01-01T00:00:00Z */
export const start = 1_767_225_600_000;

/** An env whose clock stands still until it is moved. */
export function clockAt(now = start): Env & { set(now: number): void; advance(seconds: number): void } {
  let time = now;
  return {
    now: () => time,
    monotonic: () => time,
    randomBytes,
    after: () => () => {},
    set: (to) => void (time = to),
    advance: (seconds) => void (time += seconds * 1000),
  };
}

const keyFrom = (fill: number): Ed25519SecretKey => importEd25519SecretKey(new Uint8Array(32).fill(fill));

export const root = keyFrom(1);
export const agent = keyFrom(2);
export const stranger = keyFrom(3);
export const issuer = formatAgentId(root.publicKey);
export const holder = formatAgentId(agent.publicKey);

/** One issuer, one holder, one verifier. */
export function world(overrides: Partial<AdmitContext> = {}) {
  const env = clockAt();
  const context: AdmitContext = {
    trust: { issuers: [issuer] },
    audience: inProcessAudience(holder),
    holder: agent.publicKey,
    env,
    keys: didKeys(),
    ...overrides,
  };
  const issue = (grants: readonly ToolGrant[], request: Partial<CapabilityRequest> = {}): Promise<string> =>
    issueCapability({ holder: agent.publicKey, grants, ...request }, { signer: localSigner(root), issuer, env });
  const admitted = async (token: string): Promise<CapabilityHandle> => {
    const { handle, denied } = await admit(token, context);
    if (handle === undefined) throw new Error(`not admitted: ${JSON.stringify(denied)}`);
    return handle;
  };
  const refusal = async (token: unknown): Promise<Denial | undefined> => (await admit(token as string, context)).denied;
  return { env, context, issue, admitted, refusal, handleFor: async (grants: readonly ToolGrant[]) => admitted(await issue(grants)) };
}

export function grant(tools: string | readonly string[], args: ToolArgs = { '*': 'any' }): ToolGrant {
  return { type: 'talos_tool', tools: typeof tools === 'string' ? [tools] : tools, args };
}

/** The refusal of a call, or undefined if it is allowed. */
export function refusalOf(handle: CapabilityHandle, tool: string, input: unknown = {}): Denial | undefined {
  return authorize(handle, { tool, input: input as JsonObject }).denied;
}

/** Whether a tool with one constrained argument takes this value. */
export async function takes(constraint: Constraint): Promise<(value: unknown) => boolean> {
  const handle = await world().handleFor([grant('tool', { value: constraint })]);
  return (value) => refusalOf(handle, 'tool', { value }) === undefined;
}

/** Good claims, for tokens that are wrong in one place. */
export function claims(changes: JsonObject = {}): Record<string, unknown> {
  const iat = start / 1000;
  return {
    v: 1,
    iss: issuer,
    sub: issuer,
    aud: inProcessAudience(holder),
    cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(agent.publicKey.bytes) } },
    jti: encodeBase64url(new Uint8Array(16).fill(7)),
    iat,
    nbf: iat,
    exp: iat + 300,
    del_depth: 0,
    del_max_depth: 0,
    epoch: 0,
    authorization_details: [grant('search')],
    ...changes,
  };
}

export const goodHeader = (key = root): Record<string, unknown> => ({ alg: 'Ed25519', typ: 'talos-cap+jwt', kid: keyThumbprint(key.publicKey) });

/** A token of any header and payload, properly signed. Texts are taken as they are. */
export function forge(options: { readonly header?: unknown; readonly payload?: unknown; readonly key?: Ed25519SecretKey } = {}): string {
  const { header = goodHeader(), payload = claims(), key = root } = options;
  const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
  const input = `${encodeBase64url(encodeUtf8(text(header)))}.${encodeBase64url(encodeUtf8(text(payload)))}`;
  return `${input}.${encodeBase64url(signEd25519(key, encodeUtf8(input)))}`;
}
