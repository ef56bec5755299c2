/** Mailboxes in one process: for tests, for the first example, for agents that live together. @module */
import { systemEnv, type Env } from '../env/env.ts';
import { TransportError } from '../errors/transport-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { maxFrameBytes } from '../session/limits.ts';
import { countTaken, firstBatch, maxBatchFrames, oneAtATime, type BatchHandler } from './batch.ts';
import type { Subscription, Transport } from './transport.ts';

/** A receiver that is away for long must not take the process with it. */
const maxWaitingFrames = 10_000;
/** Long enough not to spin on a store that fails, short enough not to be noticed. */
const retryMs = 100;

type Receiver = { readonly handler: BatchHandler; readonly maxFrames: number; closed: boolean; delivering: Promise<void> | undefined; cancelRetry: () => void };
type Mailbox = { readonly frames: Uint8Array[]; receiver: Receiver | undefined };

/** Give the same one to every client that shall reach another. */
export function memoryTransport(options: { readonly env?: Env } = {}): Transport {
  const env = options.env ?? systemEnv;
  const mailboxes = new Map<AgentId, Mailbox>();
  return {
    send: async (to, frame) => {
      const mailbox = mailboxOf(mailboxes, to);
      if (frame.length > maxFrameBytes) throw refuse(`a frame has at most ${maxFrameBytes} bytes`, false);
      if (mailbox.frames.length >= maxWaitingFrames) throw refuse('the mailbox is full', true);
      mailbox.frames.push(Uint8Array.from(frame));
      deliver(mailbox, env);
    },
    receive: (own, handler) => receive({ mailbox: mailboxOf(mailboxes, own), env }, oneAtATime(handler), 1),
    receiveBatches: (own, handler) => receive({ mailbox: mailboxOf(mailboxes, own), env }, handler, maxBatchFrames),
  };
}

type Place = { readonly mailbox: Mailbox; readonly env: Env };

async function receive({ mailbox, env }: Place, handler: BatchHandler, maxFrames: number): Promise<Subscription> {
  await stop(mailbox.receiver);
  const receiver: Receiver = { handler, maxFrames, closed: false, delivering: undefined, cancelRetry: () => undefined };
  mailbox.receiver = receiver;
  deliver(mailbox, env);
  return subscription(mailbox, receiver);
}

function subscription(mailbox: Mailbox, receiver: Receiver): Subscription {
  return {
    close: async () => {
      await stop(receiver);
      if (mailbox.receiver === receiver) mailbox.receiver = undefined;
    },
  };
}

/** Waits for the frames in hand: each is either taken or left, never both. */
async function stop(receiver: Receiver | undefined): Promise<void> {
  if (receiver === undefined) return;
  receiver.closed = true;
  receiver.cancelRetry();
  await receiver.delivering;
}

/** A mailbox is there for whoever is written to: the receiver may come later. */
function mailboxOf(mailboxes: Map<AgentId, Mailbox>, did: AgentId): Mailbox {
  const present = mailboxes.get(did);
  if (present !== undefined) return present;
  const mailbox: Mailbox = { frames: [], receiver: undefined };
  mailboxes.set(did, mailbox);
  return mailbox;
}

/** One drain at a time for a mailbox; after a failure a timer tries again. */
function deliver(mailbox: Mailbox, env: Env): void {
  const { receiver } = mailbox;
  if (receiver === undefined || receiver.closed || receiver.delivering !== undefined) return;
  receiver.delivering = drain(mailbox, receiver).then((isDone) => {
    receiver.delivering = undefined;
    if (isDone) return deliverIfWaiting(mailbox, env);
    receiver.cancelRetry = env.after(retryMs, () => deliver(mailbox, env));
  });
}

/** A frame that came while the last one was being finished found a drain under way. */
function deliverIfWaiting(mailbox: Mailbox, env: Env): void {
  if (mailbox.frames.length > 0) deliver(mailbox, env);
}

/** Whether everything was taken; what the handler did not take stays at the head. */
async function drain({ frames }: Mailbox, receiver: Receiver): Promise<boolean> {
  while (frames.length > 0 && !receiver.closed) {
    const batch = firstBatch(frames, ({ length }) => length, receiver.maxFrames).map((frame) => Uint8Array.from(frame));
    const taken = await countTaken(receiver.handler, batch);
    frames.splice(0, taken);
    if (taken < batch.length) return false;
  }
  return true;
}

function refuse(message: string, retryable: boolean): TransportError {
  return new TransportError({ code: 'TALOS_TRANSPORT_SEND_FAILED', message: `the frame was not taken over: ${message}`, retryable });
}
