/** By which relay a peer is reached: one of our own, or one that its signed card names (docs/spec/06 §8). @module */
import type { AgentId } from '../identity/agent-id.ts';
import type { TransportOwner } from '../message/transport.ts';
import { RelayConnection } from './relay-connection.ts';
import { relayOrigin } from './relay-proof.ts';

export type RelayRoutesParts = {
  readonly owner: TransportOwner;
  /** Where our own mail comes. Who is reached by one of these is reached by no other. */
  readonly own: readonly RelayConnection[];
  readonly unsafeCleartext: boolean;
};

/** Relays of peers that are kept connected. Somebody with many peers reconnects; nobody makes us hold sockets without end. */
const maxForeign = 32;
const maxKnown = 1000;
const freshMs = 5000;

type Address = { readonly url: string; readonly origin: string };

export class RelayRoutes {
  readonly #parts: RelayRoutesParts;
  readonly #known = new Map<AgentId, { readonly at: number; readonly addresses: readonly Address[] }>();
  readonly #foreign = new Map<string, RelayConnection>();
  #isClosed = false;

  constructor(parts: RelayRoutesParts) {
    this.#parts = parts;
  }

  /** In the order in which they are tried. */
  async to(peer: AgentId): Promise<readonly RelayConnection[]> {
    const { own, unsafeCleartext } = this.#parts;
    const addresses = await this.#addressesOf(peer);
    // Closed while it was looked up: our own refuse, and nobody would close a new one.
    if (addresses.length === 0 || this.#isClosed) return own;
    const shared = own.filter(({ origin }) => addresses.some((address) => address.origin === origin));
    if (shared.length > 0) return shared;
    const foreign = addresses.filter(({ origin }) => unsafeCleartext || isEncrypted(origin));
    return foreign.length === 0 ? own : foreign.map((address) => this.#connection(address));
  }

  /** Looked up once in a while, and not for each frame. */
  async #addressesOf(peer: AgentId): Promise<readonly Address[]> {
    const { owner } = this.#parts;
    if (owner.endpointsOf === undefined) return [];
    const now = owner.env.monotonic();
    const known = this.#known.get(peer);
    if (known !== undefined && now - known.at < freshMs) return known.addresses;
    const addresses = (await owner.endpointsOf(peer)).flatMap((endpoint) => addressOf(endpoint));
    if (this.#known.size >= maxKnown) this.#known.clear();
    this.#known.set(peer, { at: now, addresses });
    return addresses;
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of this.#foreign.values()) connection.close();
  }

  /** Mail does not come by it: we only send. */
  #connection({ url, origin }: Address): RelayConnection {
    const present = this.#foreign.get(origin);
    const connection = present ?? this.#connect({ url, origin });
    this.#foreign.delete(origin);
    this.#foreign.set(origin, connection);
    const [oldest] = this.#foreign;
    if (this.#foreign.size <= maxForeign || oldest === undefined) return connection;
    this.#foreign.delete(oldest[0]);
    oldest[1].close();
    return connection;
  }

  #connect({ url, origin }: Address): RelayConnection {
    const ignore = (): void => undefined;
    return new RelayConnection({ url, origin, owner: this.#parts.owner, onDeliver: ignore, onInterrupted: ignore, onLow: ignore });
  }
}

/** RFC 6761 §6.3 and the loopback blocks. */
export function isEncrypted(origin: string): boolean {
  return origin.startsWith('wss://') || /^ws:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(origin);
}

/** A card may name addresses that are no relays. */
function addressOf(url: string): Address[] {
  try {
    return [{ url, origin: relayOrigin(url) }];
  } catch {
    return [];
  }
}
