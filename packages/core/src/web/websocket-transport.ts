/** Frames over WebSocket relays (docs/spec/06). Needs the platform's own `WebSocket`: browsers, Node from 22. @module */
import { TransportError } from '../errors/transport-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { firstBatch, maxBatchFrames, oneAtATime } from '../message/batch.ts';
import type { Subscription, Transport, TransportFactory, TransportOwner } from '../message/transport.ts';
import { maxFrameBytes } from '../session/limits.ts';
import { RelayConnection } from './relay-connection.ts';
import { relayDirectory } from './relay-directory.ts';
import { protocolFault } from './relay-failure.ts';
import { RelayInbox, type InboxReceiver } from './relay-inbox.ts';
import { isEncrypted, RelayRoutes } from './relay-routes.ts';
import { relayOrigin } from './relay-proof.ts';

export type WebSocketTransportOptions = {
  /**
   * One relay, `wss://relay.example`, or several: mail is received from all of them and sent by the first that can be reached. Agents
   * that talk to each other name the same ones.
   */
  readonly relays: string | readonly string[];
  /**
   * Allows `ws:` to another host than this one, and to relays that a peer's card names. Who sits on the wire can then take over the connection and withhold or redirect mail; it
   * still reads none.
   */
  readonly unsafeCleartext?: boolean;
};

/** More than anybody publishes; each is a connection that is kept. */
const maxRelays = 8;

/**
 * Makes an agent's transport: `TalosClient.create(name, { transport: webSocketTransport({ relays: 'wss://relay.example' }) })`.
 * Nothing is connected before the first message is sent or received.
 * @throws {@link UsageError} `TALOS_USAGE_OPTIONS`, `TALOS_USAGE_ARGUMENT` on an address that is none, or that is not encrypted.
 */
export function webSocketTransport(options: WebSocketTransportOptions): TransportFactory {
  const urls = typeof options.relays === 'string' ? [options.relays] : [...options.relays];
  if (urls.length === 0 || urls.length > maxRelays) throw badOptions(`relays needs 1 to ${maxRelays} addresses`);
  const origins = urls.map((url) => relayOrigin(url));
  const cleartext = origins.find((origin) => !isEncrypted(origin));
  if (cleartext !== undefined && options.unsafeCleartext !== true) throw badOptions(`${cleartext} is not encrypted: use wss://`);
  return (owner) => makeTransport(owner, urls, options.unsafeCleartext === true);
}

function makeTransport(owner: TransportOwner, urls: readonly string[], unsafeCleartext: boolean): Transport {
  const inbox = new RelayInbox(owner.env);
  const connections: RelayConnection[] = urls.map((url) => {
    const connection: RelayConnection = new RelayConnection({
      url,
      origin: relayOrigin(url),
      owner,
      onDeliver: (delivery) => inbox.add({ ...delivery, source: connection }),
      onInterrupted: () => inbox.forget(connection),
      onLow: (left) => directory.onShortage(connection, left),
    });
    return connection;
  });
  const directory = relayDirectory(connections);
  const stop = (): void => connections.forEach((connection) => connection.stopDeliveries());
  const receive = async (own: AgentId, options: Omit<InboxReceiver, 'onClosed'>): Promise<Subscription> => {
    if (own !== owner.identity.did) throw badOptions('this transport speaks for one agent: make one for each');
    const subscription = await inbox.receive({ ...options, onClosed: stop });
    for (const connection of connections) connection.startDeliveries();
    return subscription;
  };
  const routes = new RelayRoutes({ owner, own: connections, unsafeCleartext });
  return {
    directory,
    endpoints: urls,
    send: async (to, frame) => void (await send(await routes.to(to), to, [frame])),
    sendBatch: async (to, frames) => send(await routes.to(to), to, frames),
    receive: async (own, handler) => receive(own, { handler: oneAtATime(handler), maxFrames: 1 }),
    receiveBatches: async (own, handler) => receive(own, { handler, maxFrames: maxBatchFrames }),
    close: async () => {
      await inbox.close();
      for (const connection of connections) connection.close();
      routes.close();
    },
  };
}

/** By the first relay that can be reached. The request is on its way when this returns, so that frames keep the order of the calls. */
async function send(connections: readonly RelayConnection[], to: AgentId, frames: readonly Uint8Array[]): Promise<number> {
  if (frames.length === 0) return 0;
  // A frame that no relay takes is refused by itself: what is before it goes.
  const oversized = frames.findIndex(({ length }) => length > maxFrameBytes);
  if (oversized === 0) throw notSent(`a frame has at most ${maxFrameBytes} bytes`);
  const batch = firstBatch(oversized < 0 ? frames : frames.slice(0, oversized), ({ length }) => length);
  let failure: unknown;
  for (const connection of connections) {
    try {
      return await sendBy(connection, to, batch);
    } catch (error) {
      failure = error;
      if (!TransportError.isInstance(error) || error.code !== 'TALOS_TRANSPORT_UNREACHABLE') break;
    }
  }
  throw notSent(failure instanceof Error ? failure.message : 'no relay took it', failure);
}

async function sendBy(connection: RelayConnection, to: AgentId, frames: readonly Uint8Array[]): Promise<number> {
  const [frame] = frames;
  const answer = await connection.request(frames.length === 1 && frame !== undefined ? { type: 'send', to, frame } : { type: 'sendBatch', to, frames });
  if (frames.length === 1 && answer.type === 'done') return 1;
  if (answer.type !== 'taken' || answer.count < 1 || answer.count > frames.length)
    throw protocolFault(`a send of ${frames.length} was answered by ${answer.type}`);
  return answer.count;
}

function notSent(reason: string, cause?: unknown): TransportError {
  const retryable = TransportError.isInstance(cause) && cause.retryable;
  return new TransportError({ code: 'TALOS_TRANSPORT_SEND_FAILED', message: `the frame was not taken over: ${reason}`, cause, retryable });
}

function badOptions(message: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_OPTIONS', message });
}
