/** A tap on the wire: every frame as whoever carries it gets to see it. @module */
import type { TransportFactory } from '@talosprotocol/core/message';
import { webSocketTransport } from '@talosprotocol/core/web';

export function tappedTransport(relay: string): { readonly transport: TransportFactory; readonly frames: Uint8Array[] } {
  const frames: Uint8Array[] = [];
  const transport: TransportFactory = (owner) => {
    const inner = webSocketTransport({ relays: relay })(owner);
    return {
      ...(inner.directory === undefined ? {} : { directory: inner.directory }),
      send: (to, frame) => {
        frames.push(frame);
        return inner.send(to, frame);
      },
      receive: (own, handler) =>
        inner.receive(own, (frame) => {
          frames.push(frame);
          return handler(frame);
        }),
      close: async () => inner.close?.(),
    };
  };
  return { transport, frames };
}
