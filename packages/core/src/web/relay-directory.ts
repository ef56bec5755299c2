/** The bundle directory of the relays an agent uses (docs/spec/06 §6). @module */
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { TransportError } from '../errors/transport-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { BundleDirectory, BundleShortage } from '../message/bundle-directory.ts';
import { protocolFault, unreachable } from './relay-failure.ts';
import type { RelayAnswer, RelayConnection, RelayRequestBody } from './relay-connection.ts';

/** Each relay has bundles of its own: one that is published at two would be given to two peers. */
export type RelayDirectory = BundleDirectory & { onShortage(connection: RelayConnection, left: number): void };

export function relayDirectory(connections: readonly RelayConnection[]): RelayDirectory {
  const listeners = new Set<(shortage: BundleShortage) => void>();
  const places = new Map(connections.map((connection) => [connection, (bundles: readonly Uint8Array[]) => publish(connection, bundles)]));
  const shortages = new Map<RelayConnection, BundleShortage>();
  return {
    publishBundles: (bundles) => firstReachable(connections, (connection) => publish(connection, bundles)),
    fetchBundle: (did) => firstReachable(connections, (connection) => fetch(connection, did)),
    publishCard: async (card) => {
      for (const connection of connections) await publishCard(connection, card);
    },
    fetchCard: (did) => firstReachable(connections, (connection) => fetchCard(connection, did)),
    countPrekeys: () => firstReachable(connections, count),
    onLow: (run) => {
      listeners.add(run);
      // A relay may have said so before anybody listened.
      for (const shortage of shortages.values()) run(shortage);
      return () => void listeners.delete(run);
    },
    onShortage: (connection, left) => {
      const publishHere = places.get(connection) as BundleShortage['publish'];
      const shortage = { left, publish: publishHere, publishCard: (card: string) => publishCard(connection, card) };
      if (listeners.size === 0) shortages.set(connection, shortage);
      else shortages.delete(connection);
      for (const run of listeners) run(shortage);
    },
  };
}

async function publish(connection: RelayConnection, bundles: readonly Uint8Array[]): Promise<void> {
  await ask(connection, { type: 'publish', bundles }, 'done');
}

async function fetch(connection: RelayConnection, did: AgentId): Promise<Uint8Array> {
  return Uint8Array.from((await ask(connection, { type: 'fetch', did }, 'bundle')).bundle);
}

async function publishCard(connection: RelayConnection, card: string): Promise<void> {
  await ask(connection, { type: 'publish-card', card: encodeUtf8(card) }, 'done');
}

async function fetchCard(connection: RelayConnection, did: AgentId): Promise<string> {
  return decodeUtf8((await ask(connection, { type: 'fetch-card', did }, 'card')).card);
}

async function count(connection: RelayConnection): Promise<number> {
  return (await ask(connection, { type: 'count' }, 'counted')).left;
}

async function ask<T extends RelayAnswer['type']>(
  connection: RelayConnection,
  body: RelayRequestBody,
  expected: T,
): Promise<Extract<RelayAnswer, { readonly type: T }>> {
  const answer = await connection.request(body);
  if (answer.type !== expected) throw protocolFault(`a ${body.type} was answered by ${answer.type}`);
  return answer as Extract<RelayAnswer, { readonly type: T }>;
}

/** The next relay is asked if this one is away or has nothing; what it refuses for another reason counts. */
async function firstReachable<T>(connections: readonly RelayConnection[], run: (connection: RelayConnection) => Promise<T>): Promise<T> {
  let failure: TransportError = unreachable('there is none');
  for (const connection of connections) {
    try {
      return await run(connection);
    } catch (error) {
      if (!TransportError.isInstance(error) || !moveOn.has(error.code)) throw error;
      failure = error;
    }
  }
  throw failure;
}

const moveOn: ReadonlySet<string> = /* @__PURE__ */ new Set(['TALOS_TRANSPORT_UNREACHABLE', 'TALOS_TRANSPORT_NO_BUNDLE']);
