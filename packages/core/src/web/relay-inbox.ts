/** What relays delivered and the handler has not finished: one frame at a time, in order, whichever relay it came from. @module */
import type { Env } from '../env/env.ts';
import type { Subscription } from '../message/transport.ts';
import { protocolFault } from './relay-failure.ts';
import { deliveryWindow } from './relay-message.ts';

/** Where a delivery came from, and whether that still counts. */
export type DeliverySource = {
  isCurrent(subscription: number): boolean;
  acknowledge(subscription: number, delivery: number): void;
};

export type Delivered = { readonly source: DeliverySource; readonly subscription: number; readonly delivery: number; readonly frame: Uint8Array };

type Receiver = { readonly handler: (frame: Uint8Array) => Promise<void>; isClosed: boolean; draining: Promise<void> | undefined; cancelRetry: () => void };

/** As in memory-transport: long enough not to spin on a store that fails. */
const retryMs = 100;

export class RelayInbox {
  readonly #env: Env;
  #queue: Delivered[] = [];
  #receiver: Receiver | undefined;

  constructor(env: Env) {
    this.#env = env;
  }

  /** @throws {@link TransportError} `TALOS_TRANSPORT_PROTOCOL` if a relay sends more than the window: it would fill our memory. */
  add(delivered: Delivered): void {
    const waiting = this.#queue.filter(({ source }) => source === delivered.source);
    const bytes = waiting.reduce((sum, { frame }) => sum + frame.length, delivered.frame.length);
    if (waiting.length >= deliveryWindow.frames || bytes > deliveryWindow.bytes) throw protocolFault('it delivers more than was acknowledged');
    this.#queue.push(delivered);
    this.#drainLater();
  }

  /** What was not acknowledged comes again on the next connection. */
  forget(source: DeliverySource): void {
    this.#queue = this.#queue.filter((delivered) => delivered.source !== source);
  }

  /** Resolves when the receiver before has finished the frame in hand. */
  async receive(handler: (frame: Uint8Array) => Promise<void>, onClosed: () => void): Promise<Subscription> {
    const before = this.#receiver;
    const receiver: Receiver = { handler, isClosed: false, draining: undefined, cancelRetry: () => undefined };
    this.#receiver = receiver;
    await stop(before);
    this.#drainLater();
    return { close: () => this.#close(receiver, onClosed) };
  }

  /** Stops whoever receives. */
  async close(): Promise<void> {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    await stop(receiver);
    this.#queue = [];
  }

  async #close(receiver: Receiver, onClosed: () => void): Promise<void> {
    await stop(receiver);
    // One that lost its place to another has nothing to close of the other's.
    if (this.#receiver !== receiver) return;
    this.#receiver = undefined;
    this.#queue = [];
    onClosed();
  }

  /** One drain at a time; after a failure a timer tries again. */
  #drainLater(): void {
    const receiver = this.#receiver;
    if (receiver === undefined || receiver.isClosed || receiver.draining !== undefined || this.#queue.length === 0) return;
    receiver.draining = this.#drain(receiver).then((isDone) => {
      receiver.draining = undefined;
      if (isDone) return this.#drainLater();
      receiver.cancelRetry = this.#env.after(retryMs, () => this.#drainLater());
    });
  }

  /** Whether everything was taken; a frame whose handler rejected stays at the head. */
  async #drain(receiver: Receiver): Promise<boolean> {
    for (let head = this.#queue[0]; head !== undefined && !receiver.isClosed; head = this.#queue[0]) {
      try {
        await receiver.handler(Uint8Array.from(head.frame));
      } catch {
        return false;
      }
      // Its connection may have been lost meanwhile: then it is not at the head any more, and comes again.
      if (this.#queue[0] === head) this.#queue.shift();
      head.source.acknowledge(head.subscription, head.delivery);
    }
    return true;
  }
}

/** Waits for the frame in hand: it is either acknowledged or left, never both. */
async function stop(receiver: Receiver | undefined): Promise<void> {
  if (receiver === undefined) return;
  receiver.isClosed = true;
  receiver.cancelRetry();
  await receiver.draining;
}
