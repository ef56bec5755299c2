/** A relay that listens. It carries frames between agents that prove their DIDs, and opens none (docs/spec/06). @module */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { systemEnv, type Env } from '@talosprotocol/core';
import { UsageError } from '@talosprotocol/core/errors';
import { maxRelayMessageBytes, relayOrigin, relaySubprotocol } from '@talosprotocol/core/web';
import { listen } from './listen.ts';
import { Connection } from './connection.ts';
import { Hub } from './hub.ts';
import { RelayDatabase } from './relay-database.ts';
import { defaultLimits, type RelayLimits } from './relay-limits.ts';

export type RelayOptions = {
  /** The SQLite file: made if there is none, readable by its owner only. One relay has it at a time. */
  readonly path: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** Default `127.0.0.1`. TLS is a reverse proxy's. */
  readonly host?: string;
  /** The address that clients connect to, `wss://relay.example`. What they sign is for this one only. Default: where it listens. */
  readonly origin?: string;
  readonly limits?: Partial<RelayLimits>;
  readonly env?: Env;
};

export interface Relay {
  /** For `webSocketTransport({ relays })`, from this machine. */
  readonly url: string;
  readonly origin: string;
  readonly port: number;
  /** Tells the clients, waits for what was accepted, and lets go of port and database. Idempotent. */
  close(): Promise<void>;
}

/** A socket that does not close by itself within this is cut, also one on which a stranger never ends its request. */
const closeGraceMs = 1000;

/**
 * @throws {@link StoreError} if the database cannot be opened; {@link UsageError} `TALOS_USAGE_OPTIONS` without an origin where other
 * machines can connect; the system's error if the port is taken.
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { path, port = 0, host = '127.0.0.1', env = systemEnv } = options;
  if (options.origin === undefined && !['127.0.0.1', '::1', 'localhost'].includes(host))
    throw new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: 'pass origin, the wss:// address that clients connect to' });
  const named = options.origin === undefined ? undefined : relayOrigin(options.origin);
  const limits = { ...defaultLimits, ...options.limits };
  const database = new RelayDatabase(path, limits.databaseBytes);
  const server = createServer((_, response) => response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end());
  try {
    await listen(server, port, host);
  } catch (error) {
    database.close();
    throw error;
  }
  const url = addressOf(server);
  const origin = named ?? url;
  return openDoors({ server, url, origin, hub: new Hub({ database, env, limits, origin }) });
}

function openDoors({ server, url, origin, hub }: { readonly server: Server; readonly url: string; readonly origin: string; readonly hub: Hub }): Relay {
  const connections = new Map<WebSocket, Connection>();
  const sockets = new WebSocketServer({
    server,
    maxPayload: maxRelayMessageBytes,
    // Compression would cost memory for each connection, and ciphertext does not compress.
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(relaySubprotocol) ? relaySubprotocol : false),
  });
  sockets.on('connection', (socket) => {
    if (socket.protocol !== relaySubprotocol || connections.size >= hub.limits.connections) return socket.terminate();
    connections.set(socket, new Connection(hub, socket));
    socket.on('close', () => connections.delete(socket));
  });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const released = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const connection of connections.values()) connection.dismiss();
    const cancel = hub.env.after(closeGraceMs, () => {
      connections.forEach((connection) => connection.terminate());
      server.closeAllConnections();
    });
    await new Promise<void>((resolve) => sockets.close(() => resolve()));
    await released;
    cancel();
    hub.close();
    hub.database.close();
  };
  return { url, origin, port: (server.address() as AddressInfo).port, close: () => (closing ??= close()) };
}

function addressOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `ws://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
