/** Capabilities in the words of the client: names, durations and DIDs in place of keys and seconds. @module */
import { sha256 } from '#suite';
import type { AuditLog } from '../audit/audit-log.ts';
import { encodeBase64url } from '../bytes/base64url.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { admit, type Admission } from '../capability/admit.ts';
import type { AdmitContext } from '../capability/admit-checks.ts';
import { CapabilityHandle } from '../capability/capability-handle.ts';
import { capabilityVerifier, type CapabilityVerifier } from '../capability/capability-verifier.ts';
import type { Approve } from '../capability/approve-claim.ts';
import { inProcessAudience, inProcessPrefix } from '../capability/audience.ts';
import type { ToolGrant } from '../capability/capability.ts';
import type { ToolArgs } from '../capability/constraint.ts';
import { issueCapability, toolGrants, type LinkRequest } from '../capability/issue.ts';
import type { IssuerKeys } from '../capability/issuer-keys.ts';
import type { Limit } from '../capability/limits-claim.ts';
import type { RevocationEntry } from '../capability/revocation-list.ts';
import type { RevocationTracker } from '../capability/standing.ts';
import { splitChain } from '../capability/token.ts';
import type { WindowRule } from '../capability/windows.ts';
import type { Env } from '../env/env.ts';
import { createReservations } from '../capability/reservations.ts';
import { ApprovalDesk, type ApprovalDeskOptions } from '../capability/approval-desk.ts';
import { observeMode, type ObserveOptions } from '../capability/observe.ts';
import { createGuard, type Guard } from '../guard/guard.ts';
import { keyThumbprint, parseAgentId, type AgentId } from '../identity/agent-id.ts';
import type { Identity } from '../identity/identity.ts';
import { badOptions, checkOptions } from './client-options.ts';
import type { Home } from './home.ts';
import type { HomeState } from './home-state.ts';
import { catchUp } from './keep-up.ts';
import type { PeerKeys } from './peer-keys.ts';
import { parseDuration, type Duration } from './duration.ts';

export type DelegateOptions = {
  /** The agent that may use the capability: nobody else can. */
  readonly to: AgentId;
  /** How long, from now. Default 5 minutes, at most 24 hours, and never longer than the capability it is made from. */
  readonly for?: Duration;
  /** What may be called with which arguments: `{ read_file: { path: subpath('docs') }, search: anyArgs() }`. */
  readonly tools: { readonly [tool: string]: ToolArgs };
  /** How often, for how much and how many at once, by tool: `{ send_mail: { count: 5 } }`. All that is made from this capability draws on it. */
  readonly limits?: { readonly [tool: string]: Limit };
  /** Which calls a person has to agree to, by tool. */
  readonly approve?: { readonly [tool: string]: Approve };
  /** Which definition of a tool is meant, by tool: what an adapter's `toolDigests` or a `DescribedTool` says. Another description or schema is refused. */
  readonly toolDigests?: { readonly [tool: string]: string };
  /** The hours in which it holds. Default: all of them. */
  readonly when?: WindowRule;
  /** How often the holder may pass it on, narrower each time. Default 0. */
  readonly delegate?: number;
  /** `delegate`: to be passed on and not used, for a planner whose workers act. Default `execute`. */
  readonly mode?: 'execute' | 'delegate';
  /**
   * How old the news of this agent's revocations may be where it counts. Default 5 minutes; in the same home it is never old. 0: this agent is
   * asked at each call, in a session that has to be there.
   */
  readonly maxStale?: Duration | 0;
  /** The agent at which it counts. Default: the holder's own process. */
  readonly at?: AgentId;
  /** Opaque task or trace id. */
  readonly task?: string;
  /** For people; never evaluated. */
  readonly purpose?: string;
};

export type GrantOptions = DelegateOptions & {
  /** On whose behalf the holder acts. Default: the issuer. */
  readonly subject?: string;
};

export type CapabilityParts = {
  readonly identity: Identity;
  readonly log: AuditLog;
  readonly env: Env;
  readonly issuers: readonly AgentId[];
  readonly keys: IssuerKeys;
  readonly state: HomeState;
  readonly verifier: CapabilityVerifier;
  readonly home: Pick<Home, 'about'>;
};

type VerifierParts = Omit<CapabilityParts, 'verifier' | 'log' | 'home'>;

/** One for all guards of a client: what they share is read once, and forgeries draw on one budget for each who hands them over. */
export function clientVerifier(parts: VerifierParts): CapabilityVerifier {
  return capabilityVerifier(admitContext(parts));
}

function admitContext({ identity, env, issuers, keys, state }: VerifierParts): AdmitContext {
  return {
    trust: { issuers },
    audience: inProcessAudience(identity.did),
    holder: identity.signer.publicKey,
    env: state.clock.guarded(env),
    keys,
    revocations: state.revocations,
    home: homeOf(state),
  };
}

/** Agents of one home draw on one store of limits, whichever of its processes they run in. */
function homeOf({ revocations }: HomeState): (audience: string) => boolean {
  return (audience) => audience.startsWith(inProcessPrefix) && revocations.isOfHome(audience.slice(inProcessPrefix.length));
}

const delegateOptions = ['to', 'for', 'tools', 'limits', 'approve', 'toolDigests', 'when', 'delegate', 'mode', 'maxStale', 'at', 'task', 'purpose'];
const grantOptions = [...delegateOptions, 'subject'];

/** Issues, and records that it did: `capability.issued` with the token's hash, durable before the token is handed out. */
export async function issueGrant({ identity, log, env, state }: CapabilityParts, options: GrantOptions): Promise<string> {
  checkOptions('grant', options, grantOptions);
  // Issued in an older epoch it would be dead at once.
  const epoch = state.revocations.epoch(identity.did);
  const asked = requestOf(options, state.keys);
  const { at = inProcessAudience(options.to) } = options;
  const request = { ...asked, audience: at, epoch, ...(options.subject === undefined ? {} : { subject: options.subject }) };
  const token = await issueCapability(request, { signer: identity.signer, issuer: identity.did, env });
  const cap = capabilityHash(token);
  await log.append({ type: 'capability.issued', agent: identity.did, holder: options.to, cap });
  state.issued.add(cap);
  return token;
}

/** Passes a capability of this agent on, and records that it did: `capability.issued` with the hashes of the new link and of the one above it. */
export async function delegateGrant({ identity, log, env, state }: CapabilityParts, token: string, options: DelegateOptions): Promise<string> {
  checkOptions('delegate', options, delegateOptions);
  const { attenuateCapability } = await import('../capability/attenuate.ts');
  // The holder may have joined the home in another process.
  await state.hear?.();
  await state.revocations.refresh();
  const chain = await attenuateCapability(token, requestOf(options, state.keys), { signer: identity.signer, env, home: homeOf(state), keys: state.keys });
  await log.append({ type: 'capability.issued', agent: identity.did, holder: options.to, cap: capabilityHash(chain), parent: capabilityHash(token) });
  return chain;
}

/** What is taken back beside one capability: all that this agent issued, or passed on, to a holder, for a task, or on behalf of somebody. */
export type RevokeTarget = { readonly holder: AgentId } | { readonly task: string } | { readonly subject: string };

/** Takes a capability back with all that was made from it, and records that it did: what it ends has ended when this resolves. */
export async function revokeGrant({ identity, log, state }: CapabilityParts, target: string | RevokeTarget): Promise<void> {
  const context = { issuer: identity.did, signer: identity.signer };
  const entry = { type: 'capability.revoked', agent: identity.did } as const;
  if (typeof target === 'object' && target !== null) {
    await state.revocations.revoke(revocationsOf(target, state.keys), context);
    // A task or a subject may name a person: the signed list has it, the log need not.
    await log.append('holder' in target ? { ...entry, by: 'holder', holder: target.holder } : { ...entry, by: 'task' in target ? 'task' : 'subject' });
    return;
  }
  const { revokeToken } = await import('../capability/revoke-token.ts');
  await revokeToken(state.revocations, target, context);
  await log.append({ ...entry, cap: capabilityHash(target) });
}

/** Ends all that this agent issued so far, and records that it did. */
export async function revokeAllGrants({ identity, log, state }: CapabilityParts): Promise<void> {
  await state.revocations.raiseEpoch({ issuer: identity.did, signer: identity.signer });
  await log.append({ type: 'capability.revoked', agent: identity.did, by: 'epoch' });
}

function revocationsOf(target: RevokeTarget, keys: PeerKeys): readonly RevocationEntry[] {
  checkOptions('revoke', target, ['holder', 'task', 'subject']);
  if (Object.keys(target).length !== 1) throw badOptions('revoke takes a token, or one of holder, task and subject');
  if (!('holder' in target)) return ['task' in target ? { task: target.task } : { sub: target.subject }];
  // By the key of its DID, and by the one that speaks for it now: chains name a holder by its key.
  const thumbprints = new Set([parseAgentId(target.holder), keys.current(target.holder)].map(keyThumbprint));
  return [...thumbprints].map((key) => ({ key }));
}

export type GuardOptions = {
  readonly capability: string;
  /** Who handed the capability over: only so many forgeries of one are checked. Those without a name share a budget for each issuer that they name; what this home issued draws on none. */
  readonly peer?: string;
  /** Runs what the capability does not allow, and records it, until a day that is named: to learn what an agent needs. */
  readonly observe?: ObserveOptions;
  /** Whom the calls are about, as `openHomePrivacy` erases them: arguments and results are sealed under that person's key. Needs `nodeHome()`. */
  readonly about?: string;
};

/** No peer has this name. */
const ownName = ' own';

/** `ask`: puts a question to the issuer of a chain whose news are too old. Undefined if it cannot be asked or does not answer. */
type GuardParts = CapabilityParts & { readonly ask: (issuer: AgentId) => Promise<RevocationTracker | undefined> };

/** A guard for one capability. It is admitted at the first call and kept; a refused one is asked again, since time may cure it. */
export function guardWith(parts: GuardParts, { capability, observe, peer, about }: GuardOptions): Guard {
  const { identity, env, state } = parts;
  const log = about === undefined ? parts.log : logAbout(parts, about);
  let handle: CapabilityHandle | undefined;
  const admitAnew = async (): Promise<Admission> => {
    // Nobody can forge what was issued here: all of its text was hashed.
    const from = peer ?? (state.issued.has(capability) ? ownName : undefined);
    const admission = await parts.verifier.admit(capability, from === undefined ? {} : { peer: from });
    ({ handle } = admission);
    return admission;
  };
  return createGuard({
    agent: identity.did,
    capabilityHash: capabilityHash(capability),
    log,
    reservations: createReservations({ limits: state.limits, approvals: approvalDesk(parts) }),
    ...(observe === undefined ? {} : { observe: observeMode(observe) }),
    admit: async () => {
      const catching = catchUp(state, env);
      const denied = catching && (await catching);
      if (denied !== undefined) return { denied };
      const admission = handle === undefined ? await admitAnew() : { handle };
      return isStale(admission, env) ? askAnew(parts, { capability, admission }) : admission;
    },
  });
}

/** A right whose grantor wants to be asked at each call, or of whom nothing was heard for too long. What the answer admits is for this call alone. */
async function askAnew(parts: GuardParts, { capability, admission }: { readonly capability: string; readonly admission: Admission }): Promise<Admission> {
  const { parseLink } = await import('../capability/parsed-link.ts');
  const issuer = parseLink(splitChain(capability)[0]).claims.iss as AgentId;
  const revocations = await parts.ask(issuer);
  return revocations === undefined ? admission : admit(capability, { ...admitContext(parts), revocations });
}

function isStale({ denied, handle }: Admission, env: Env): boolean {
  if (denied !== undefined) return denied.code === 'REVOCATION_STALE';
  const { standing, until } = CapabilityHandle.open(handle)?.time ?? {};
  const now = env.now();
  return standing !== undefined && standing.ended === undefined && now < (until as number) && !standing.holds(now);
}

function logAbout({ home, log, env }: CapabilityParts, name: string): Pick<AuditLog, 'append'> {
  if (home.about === undefined) throw badOptions('a guard about a person needs a home that can erase: pass stores: nodeHome()');
  return home.about({ log, env }, name);
}

/** Where calls wait for a person. @param place - Default: in this agent's own process. */
export function approvalDesk({ identity, env, keys, state }: CapabilityParts, place?: Pick<ApprovalDeskOptions, 'audience' | 'describe'>): ApprovalDesk {
  const { did: agent, signer } = identity;
  return new ApprovalDesk({ store: state.approvals, agent, signer, env, keys, audience: inProcessAudience(agent), ...place });
}

function requestOf(options: DelegateOptions, keys: PeerKeys): LinkRequest {
  return {
    holder: keys.current(options.to),
    grants: grantsOf(options),
    ...(options.for === undefined ? {} : { lifetimeSeconds: parseDuration(options.for) }),
    ...(options.delegate === undefined ? {} : { delegate: options.delegate }),
    ...(options.maxStale === undefined ? {} : { maxStaleSeconds: options.maxStale === 0 ? 0 : parseDuration(options.maxStale) }),
    ...(options.at === undefined ? {} : { audience: options.at }),
    ...(options.task === undefined ? {} : { task: options.task }),
    ...(options.purpose === undefined ? {} : { purpose: options.purpose }),
  };
}

function grantsOf({ tools, limits = {}, approve = {}, toolDigests = {}, when, mode }: DelegateOptions): readonly ToolGrant[] {
  if (typeof tools !== 'object' || tools === null) throw badOptions('grant needs tools: { name: { argument: constraint } }');
  for (const [option, byTool] of Object.entries({ limits, approve, toolDigests })) {
    const stray = Object.keys(byTool).find((tool) => !Object.hasOwn(tools, tool));
    // A limit on a tool by another name would limit nothing.
    if (stray !== undefined) throw badOptions(`${option} names ${JSON.stringify(stray.slice(0, 64))}, which tools does not`);
  }
  return toolGrants(tools).map((grant) => {
    const tool = grant.tools[0] as string;
    return {
      ...grant,
      ...(Object.hasOwn(limits, tool) ? { limit: limits[tool] as Limit } : {}),
      ...(Object.hasOwn(approve, tool) ? { approve: approve[tool] as Approve } : {}),
      ...(Object.hasOwn(toolDigests, tool) ? { tool_digest: toolDigests[tool] as string } : {}),
      ...(when === undefined ? {} : { when }),
      ...(mode === undefined ? {} : { mode }),
    };
  });
}

/** SHA-256 of the last link, base64url: how the log names a capability. Something that is no text is named by nothing. */
export function capabilityHash(token: unknown): string {
  if (typeof token !== 'string' || !token.isWellFormed()) return '';
  return encodeBase64url(sha256(encodeUtf8(token.slice(token.lastIndexOf('~') + 1))));
}
