import { systemEnv, type Env } from '../env/env.ts';
import { requireObject } from '../errors/require.ts';
import { UsageError } from '../errors/usage-error.ts';
import { isAgentId, type AgentId } from '../identity/agent-id.ts';
import type { CheckpointGossipOptions } from './checkpoint-gossip.ts';
import type { Transport, TransportFactory } from '../message/transport.ts';
import { memoryHome, type Home } from './home.ts';

export type ClientOptions = {
  /** Where keys and log are kept: `nodeHome()`, or the same home for several clients. Default: memory, gone with the process. */
  readonly stores?: Home;
  /**
   * `issuers`: whose capabilities this agent's guards accept, by exact DID. Default: only its own.
   * `firstContact`: `refuse` opens sessions with agents only that were pinned by `pin(card)`. Default `allow`: a peer is pinned when it is first met.
   */
  readonly trust?: { readonly issuers?: readonly AgentId[]; readonly firstContact?: 'allow' | 'refuse' };
  /** What carries frames: a transport, or what makes one for this agent, such as `webSocketTransport`. Default: one in-process network that all clients of the process share. */
  readonly transport?: Transport | TransportFactory;
  /** Tells peers the latest checkpoint of this log, behind a message a minute at most, and remembers theirs. Default: nothing is told. */
  readonly gossip?: CheckpointGossipOptions;
  /** Clock and randomness; for tests. */
  readonly env?: Env;
};

export type ResolvedOptions = {
  readonly home: Home;
  readonly env: Env;
  readonly issuers: readonly AgentId[] | undefined;
  readonly firstContact: 'allow' | 'refuse';
};

const known: ReadonlySet<string> = /* @__PURE__ */ new Set(['stores', 'trust', 'transport', 'gossip', 'env']);

/** @throws {@link UsageError} `TALOS_USAGE_OPTIONS` on an option that does not exist: a misspelt `trust` must not mean "default". */
export function resolveOptions(options: ClientOptions): ResolvedOptions {
  requireObject('options', options);
  const unknown = Object.keys(options).find((name) => !known.has(name));
  if (unknown !== undefined) throw badOptions(`there is no option ${JSON.stringify(unknown.slice(0, 64))}: use ${[...known].join(', ')}`);
  const { stores = memoryHome(), env = systemEnv, trust } = options;
  if (!isHome(stores)) throw badOptions('stores must be a home: nodeHome() or memoryHome()');
  if (typeof env?.randomBytes !== 'function') throw badOptions('env must be an Env');
  if (trust !== undefined) checkTrust(trust);
  requireGossip(options.gossip);
  return { home: stores, env, issuers: trust?.issuers, firstContact: trust?.firstContact ?? 'allow' };
}

function checkTrust(trust: NonNullable<ClientOptions['trust']>): void {
  requireObject('trust', trust);
  const { issuers, firstContact, ...foreign } = trust;
  const [stray] = Object.keys(foreign);
  if (stray !== undefined) throw badOptions(`trust has no member ${JSON.stringify(stray.slice(0, 64))}: use issuers, firstContact`);
  if (issuers === undefined && firstContact === undefined) throw badOptions('trust.issuers must be a list of did:key:z6Mk… ids');
  if (issuers !== undefined && !isIssuers(issuers)) throw badOptions('trust.issuers must be a list of did:key:z6Mk… ids');
  if (firstContact !== undefined && firstContact !== 'allow' && firstContact !== 'refuse') throw badOptions("trust.firstContact must be 'allow' or 'refuse'");
}

function requireGossip(gossip: CheckpointGossipOptions | undefined | null): void {
  if (gossip !== undefined && typeof gossip?.heads?.load !== 'function') throw badOptions('gossip.heads must be a store of known heads: memoryKnownHeads()');
}

function isHome(stores: Home | null): stores is Home {
  return typeof stores?.keys?.load === 'function' && typeof stores.log === 'function';
}

function isIssuers(issuers: unknown): issuers is readonly AgentId[] {
  return Array.isArray(issuers) && issuers.every((issuer) => isAgentId(issuer));
}

/** An option that narrows and is not understood must not be dropped: the grant would be wider than asked for. */
export function checkOptions(what: string, options: object, known: readonly string[]): void {
  requireObject(`${what}'s options`, options);
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw badOptions(`${what} has no option ${JSON.stringify(unknown.slice(0, 64))}: use ${known.join(', ')}`);
}

export function badOptions(message: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_OPTIONS', message });
}
