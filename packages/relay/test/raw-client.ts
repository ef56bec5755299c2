/** A client that says what it likes, byte for byte: the attacker. */
import { WebSocket } from 'ws';
import type { Identity } from '@talosprotocol/core/identity';
import {
  decodeRelayReply,
  encodeRelayRequest,
  relayOrigin,
  relaySubprotocol,
  signRelayProof,
  type RelayChallenge,
  type RelayReply,
  type RelayRequest,
} from '@talosprotocol/core/web';
import { onClose } from './support.ts';

export class RawClient {
  readonly socket: WebSocket;
  readonly replies: RelayReply[] = [];
  /** The status with which it was closed. */
  closedWith: number | undefined;
  #wakes: (() => void)[] = [];

  constructor(url: string, subprotocol: string = relaySubprotocol) {
    this.socket = new WebSocket(url, subprotocol, { perMessageDeflate: false });
    this.socket.on('message', (data: Buffer) => {
      const reply = decodeRelayReply(data);
      // What a test counts is frames, however many of them came at once.
      if (reply.type !== 'deliverBatch') this.replies.push(reply);
      else for (const each of reply.deliveries) this.replies.push({ type: 'deliver', subscription: reply.subscription, ...each });
      this.#wake();
    });
    this.socket.on('close', (code) => {
      this.closedWith = code;
      this.#wake();
    });
    this.socket.on('error', () => undefined);
    onClose(() => this.socket.terminate());
  }

  send(message: RelayRequest): void {
    this.socket.send(encodeRelayRequest(message));
  }

  /** The first reply of this type that was not asked for before; rejects when the connection ends without it. */
  next<T extends RelayReply['type']>(type: T): Promise<Extract<RelayReply, { type: T }>> {
    return this.#find((reply): reply is Extract<RelayReply, { type: T }> => reply.type === type);
  }

  /** What a request was answered: the type of the answer, or the reason of the refusal. */
  async answerTo(request: number): Promise<string> {
    const reply = await this.#find((reply): reply is Extract<RelayReply, { request: number }> => 'request' in reply && reply.request === request);
    return reply.type === 'refused' ? reply.reason : reply.type;
  }

  async #find<T extends RelayReply>(isIt: (reply: RelayReply) => reply is T): Promise<T> {
    for (;;) {
      const found = this.replies.findIndex((reply) => isIt(reply));
      if (found !== -1) return this.replies.splice(found, 1)[0] as T;
      if (this.closedWith !== undefined) throw new Error(`closed with ${this.closedWith} before an answer`);
      await this.#change();
    }
  }

  async closed(): Promise<number> {
    while (this.closedWith === undefined) await this.#change();
    return this.closedWith;
  }

  challenge(): Promise<RelayChallenge> {
    return this.next('challenge');
  }

  async authenticate(identity: Identity): Promise<this> {
    const challenge = await this.challenge();
    this.send({ type: 'authenticate', ...(await signRelayProof({ ...challenge, origin: relayOrigin(this.socket.url) }, identity)) });
    await this.next('welcome');
    return this;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wakes.push(resolve));
  }

  #wake(): void {
    for (const wake of this.#wakes.splice(0)) wake();
  }
}
