/** One connection to a relay, from the challenge to its end; what comes after the end is relay-connection's (docs/spec/06 §4). @module */
import { TransportError } from '../errors/transport-error.ts';
import type { TransportOwner } from '../message/transport.ts';
import { protocolFault, refusedBy, unreachable } from './relay-failure.ts';
import { relaySubprotocol, silenceMs, type RelayChallenge, type RelayReply, type RelayRequest } from './relay-message.ts';
import { signRelayProof } from './relay-proof.ts';
import { decodeRelayReply } from './relay-reply.ts';
import { encodeRelayRequest } from './relay-request.ts';

export type RelaySocketParts = {
  readonly url: string;
  /** What we sign; not what the relay says of itself. */
  readonly origin: string;
  readonly owner: TransportOwner;
  /** Called with each message after the proof was accepted, `welcome` first. What it throws ends the connection. */
  readonly onMessage: (message: RelayReply) => void;
  /** Once, whatever ended it. */
  readonly onClosed: (reason: TransportError) => void;
};

/** TCP, TLS, upgrade and proof together. */
const handshakeTimeoutMs = 15_000;
const watchMs = 5000;

/** Lives once. */
export class RelaySocket {
  readonly #parts: RelaySocketParts;
  readonly #socket: WebSocket;
  #isReady = false;
  #isChallenged = false;
  #isOver = false;
  #heardAt: number;
  #deadlineMs = handshakeTimeoutMs;
  #cancelWatch: () => void = () => undefined;

  constructor(parts: RelaySocketParts) {
    this.#parts = parts;
    this.#heardAt = parts.owner.env.monotonic();
    this.#socket = new WebSocket(parts.url, relaySubprotocol);
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => this.#take(data));
    // What failed is not told to a web page, nor here: an error is followed by a close.
    this.#socket.addEventListener('close', ({ code }) => this.#end(unreachable(`the connection was closed (${code})`)));
    this.#socket.addEventListener('error', () => this.#end(unreachable('no connection')));
    this.#watch();
  }

  send(message: RelayRequest): void {
    this.sendEncoded(encodeRelayRequest(message));
  }

  sendEncoded(message: Uint8Array<ArrayBuffer>): void {
    if (!this.#isOver) this.#socket.send(message);
  }

  /** Idempotent. `onClosed` is called with `reason`. */
  close(reason: TransportError): void {
    this.#end(reason);
  }

  #take(data: unknown): void {
    if (this.#isOver) return;
    this.#heardAt = this.#parts.owner.env.monotonic();
    try {
      if (!(data instanceof ArrayBuffer)) throw protocolFault('a message is not binary');
      this.#handle(decodeRelayReply(new Uint8Array(data)));
    } catch (error) {
      this.#end(TransportError.isInstance(error) ? error : protocolFault('a message is malformed', error));
    }
  }

  #handle(message: RelayReply): void {
    if (message.type === 'refused' && message.request === 0) throw refusedBy(message.reason);
    if (message.type === 'ping') return this.send({ type: 'pong' });
    if (this.#isReady) return this.#parts.onMessage(message);
    if (message.type === 'challenge' && !this.#isChallenged) {
      this.#isChallenged = true;
      void this.#prove(message);
    } else if (message.type === 'welcome' && this.#isChallenged) {
      this.#isReady = true;
      this.#deadlineMs = silenceMs;
      this.#parts.onMessage(message);
    } else throw protocolFault('a message came before the proof');
  }

  /** Signed is where we connected to. A relay that passes on another one's challenge gets a proof that the other refuses. */
  async #prove(challenge: RelayChallenge): Promise<void> {
    const { origin, owner } = this.#parts;
    try {
      if (challenge.origin !== origin)
        throw new TransportError({
          code: 'TALOS_TRANSPORT_REFUSED',
          message: `the relay at ${origin} calls itself otherwise: start it with --origin ${origin}`,
        });
      const proof = await signRelayProof({ ...challenge, origin }, owner.identity);
      this.send({ type: 'authenticate', ...proof });
    } catch (error) {
      this.#end(TransportError.isInstance(error) ? error : unreachable('the identity key did not sign', error));
    }
  }

  /** A connection whose other end vanished without a word looks like one where nothing happens. */
  #watch(): void {
    const { env } = this.#parts.owner;
    this.#cancelWatch = env.after(watchMs, () => {
      if (env.monotonic() - this.#heardAt >= this.#deadlineMs) this.#end(unreachable('it is silent'));
      else this.#watch();
    });
  }

  #end(reason: TransportError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelWatch();
    this.#socket.close();
    this.#parts.onClosed(reason);
  }
}
