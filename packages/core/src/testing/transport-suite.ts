/** What every transport must keep, as cases that any test runner can run. A case resolves, or throws an error that says what differed. @module */
import { systemEnv } from '../env/env.ts';
import { TransportError } from '../errors/transport-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { Subscription, Transport } from '../message/transport.ts';
import { maxBatchFrames } from '../message/batch.ts';
import { maxFrameBytes } from '../session/limits.ts';

/** Two ends of one transport, which may be one object, and the DIDs that they are known by. */
export type TransportEnds = {
  readonly sender: Transport;
  readonly receiver: Transport;
  readonly from: AgentId;
  readonly to: AgentId;
  /** Breaks the wire under both ends, for transports that have one. Frames that were taken over have to arrive all the same. */
  readonly interrupt?: () => void | Promise<void>;
  readonly close?: () => Promise<void>;
};

export type TransportSource = { create(): Promise<TransportEnds> };

export function transportSuite(source: TransportSource): readonly { readonly name: string; readonly run: () => Promise<void> }[] {
  return cases.map(({ name, check }) => ({
    name,
    run: async () => {
      const ends = await source.create();
      try {
        await check(ends);
      } finally {
        await ends.close?.();
      }
    },
  }));
}

const cases: readonly { readonly name: string; readonly check: (ends: TransportEnds) => Promise<void> }[] = [
  { name: 'frames arrive whole and in order', check: inOrder },
  { name: 'frames wait for a receiver that is absent', check: waits },
  { name: 'a frame whose handler rejects comes again, and holds back those behind it', check: redelivers },
  { name: 'a slow handler is given one frame at a time', check: oneAtATime },
  { name: 'after closing nothing is delivered, and the next receiver gets the rest', check: reconnects },
  { name: 'a second receiver takes over', check: takesOver },
  { name: 'each receiver gets its own frames only', check: ownFrames },
  { name: 'both ends send and receive', check: bothWays },
  { name: 'the largest frame passes, a larger one is refused with a code', check: oversized },
  { name: 'a frame is the receiver’s own copy', check: copies },
  { name: 'sends that run at the same time arrive in the order of the calls', check: concurrentOrder },
  { name: 'a frame that is sent again arrives, and takes no place of another', check: repeats },
  { name: 'a receiver that is slow gets everything in the end, in order', check: slowReceiver },
  { name: 'what was taken over survives a wire that breaks', check: interrupted },
  { name: 'frames that wait come in batches, in order, and what the handler did not take comes again', check: inBatches },
  { name: 'a batch that is sent arrives in order, up to a frame that is too large', check: sendsBatches },
  { name: 'closing twice is closing once', check: closesTwice },
];

async function inOrder({ sender, receiver, to }: TransportEnds): Promise<void> {
  const inbox = new Inbox();
  const subscription = await receiver.receive(to, inbox.handler);
  for (let i = 0; i < 50; i++) await sender.send(to, frame(i));
  await inbox.waitFor(50);
  expectEqual('order', inbox.names(), range(0, 50));
  expectEqual('length', inbox.frames[7]?.length, frame(7).length);
  await subscription.close();
}

async function waits({ sender, receiver, to }: TransportEnds): Promise<void> {
  for (let i = 0; i < 5; i++) await sender.send(to, frame(i));
  const inbox = new Inbox();
  const subscription = await receiver.receive(to, inbox.handler);
  await inbox.waitFor(5);
  expectEqual('order', inbox.names(), range(0, 5));
  await subscription.close();
}

async function redelivers({ sender, receiver, to }: TransportEnds): Promise<void> {
  const inbox = new Inbox();
  let failures = 2;
  const subscription = await receiver.receive(to, async (bytes) => {
    if (bytes[0] === 1 && failures-- > 0) throw new Error('not kept');
    await inbox.handler(bytes);
  });
  for (let i = 0; i < 4; i++) await sender.send(to, frame(i));
  await inbox.waitFor(4);
  expectEqual('order', inbox.names(), range(0, 4));
  await subscription.close();
}

async function oneAtATime({ sender, receiver, to }: TransportEnds): Promise<void> {
  const inbox = new Inbox();
  let [running, most] = [0, 0];
  const subscription = await receiver.receive(to, async (bytes) => {
    most = Math.max(most, ++running);
    for (let i = 0; i < 5; i++) await Promise.resolve();
    running--;
    await inbox.handler(bytes);
  });
  await Promise.all(Array.from({ length: 20 }, (_, i) => sender.send(to, frame(i))));
  await inbox.waitFor(20);
  expectEqual('handlers at a time', most, 1);
  await subscription.close();
}

async function reconnects({ sender, receiver, to }: TransportEnds): Promise<void> {
  const [first, second] = [new Inbox(), new Inbox()];
  const subscription = await receiver.receive(to, first.handler);
  await sender.send(to, frame(0));
  await first.waitFor(1);
  await subscription.close();
  await subscription.close();
  await sender.send(to, frame(1));
  await sender.send(to, frame(2));
  const again = await receiver.receive(to, second.handler);
  await second.waitFor(2);
  expectEqual('first', first.names(), '0');
  expectEqual('second', second.names(), '1,2');
  await again.close();
}

async function takesOver({ sender, receiver, to }: TransportEnds): Promise<void> {
  const [first, second] = [new Inbox(), new Inbox()];
  const subscriptions: Subscription[] = [await receiver.receive(to, first.handler), await receiver.receive(to, second.handler)];
  await sender.send(to, frame(0));
  await second.waitFor(1);
  expectEqual('first', first.names(), '');
  // The one that lost its mailbox has nothing to close of the other's.
  await subscriptions[0]?.close();
  await sender.send(to, frame(1));
  await second.waitFor(2);
  await subscriptions[1]?.close();
}

async function ownFrames({ sender, receiver, from, to }: TransportEnds): Promise<void> {
  const [mine, theirs] = [new Inbox(), new Inbox()];
  const subscriptions = [await sender.receive(from, mine.handler), await receiver.receive(to, theirs.handler)];
  await sender.send(to, frame(1));
  await theirs.waitFor(1);
  expectEqual('the sender’s own mailbox', mine.names(), '');
  for (const subscription of subscriptions) await subscription.close();
}

async function bothWays({ sender, receiver, from, to }: TransportEnds): Promise<void> {
  const [mine, theirs] = [new Inbox(), new Inbox()];
  const subscriptions = [await sender.receive(from, mine.handler), await receiver.receive(to, theirs.handler)];
  await Promise.all([sender.send(to, frame(1)), receiver.send(from, frame(2))]);
  await Promise.all([mine.waitFor(1), theirs.waitFor(1)]);
  expectEqual('there', theirs.names(), '1');
  expectEqual('back', mine.names(), '2');
  for (const subscription of subscriptions) await subscription.close();
}

async function oversized({ sender, receiver, to }: TransportEnds): Promise<void> {
  const inbox = new Inbox();
  const subscription = await receiver.receive(to, inbox.handler);
  await sender.send(to, new Uint8Array(maxFrameBytes));
  await inbox.waitFor(1);
  expectEqual('length', inbox.frames[0]?.length, maxFrameBytes);
  const code = await sender.send(to, new Uint8Array(maxFrameBytes + 1)).then(
    () => 'no error',
    (error: unknown) => (TransportError.isInstance(error) ? error.code : String(error)),
  );
  expectEqual('code', code, 'TALOS_TRANSPORT_SEND_FAILED');
  await subscription.close();
}

async function copies({ sender, receiver, to }: TransportEnds): Promise<void> {
  const bytes = frame(1);
  await sender.send(to, bytes);
  bytes.fill(9);
  const inbox = new Inbox();
  const subscription = await receiver.receive(to, inbox.handler);
  await inbox.waitFor(1);
  expectEqual('frame', inbox.names(), '1');
  await subscription.close();
}

async function concurrentOrder({ sender, receiver, to }: TransportEnds): Promise<void> {
  const inbox = new Inbox();
  const subscription = await receiver.receive(to, inbox.handler);
  await Promise.all(Array.from({ length: 200 }, (_, i) => sender.send(to, frame(i))));
  await inbox.waitFor(200);
  expectEqual('order', inbox.names(), range(0, 200));
  await subscription.close();
}

async function repeats({ sender, receiver, to }: TransportEnds): Promise<void> {
  for (const name of [0, 1, 0, 2, 2]) await sender.send(to, frame(name));
  const inbox = new Inbox();
  const subscription = await receiver.receive(to, inbox.handler);
  await inbox.waitUntil((names) => names.includes(2));
  // Once or twice: a transport may see that it is the same, and need not.
  expectEqual('first arrivals', [...new Set(inbox.frames.map((bytes) => bytes[0]))].join(), '0,1,2');
  await subscription.close();
}

/** More than any window, while the handler does not come back. */
async function slowReceiver({ sender, receiver, to }: TransportEnds): Promise<void> {
  const inbox = new Inbox();
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const subscription = await receiver.receive(to, async (bytes) => {
    await held;
    await inbox.handler(bytes);
  });
  for (let i = 0; i < 100; i++) await sender.send(to, largeFrame(i));
  release();
  await inbox.waitFor(100);
  expectEqual('order', inbox.names(), range(0, 100));
  await subscription.close();
}

async function interrupted({ sender, receiver, to, interrupt }: TransportEnds): Promise<void> {
  if (interrupt === undefined) return;
  const inbox = new Inbox();
  const subscription = await receiver.receive(to, inbox.handler);
  await sender.send(to, frame(0));
  await inbox.waitFor(1);
  const sends = Promise.all(Array.from({ length: 50 }, (_, i) => untilTaken(sender, to, frame(i + 1))));
  await interrupt();
  await sends;
  await inbox.waitUntil((names) => new Set(names).size === 51);
  await subscription.close();
}

/** Where there are batches. */
async function inBatches({ sender, receiver, to }: TransportEnds): Promise<void> {
  if (receiver.receiveBatches === undefined) return;
  for (let i = 0; i < 40; i++) await sender.send(to, frame(i));
  const inbox = new Inbox();
  let largest = 0;
  let refusals = 2;
  const subscription = await receiver.receiveBatches(to, async (frames) => {
    largest = Math.max(largest, frames.length);
    if (refusals-- === 2) throw new Error('not kept');
    const taken = refusals >= 0 ? frames.slice(0, 3) : frames;
    for (const bytes of taken) await inbox.handler(bytes);
    return taken.length;
  });
  await inbox.waitFor(40);
  expectEqual('order', inbox.names(), range(0, 40));
  if (largest > maxBatchFrames) throw new Error(`a batch of ${largest} frames`);
  await subscription.close();
}

async function sendsBatches({ sender, receiver, to }: TransportEnds): Promise<void> {
  if (sender.sendBatch === undefined) return;
  const inbox = new Inbox();
  const subscription = await receiver.receive(to, inbox.handler);
  const frames = Array.from({ length: 30 }, (_, i) => frame(i));
  for (let sent = 0; sent < frames.length;) sent += await sender.sendBatch(to, frames.slice(sent));
  const tooLarge = new Uint8Array(maxFrameBytes + 1);
  expectEqual('taken', await sender.sendBatch(to, [frame(30), tooLarge, frame(32)]), 1);
  const code = await sender
    .sendBatch(to, [tooLarge, frame(32)])
    .then(String, (error: unknown) => (TransportError.isInstance(error) ? error.code : String(error)));
  expectEqual('code', code, 'TALOS_TRANSPORT_SEND_FAILED');
  await inbox.waitFor(31);
  expectEqual('order', inbox.names(), range(0, 31));
  await subscription.close();
}

async function closesTwice({ sender, to }: TransportEnds): Promise<void> {
  await sender.send(to, frame(0));
  await Promise.all([sender.close?.(), sender.close?.()]);
  await sender.close?.();
}

/** As an outbox does it: again, as long as the transport says that it may help. */
async function untilTaken(sender: Transport, to: AgentId, bytes: Uint8Array): Promise<void> {
  for (;;) {
    try {
      return await sender.send(to, bytes);
    } catch (error) {
      if (!TransportError.isInstance(error) || !error.retryable) throw error;
    }
    await new Promise<void>((resolve) => systemEnv.after(20, resolve));
  }
}

class Inbox {
  readonly frames: Uint8Array[] = [];
  #wake: (() => void) | undefined;

  readonly handler = async (bytes: Uint8Array): Promise<void> => {
    this.frames.push(bytes);
    this.#wake?.();
  };

  waitFor(count: number): Promise<void> {
    return this.waitUntil((names) => names.length >= count);
  }

  async waitUntil(isEnough: (names: readonly (number | undefined)[]) => boolean): Promise<void> {
    // A frame that never comes is the test runner's time-out: there is no clock here.
    while (!isEnough(this.frames.map((bytes) => bytes[0]))) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  names(): string {
    return this.frames.map((bytes) => bytes[0]).join();
  }
}

function frame(name: number): Uint8Array {
  const bytes = new Uint8Array(200 + name).fill(0x55);
  bytes[0] = name;
  return bytes;
}

function largeFrame(name: number): Uint8Array {
  const bytes = new Uint8Array(60_000).fill(0x55);
  bytes[0] = name;
  return bytes;
}

function range(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, i) => from + i).join();
}

function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: expected ${String(expected)}, got ${String(actual)}`);
}
