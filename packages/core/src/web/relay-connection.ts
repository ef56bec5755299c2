/**
 * A relay that we want to be connected to: requests that wait for their answer, one subscription, and connecting again
 * (docs/spec/06 §5).
 *
 * A request outlives one lost connection: it is sent again on the next, in order, and the relay or the session tells a repetition. If
 * the next cannot be had, the request is refused as retryable: who sends has an outbox, and need not wait for a relay that is away.
 * @module
 */
import { TransportError } from '../errors/transport-error.ts';
import type { TransportOwner } from '../message/transport.ts';
import { protocolFault, refusedBy, unreachable } from './relay-failure.ts';
import type { RelayReply, RelayRequest } from './relay-message.ts';
import { encodeRelayRequest } from './relay-request.ts';
import { RelaySocket } from './relay-socket.ts';

export type RelayRequestBody =
  | Omit<Extract<RelayRequest, { type: 'send' }>, 'request'>
  | Omit<Extract<RelayRequest, { type: 'sendBatch' }>, 'request'>
  | Omit<Extract<RelayRequest, { type: 'fetch' }>, 'request'>
  | Omit<Extract<RelayRequest, { type: 'count' }>, 'request'>
  | Omit<Extract<RelayRequest, { type: 'publish' }>, 'request'>
  | Omit<Extract<RelayRequest, { type: 'publish-card' }>, 'request'>
  | Omit<Extract<RelayRequest, { type: 'fetch-card' }>, 'request'>;

export type RelayAnswer = Exclude<Extract<RelayReply, { readonly request: number }>, { type: 'refused' }>;

export type RelayConnectionParts = {
  readonly url: string;
  readonly origin: string;
  readonly owner: TransportOwner;
  readonly onDeliver: (delivery: { readonly subscription: number; readonly delivery: number; readonly frame: Uint8Array }) => void;
  /** Deliveries of earlier subscriptions are void: what was not acknowledged comes again. */
  readonly onInterrupted: () => void;
  readonly onLow: (left: number) => void;
};

type Pending = {
  readonly encoded: Uint8Array<ArrayBuffer>;
  /** Sent again on the next connection. A publication is not: a pair that was fetched in between would be given twice. */
  readonly isRepeatable: boolean;
  readonly startedAt: number;
  readonly resolve: (answer: RelayAnswer) => void;
  readonly reject: (reason: TransportError) => void;
};

/** What waits for answers is kept to be sent again: a relay that takes long must not take the process with it. */
const maxPendingBytes = 16 * 1024 * 1024;
/** A relay that never answers is like one that is away. */
const answerTimeoutMs = 20_000;
const sweepMs = 5000;

const firstBackoffMs = 250;
const lastBackoffMs = 30_000;
/** A request does not wait for the back-off to end, and does not undo it either. */
const leastGapMs = 1000;
/** A connection that lasted shorter counts as a failure: a relay that hangs up at once is not called again at once. */
const stableMs = 5000;
const lowWater = 25;

export class RelayConnection {
  readonly #parts: RelayConnectionParts;
  readonly #pending = new Map<number, Pending>();
  #pendingBytes = 0;
  #lastNumber = 0;
  #socket: RelaySocket | undefined;
  #readyAt: number | undefined;
  #failures = 0;
  #failedAt = -Infinity;
  #cancelBackoff: () => void = () => undefined;
  #cancelSweep: (() => void) | undefined;
  #wantsDeliveries = false;
  /** 0 while nothing is subscribed on this connection. */
  #subscription = 0;
  #isClosed = false;

  constructor(parts: RelayConnectionParts) {
    this.#parts = parts;
  }

  get origin(): string {
    return this.#parts.origin;
  }

  /** @throws {@link TransportError} as the relay refused, or `TALOS_TRANSPORT_UNREACHABLE`, both saying whether it may be tried again. */
  request(body: RelayRequestBody): Promise<RelayAnswer> {
    if (this.#isClosed) return Promise.reject(unreachable('the transport was closed'));
    if (!this.#connect()) return Promise.reject(unreachable('it was tried a moment ago'));
    const number = this.#nextNumber();
    const encoded = encodeRelayRequest({ ...body, request: number } as RelayRequest);
    if (this.#pendingBytes + encoded.length > maxPendingBytes) return Promise.reject(unreachable('too much waits for its answers'));
    return new Promise((resolve, reject) => {
      const startedAt = this.#parts.owner.env.monotonic();
      this.#pending.set(number, { encoded, isRepeatable: body.type !== 'publish', startedAt, resolve, reject });
      this.#pendingBytes += encoded.length;
      if (this.#readyAt !== undefined) this.#socket?.sendEncoded(encoded);
      this.#sweepLater();
    });
  }

  /** From now on, and on every connection that follows. */
  startDeliveries(): void {
    this.#wantsDeliveries = true;
    if (this.#readyAt !== undefined) this.#subscribe();
    else this.#connect();
  }

  stopDeliveries(): void {
    this.#wantsDeliveries = false;
    if (this.#subscription !== 0 && this.#readyAt !== undefined) this.#socket?.send({ type: 'stop', subscription: this.#subscription });
    this.#subscription = 0;
  }

  isCurrent(subscription: number): boolean {
    return subscription === this.#subscription && this.#readyAt !== undefined;
  }

  /** Nothing is lost if the connection is: the delivery comes again. */
  acknowledge(subscription: number, delivery: number): void {
    if (this.isCurrent(subscription)) this.#socket?.send({ type: 'acknowledge', subscription, delivery });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wantsDeliveries = false;
    this.#cancelBackoff();
    this.#cancelSweep?.();
    const reason = unreachable('the transport was closed');
    this.#socket?.close(reason);
    this.#refuseAll(reason);
  }

  /** Whether there is a connection, or one is on its way. */
  #connect(): boolean {
    if (this.#socket !== undefined) return true;
    if (this.#failures > 0 && this.#parts.owner.env.monotonic() - this.#failedAt < leastGapMs) return false;
    this.#cancelBackoff();
    const { url, origin, owner } = this.#parts;
    const socket: RelaySocket = new RelaySocket({
      url,
      origin,
      owner,
      onMessage: (message) => this.#take(message),
      onClosed: (reason) => {
        // A constructor that fails at once calls before there is anything to forget.
        if (this.#socket === socket) this.#lost(reason);
      },
    });
    this.#socket = socket;
    return true;
  }

  #take(message: RelayReply): void {
    switch (message.type) {
      case 'welcome':
        this.#ready(message.left);
        break;
      case 'deliver':
        if (message.subscription === this.#subscription) this.#parts.onDeliver(message);
        break;
      case 'deliverBatch':
        this.#takeBatch(message);
        break;
      case 'superseded':
        this.#superseded(message.subscription);
        break;
      case 'low':
        this.#parts.onLow(message.left);
        break;
      case 'refused':
        this.#settle(message.request)?.reject(refusedBy(message.reason));
        break;
      default:
        this.#takeAnswer(message);
    }
  }

  #takeBatch({ subscription, deliveries }: Extract<RelayReply, { readonly type: 'deliverBatch' }>): void {
    if (subscription === this.#subscription) for (const each of deliveries) this.#parts.onDeliver({ subscription, ...each });
  }

  #takeAnswer(message: RelayReply): void {
    if (!('request' in message) || message.type === 'refused') throw protocolFault(`a ${message.type} came a second time`);
    this.#settle(message.request)?.resolve(message);
  }

  #ready(left: number): void {
    if (this.#readyAt !== undefined) throw protocolFault('a welcome came a second time');
    this.#readyAt = this.#parts.owner.env.monotonic();
    // In the order in which they were asked: sends of one sender arrive as they were sent.
    for (const { encoded } of this.#pending.values()) this.#socket?.sendEncoded(encoded);
    if (this.#wantsDeliveries) this.#subscribe();
    if (left <= lowWater) this.#parts.onLow(left);
  }

  /** A number of its own for each, so that what is still on its way from an earlier one is not taken for this one's. */
  #subscribe(): void {
    this.#subscription = this.#nextNumber();
    this.#socket?.send({ type: 'receive', subscription: this.#subscription });
  }

  /** Not taken back by itself: two processes of one agent would take the mailbox from each other for ever. */
  #superseded(subscription: number): void {
    if (subscription !== this.#subscription) return;
    this.#wantsDeliveries = false;
    this.#subscription = 0;
    this.#parts.onInterrupted();
    this.#parts.owner.onError(new TransportError({ code: 'TALOS_TRANSPORT_REFUSED', message: 'another process of this agent receives now' }));
  }

  #lost(reason: TransportError): void {
    const { env, onError } = this.#parts.owner;
    const lastedMs = this.#readyAt === undefined ? 0 : env.monotonic() - this.#readyAt;
    const wasReady = this.#readyAt !== undefined;
    this.#socket = undefined;
    this.#readyAt = undefined;
    this.#subscription = 0;
    this.#parts.onInterrupted();
    if (this.#isClosed) return;
    this.#failures = lastedMs >= stableMs ? 0 : this.#failures + 1;
    this.#refuseAll(reason, ({ isRepeatable }) => !isRepeatable);
    onError(reason);
    if (wasReady && this.#failures <= 1 && (this.#wantsDeliveries || this.#pending.size > 0)) return void this.#reconnect();
    this.#failedAt = env.monotonic();
    this.#refuseAll(reason);
    if (this.#wantsDeliveries) this.#cancelBackoff = env.after(this.#backoffMs(), () => void this.#reconnect());
  }

  #reconnect(): void {
    this.#failedAt = -Infinity;
    this.#connect();
  }

  /** Twice as long each time, and a random half of it: a relay that comes back is not met by all its clients at once. */
  #backoffMs(): number {
    const wholeMs = Math.min(firstBackoffMs * 2 ** Math.min(this.#failures, 16), lastBackoffMs);
    const [high = 0, low = 0] = this.#parts.owner.env.randomBytes(2);
    return wholeMs / 2 + (wholeMs / 2) * ((high * 256 + low) / 65_536);
  }

  #settle(number: number): Pending | undefined {
    const pending = this.#pending.get(number);
    if (pending === undefined) return undefined;
    this.#pending.delete(number);
    this.#pendingBytes -= pending.encoded.length;
    return pending;
  }

  #refuseAll(reason: TransportError, which: (pending: Pending) => boolean = () => true): void {
    for (const [number, pending] of this.#pending) if (which(pending)) this.#settle(number)?.reject(reason);
  }

  #sweepLater(): void {
    const { env } = this.#parts.owner;
    this.#cancelSweep ??= env.after(sweepMs, () => {
      this.#cancelSweep = undefined;
      const oldest = env.monotonic() - answerTimeoutMs;
      this.#refuseAll(unreachable('it does not answer'), ({ startedAt }) => startedAt <= oldest);
      if (this.#pending.size > 0) this.#sweepLater();
    });
  }

  /** Requests and subscriptions share one row of numbers; 0 is the connection's own. */
  #nextNumber(): number {
    this.#lastNumber = this.#lastNumber >= 0xffffffff ? 1 : this.#lastNumber + 1;
    return this.#lastNumber;
  }
}
