/** A witness that listens (c2sp.org/tlog-witness, docs/spec/03 §15). @module */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemEnv, type Env } from '@talosprotocol/core';
import { formatCosignerKey, makeCosignerKey, maxWitnessRequestBytes, parseVerifierKey } from '@talosprotocol/core/audit';
import { UsageError } from '@talosprotocol/core/errors';
import type { Signer } from '@talosprotocol/core/identity';
import { listen } from './listen.ts';
import { WitnessDatabase } from './witness-database.ts';
import { WitnessDesk, type DeskAnswer } from './witness-desk.ts';
import { defaultWitnessLimits, requestMs, type WitnessLimits } from './witness-limits.ts';

export type WitnessOptions = {
  /** The SQLite file: made if there is none, readable by its owner only. Never restored from a copy: a witness that forgets is none. */
  readonly path: string;
  /** Under which it cosigns: a URL without scheme, `witness.example`. */
  readonly name: string;
  /** A key of this witness alone. */
  readonly signer: Signer;
  /** Verifier keys of the logs that it follows, `name+hash+keydata`. It answers for no others. */
  readonly logs: readonly string[];
  /** Default 0: a free one. */
  readonly port?: number;
  /** Default `127.0.0.1`. TLS is a reverse proxy's. */
  readonly host?: string;
  readonly limits?: Partial<WitnessLimits>;
  readonly env?: Env;
};

export interface WitnessServer {
  /** For `httpWitness({ url, key })`, from this machine. */
  readonly url: string;
  readonly port: number;
  /** What others trust: `name+hash+keydata` of type 0x04. */
  readonly key: string;
  /** Files that prove that a log showed this witness two histories (`verifyEquivocation`). */
  equivocations(origin: string): readonly string[];
  /** Waits for what was accepted. Idempotent. */
  close(): Promise<void>;
}

/** @throws {@link StoreError} if the database cannot be opened; {@link AuditError} on a key that is none; the system's error if the port is taken. */
export async function startWitness(options: WitnessOptions): Promise<WitnessServer> {
  const { path, name, signer, port = 0, host = '127.0.0.1', env = systemEnv } = options;
  const limits = { ...defaultWitnessLimits, ...options.limits };
  const key = formatCosignerKey(makeCosignerKey(name, signer.publicKey));
  const logs = options.logs.map((vkey) => parseVerifierKey(vkey));
  if (logs.length > limits.logs) throw new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: `this witness follows at most ${limits.logs} logs` });
  const database = new WitnessDatabase(path);
  const desk = new WitnessDesk({ name, signer, logs, database, env, requestsPerMinute: limits.requestsPerMinute });
  const server = createServer({ requestTimeout: requestMs, headersTimeout: requestMs }, (request, response) => void answer(desk, request, response));
  server.maxConnections = limits.connections;
  try {
    await listen(server, port, host);
  } catch (error) {
    database.close();
    throw error;
  }
  const { address, family, port: bound } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    // A server that closes looks no more at how long a request takes.
    const cancel = env.after(requestMs, () => server.closeAllConnections());
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
    cancel();
    database.close();
  };
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`,
    port: bound,
    key,
    equivocations: (origin) => database.loadEquivocations(origin),
    close: () => (closing ??= close()),
  };
}

/** Never rejects: a fault of ours is the caller's 500, and says nothing of why. */
async function answer(desk: WitnessDesk, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    send(response, await route(desk, request));
  } catch {
    send(response, { status: 500, body: 'the witness failed; nothing was cosigned\n' });
  }
}

async function route(desk: WitnessDesk, request: IncomingMessage): Promise<DeskAnswer> {
  const { method, url = '' } = request;
  if (url === '/add-checkpoint') {
    if (method !== 'POST') return { status: 405, body: 'POST only\n' };
    const body = await readBody(request);
    return body === undefined ? { status: 413, body: 'the request is too large\n' } : desk.addCheckpoint(body);
  }
  const hash = /^\/([0-9a-f]{64})\/checkpoint$/.exec(url)?.[1];
  const note = hash !== undefined && (method === 'GET' || method === 'HEAD') ? desk.latest(hash) : undefined;
  return note === undefined ? { status: 404, body: 'not found\n' } : { status: 200, body: note };
}

async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxWitnessRequestBytes) return undefined;
    chunks.push(chunk);
  }
  return Uint8Array.from(Buffer.concat(chunks));
}

function send(response: ServerResponse, { status, body, isSize }: DeskAnswer): void {
  if (response.destroyed || response.headersSent) return;
  const type = isSize ? 'text/x.tlog.size' : 'text/plain; charset=utf-8';
  // A body that was not read to its end would be taken for the next request.
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...(status === 413 ? { connection: 'close' } : {}) }).end(body);
}
