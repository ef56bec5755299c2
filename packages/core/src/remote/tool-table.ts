/** What this agent serves, to whom it trusts to grant it, and what of it a peer may see (docs/spec/07 §9). @module */
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { equalBytes } from '../bytes/equal.ts';
import { CapabilityHandle } from '../capability/capability-handle.ts';
import { capabilityVerifier, type CapabilityVerifier } from '../capability/capability-verifier.ts';
import { grantsFor } from '../capability/compile.ts';
import type { IssuerKeys } from '../capability/issuer-keys.ts';
import { policyCache, type PolicyCache } from '../capability/policy-cache.ts';
import type { RevocationTracker } from '../capability/standing.ts';
import type { VerificationBudget } from '../capability/verification-budget.ts';
import type { Env } from '../env/env.ts';
import { RemoteError } from '../errors/remote-error.ts';
import { requireObject } from '../errors/require.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import { maxServedBytes, maxTools } from './bounds.ts';
import { byteLength } from './remote-value.ts';
import { checkDefinition, type DescribedTool, type ServedTool } from './tool.ts';

export type ServeOptions = {
  readonly tools: readonly ServedTool[];
  /** Whose capabilities count for these tools, by exact DID. Default: those that the client trusts. */
  readonly trust?: { readonly issuers: readonly AgentId[] };
  /** `granted`: a peer sees the tools that a capability of its own covers. `everyone`: whoever has a session sees all. Default `granted`. */
  readonly describe?: 'granted' | 'everyone';
};

export type TableParts = {
  readonly agent: AgentId;
  readonly issuers: readonly AgentId[];
  readonly env: Env;
  readonly keys: IssuerKeys;
  readonly peerKey: (did: AgentId) => Ed25519PublicKey;
  readonly revocations: RevocationTracker;
  readonly budget: VerificationBudget;
};

/** Admits capabilities that a peer presents: they have to be that peer's own. */
export type PeerVerifier = Pick<CapabilityVerifier, 'admit'>;

type Registration = {
  readonly issuers: readonly AgentId[];
  readonly isOpen: boolean;
  readonly verifiers: Map<AgentId, { readonly holder: Ed25519PublicKey; readonly verifier: PeerVerifier }>;
  readonly policies: PolicyCache;
};
export type TableEntry = { readonly tool: ServedTool; readonly described: DescribedTool; readonly verifierFor: (peer: AgentId) => PeerVerifier };
type Row = TableEntry & { readonly registration: Registration; readonly shown: JsonObject; readonly bytes: number };

/** Peers whose admitted tokens are remembered for a set of tools. Above it the oldest is verified anew. */
const maxPeers = 1024;
/** Tokens of one peer that are remembered. */
const tokensPerPeer = { maxTokens: 64, maxRefused: 64 } as const;

export class ToolTable {
  readonly #parts: TableParts;
  readonly #rows = new Map<string, Row>();

  constructor(parts: TableParts) {
    this.#parts = parts;
  }

  /** All of them or none. @returns Takes them away again.   @throws {@link RemoteError} `TALOS_REMOTE_BAD_TOOL`. */
  add(options: ServeOptions): () => void {
    requireObject('options', options);
    const { tools, trust, describe = 'granted' } = options;
    const registration: Registration = {
      issuers: trust?.issuers ?? this.#parts.issuers,
      isOpen: describe === 'everyone',
      verifiers: new Map(),
      policies: policyCache(),
    };
    const rows = tools.map((tool) => this.#row(tool, registration));
    const names = new Set(rows.map(({ described: { name } }) => name));
    if (names.size < rows.length || [...names].some((name) => this.#rows.has(name))) throw badTool('a tool of this name is served already');
    if (this.#rows.size + rows.length > maxTools) throw badTool(`an agent serves at most ${maxTools} tools`);
    const bytes = [...this.#rows.values(), ...rows].reduce((sum, row) => sum + row.bytes, 0);
    if (bytes > maxServedBytes) throw badTool(`what an agent serves is described in at most ${maxServedBytes} bytes`);
    for (const row of rows) this.#rows.set(row.described.name, row);
    return () => {
      for (const row of rows) if (this.#rows.get(row.described.name) === row) this.#rows.delete(row.described.name);
    };
  }

  find(name: string): TableEntry | undefined {
    return this.#rows.get(name);
  }

  /** What this peer may call with this capability, or may see without one. */
  async describe(peer: AgentId, capability: string | undefined): Promise<readonly JsonValue[]> {
    const seen: JsonValue[] = [];
    for (const { described, shown, registration, verifierFor } of this.#rows.values()) {
      if (registration.isOpen || (capability !== undefined && (await covers(verifierFor(peer), { capability, peer, tool: described.name })))) seen.push(shown);
    }
    return seen;
  }

  #row(tool: ServedTool, registration: Registration): Row {
    requireObject('tool', tool);
    if (typeof tool.execute !== 'function') throw badTool('it has no execute');
    // Frozen here: what is described, what is pinned and what runs are of one moment.
    const described = checkDefinition(tool);
    const served = { ...described, execute: tool.execute.bind(tool) };
    const { name, description, inputSchema, toolDigest } = described;
    const shown = { name, description, inputSchema, tool_digest: toolDigest };
    return { tool: served, described, shown, bytes: byteLength(shown), registration, verifierFor: (peer) => this.#verifierOf(registration, peer) };
  }

  #verifierOf({ issuers, verifiers, policies }: Registration, peer: AgentId): PeerVerifier {
    const { agent, env, keys, peerKey, revocations, budget } = this.#parts;
    const holder = peerKey(peer);
    const present = verifiers.get(peer);
    // A peer that has rotated its key presents what is bound to the new one.
    if (present !== undefined && equalBytes(present.holder.bytes, holder.bytes)) return present.verifier;
    const context = { trust: { issuers }, audience: agent, holder, env, keys, revocations, policies, budget };
    const verifier = capabilityVerifier(context, tokensPerPeer);
    verifiers.set(peer, { holder, verifier });
    if (verifiers.size > maxPeers) verifiers.delete(verifiers.keys().next().value as AgentId);
    return verifier;
  }
}

async function covers(
  verifier: PeerVerifier,
  { capability, peer, tool }: { readonly capability: string; readonly peer: AgentId; readonly tool: string },
): Promise<boolean> {
  const { handle } = await verifier.admit(capability, { peer });
  const admitted = CapabilityHandle.open(handle);
  return admitted !== undefined && grantsFor(admitted.leaf.policy, tool).length > 0;
}

function badTool(reason: string): RemoteError {
  return new RemoteError({ code: 'TALOS_REMOTE_BAD_TOOL', message: `this cannot be served: ${reason}` });
}
