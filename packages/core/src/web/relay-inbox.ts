/** What relays delivered and the handler has not finished: in order of arrival, whichever relay it came from. @module */
import type { Env } from '../env/env.ts';
import { countTaken, firstBatch, type BatchHandler } from '../message/batch.ts';
import type { Subscription } from '../message/transport.ts';
import { protocolFault } from './relay-failure.ts';
import { deliveryWindow } from './relay-message.ts';

/** Where a delivery came from, and whether that still counts. */
export type DeliverySource = {
  isCurrent(subscription: number): boolean;
  acknowledge(subscription: number, delivery: number): void;
};

export type Delivered = { readonly source: DeliverySource; readonly subscription: number; readonly delivery: number; readonly frame: Uint8Array };

export type InboxReceiver = {
  readonly handler: BatchHandler;
  /** At most, of what is given to the handler at a time. */
  readonly maxFrames: number;
  readonly onClosed: () => void;
};

type Receiver = InboxReceiver & { isClosed: boolean; draining: Promise<void> | undefined; cancelRetry: () => void };

/** As in memory-transport: long enough not to spin on a store that fails. */
const retryMs = 100;

type Held = { readonly frames: number; readonly bytes: number };

export class RelayInbox {
  readonly #env: Env;
  #queue: Delivered[] = [];
  /** What of the queue came from where. */
  readonly #held = new Map<DeliverySource, Held>();
  #receiver: Receiver | undefined;

  constructor(env: Env) {
    this.#env = env;
  }

  /** @throws {@link TransportError} `TALOS_TRANSPORT_PROTOCOL` if a relay sends more than the window: it would fill our memory. */
  add(delivered: Delivered): void {
    const { frames, bytes } = this.#held.get(delivered.source) ?? { frames: 0, bytes: 0 };
    const held = { frames: frames + 1, bytes: bytes + delivered.frame.length };
    if (held.frames > deliveryWindow.frames || held.bytes > deliveryWindow.bytes) throw protocolFault('it delivers more than was acknowledged');
    this.#held.set(delivered.source, held);
    this.#queue.push(delivered);
    this.#drainLater();
  }

  /** What was not acknowledged comes again on the next connection. */
  forget(source: DeliverySource): void {
    this.#held.delete(source);
    this.#queue = this.#queue.filter((delivered) => delivered.source !== source);
  }

  /** Resolves when the receiver before has finished the frame in hand. */
  async receive(options: InboxReceiver): Promise<Subscription> {
    const before = this.#receiver;
    const receiver: Receiver = { ...options, isClosed: false, draining: undefined, cancelRetry: () => undefined };
    this.#receiver = receiver;
    await stop(before);
    this.#drainLater();
    return { close: () => this.#close(receiver) };
  }

  /** Stops whoever receives. */
  async close(): Promise<void> {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    await stop(receiver);
    this.#clear();
  }

  async #close(receiver: Receiver): Promise<void> {
    await stop(receiver);
    // One that lost its place to another has nothing to close of the other's.
    if (this.#receiver !== receiver) return;
    this.#receiver = undefined;
    this.#clear();
    receiver.onClosed();
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

  /** Whether everything was taken; what the handler did not take stays at the head. */
  async #drain(receiver: Receiver): Promise<boolean> {
    while (this.#queue.length > 0 && !receiver.isClosed) {
      const batch = firstBatch(this.#queue, ({ frame }) => frame.length, receiver.maxFrames);
      const taken = await countTaken(
        receiver.handler,
        batch.map(({ frame }) => new Uint8Array(frame)),
      );
      this.#acknowledge(batch.slice(0, taken));
      if (taken < batch.length) return false;
    }
    return true;
  }

  /** A connection may have been lost meanwhile: what came by it is not in the queue any more, comes again, and its acknowledgement is void. */
  #acknowledge(taken: readonly Delivered[]): void {
    const last = new Map<DeliverySource, Delivered>();
    for (const delivered of taken) last.set(delivered.source, delivered);
    const gone = new Set(taken);
    for (const delivered of this.#queue) if (gone.has(delivered)) this.#release(delivered);
    this.#queue = this.#queue.filter((delivered) => !gone.has(delivered));
    for (const { source, subscription, delivery } of last.values()) source.acknowledge(subscription, delivery);
  }

  #release({ source, frame }: Delivered): void {
    const held = this.#held.get(source);
    if (held !== undefined) this.#held.set(source, { frames: held.frames - 1, bytes: held.bytes - frame.length });
  }

  #clear(): void {
    this.#queue = [];
    this.#held.clear();
  }
}

/** Waits for the frames in hand: each is either acknowledged or left, never both. */
async function stop(receiver: Receiver | undefined): Promise<void> {
  if (receiver === undefined) return;
  receiver.isClosed = true;
  receiver.cancelRetry();
  await receiver.draining;
}
