/** The wire, as the messenger sees it: frames by DID, at least once, never opened. @module */
import type { Env } from '../env/env.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { Identity } from '../identity/identity.ts';
import type { BatchHandler } from './batch.ts';
import type { BundleDirectory } from './bundle-directory.ts';

export interface Transport {
  /** Where this transport's agents leave their bundles, if it has such a place. */
  readonly directory?: BundleDirectory;
  /** Where this transport's agent takes its mail, for its identity card. */
  readonly endpoints?: readonly string[];
  /**
   * Resolves once the transport has taken the frame over, also for a receiver that is absent. The frame may be delivered more than
   * once; frames of one sender to one receiver are delivered in order as far as nothing is retried.
   * @throws {@link TransportError} `TALOS_TRANSPORT_SEND_FAILED`: not taken over; `retryable` says whether it can be later.
   */
  send(to: AgentId, frame: Uint8Array): Promise<void>;
  /**
   * `send` for several frames, in order. Resolves with how many of them, counted from the first, were taken over: at least one, and none
   * behind the first that was not. Absent where it would save nothing.
   * @param frames - At most `maxBatchFrames`.
   * @throws as `send`: none was taken over.
   */
  sendBatch?(to: AgentId, frames: readonly Uint8Array[]): Promise<number>;
  /**
   * Delivers the frames for `own`, those that waited first, one after the other. A frame is forgotten when `handler` resolves and
   * delivered again later when it rejects. One receiver at a time: a second one takes over.
   */
  receive(own: AgentId, handler: (frame: Uint8Array) => Promise<void>): Promise<Subscription>;
  /**
   * `receive` for whoever handles several frames at once: those that wait, in order, at most `maxBatchFrames`. `handler` resolves with how many
   * of them, counted from the first, may be forgotten; the rest is delivered again later, all of it if it rejects. Absent where frames come singly.
   */
  receiveBatches?(own: AgentId, handler: BatchHandler): Promise<Subscription>;
  /** Lets go of the wire. Frames that were not taken over are refused. Idempotent. Absent where there is nothing to let go of. */
  close?(): Promise<void>;
}

/** For whom a transport is made that has to prove who it speaks for: the DID, what signs for it, and the history that says so. */
export type TransportOwner = {
  readonly identity: Pick<Identity, 'did' | 'signer' | 'history' | 'historySequence'>;
  readonly env: Env;
  /** Where a peer says that it takes its mail, by its signed card; empty if it is not known. */
  readonly endpointsOf?: (peer: AgentId) => Promise<readonly string[]>;
  /** What fails where nobody waits, such as a relay that cannot be reached. */
  readonly onError: (error: unknown) => void;
};

/** Makes the transport of one agent. Who calls it also closes what it gives. */
export type TransportFactory = (owner: TransportOwner) => Transport;

export interface Subscription {
  /** Stops the delivery; a frame that is being handled is still finished. Frames wait for the next receiver. Idempotent. */
  close(): Promise<void>;
}
