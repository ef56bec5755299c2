/** Relays on free ports, agents with identities, and a wire that a test can cut and listen to. */
import { mkdtempSync, rmSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemEnv, type Env } from '@talosprotocol/core';
import { generateIdentitySecrets, restoreIdentity, type AgentId, type Identity } from '@talosprotocol/core/identity';
import { memorySessionStore } from '@talosprotocol/core/session';
import { memoryTransport, openMessenger, type Messenger, type Transport } from '@talosprotocol/core/message';
import { webSocketTransport } from '@talosprotocol/core/web';
import { startRelay, type Relay, type RelayOptions } from '../src/index.ts';

const closers: (() => unknown)[] = [];

/** For `afterEach`. */
export async function closeAll(): Promise<void> {
  while (closers.length > 0) await closers.pop()?.();
}

export function onClose(run: () => unknown): void {
  closers.push(run);
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'talos-relay-'));
  onClose(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function relayHere(options: Partial<RelayOptions> = {}): Promise<Relay & { readonly path: string }> {
  const path = options.path ?? join(temporaryFolder(), 'relay.db');
  const relay = await startRelay({ ...options, path });
  onClose(() => relay.close());
  return { ...relay, path };
}

export async function newIdentity(): Promise<Identity> {
  return restoreIdentity(await generateIdentitySecrets(systemEnv));
}

export type Agent = { readonly did: AgentId; readonly identity: Identity; readonly transport: Transport; readonly errors: unknown[] };

export async function agentAt(relays: string | readonly string[], options: { readonly identity?: Identity; readonly env?: Env } = {}): Promise<Agent> {
  const identity = options.identity ?? (await newIdentity());
  const errors: unknown[] = [];
  const transport = webSocketTransport({ relays })({ identity, env: options.env ?? systemEnv, onError: (error) => errors.push(error) });
  onClose(() => transport.close?.());
  return { did: identity.did, identity, transport, errors };
}

/** A messenger that receives nothing by itself: it makes and reads bundles. */
export async function bundleMaker(identity: Identity): Promise<Messenger> {
  const messenger = await openMessenger({ identity, store: memorySessionStore(), transport: memoryTransport() });
  onClose(() => messenger.close());
  return messenger;
}

export type TappedRelay = { readonly relay: Relay; readonly path: string; readonly url: string; cut(): void; heard(): Buffer };

/** A relay behind a TCP wire that hears everything and can be cut. Clients know the relay by the wire's address, and sign that. */
export async function tappedRelay(options: Partial<RelayOptions> = {}): Promise<TappedRelay> {
  const chunks: Buffer[] = [];
  const sockets = new Set<net.Socket>();
  let target = 0;
  const server = net.createServer((inner) => {
    const outer = net.connect(target, '127.0.0.1');
    for (const [from, into] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => {
        chunks.push(chunk);
        into.write(chunk);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        into.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `ws://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
  const relay = await relayHere({ ...options, origin: url });
  target = relay.port;
  const cut = (): void => sockets.forEach((socket) => socket.resetAndDestroy());
  onClose(() => {
    cut();
    server.close();
  });
  return { relay, path: relay.path, url, cut, heard: () => Buffer.concat(chunks) };
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: unknown) => String((error as { readonly code?: unknown }).code ?? error),
  );
}

export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it did not come to pass');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
