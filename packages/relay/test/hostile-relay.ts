/** A relay that speaks the protocol and lies: it drops, repeats, reorders, delays, swaps and refuses as a test says. */
import { WebSocketServer, type WebSocket } from 'ws';
import type { AddressInfo } from 'node:net';
import type { AgentId } from '@talosprotocol/core/identity';
import { decodeRelayRequest, encodeRelayReply, relaySubprotocol, type RelayReply, type RelayRequest } from '@talosprotocol/core/web';
import { onClose } from './support.ts';

export type Carried = { readonly to: AgentId; readonly frame: Uint8Array };

/** What becomes of a frame that was accepted: what is delivered instead of it. */
export type Malice = (carried: Carried) => readonly Carried[] | 'refuse';

export type HostileRelay = {
  readonly url: string;
  malice: Malice;
  /** Said in place of the challenge. */
  greeting?: Uint8Array | string;
  /** Deliveries name a subscription that was over before. */
  isStale?: boolean;
  /** Added to what it says that it took of a batch. */
  boast?: number;
  readonly carried: Carried[];
  deliver(carried: Carried): void;
};

export async function hostileRelay(): Promise<HostileRelay> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => relaySubprotocol });
  await new Promise((resolve) => server.once('listening', resolve));
  const receivers = new Map<AgentId, (frame: Uint8Array) => void>();
  const waiting = new Map<AgentId, Uint8Array[]>();
  const relay: HostileRelay = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    malice: (carried) => [carried],
    carried: [],
    deliver: ({ to, frame }) => {
      const receiver = receivers.get(to);
      if (receiver !== undefined) return receiver(frame);
      waiting.set(to, [...(waiting.get(to) ?? []), frame]);
    },
  };
  server.on('connection', (socket) => serve(socket, relay, { receivers, waiting }));
  onClose(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return relay;
}

type Boxes = { readonly receivers: Map<AgentId, (frame: Uint8Array) => void>; readonly waiting: Map<AgentId, Uint8Array[]> };

function serve(socket: WebSocket, relay: HostileRelay, { receivers, waiting }: Boxes): void {
  const say = (message: RelayReply): void => socket.send(encodeRelayReply(message));
  let own: AgentId | undefined;
  let delivery = 0;
  if (relay.greeting !== undefined) return socket.send(relay.greeting);
  say({ type: 'challenge', origin: relay.url, nonce: new Uint8Array(32), issuedAt: Date.now() });
  socket.on('message', (data: Buffer) => {
    const message = decodeRelayRequest(data);
    if (message.type === 'authenticate') {
      own = message.did;
      say({ type: 'welcome', left: 100 });
    } else if (message.type === 'receive') {
      receivers.set(own!, (frame) =>
        say({ type: 'deliver', subscription: message.subscription - (relay.isStale === true ? 1 : 0), delivery: ++delivery, frame }),
      );
      for (const frame of waiting.get(own!)?.splice(0) ?? []) relay.deliver({ to: own!, frame });
    } else if (message.type === 'send' || message.type === 'sendBatch') {
      carry(message, relay, say);
    }
  });
}

/** What is said of a message comes before what becomes of it: the order of an honest relay. */
function carry(message: Extract<RelayRequest, { readonly type: 'send' | 'sendBatch' }>, relay: HostileRelay, say: (reply: RelayReply) => void): void {
  const { request, to } = message;
  const frames = message.type === 'send' ? [message.frame] : message.frames;
  const carried = frames.map((frame) => ({ to, frame: Uint8Array.from(frame) }));
  const instead = carried.map((each) => relay.malice(each));
  const count = instead.includes('refuse') ? instead.indexOf('refuse') : instead.length;
  if (count === 0) return say({ type: 'refused', request, reason: 'full' });
  relay.carried.push(...carried.slice(0, count));
  say(message.type === 'send' ? { type: 'done', request } : { type: 'taken', request, count: count + (relay.boast ?? 0) });
  for (const each of instead.slice(0, count).flat()) if (each !== 'refuse') relay.deliver(each);
}
