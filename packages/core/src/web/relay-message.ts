/** What client and relay say to each other, and its bounds; the bytes are in relay-request and relay-reply (docs/spec/06 §3). @module */
import type { AgentId } from '../identity/agent-id.ts';
import { maxFrameBytes } from '../session/limits.ts';

/** The first thing a relay says. Another version is another protocol: nothing is negotiated. */
export const relayVersion = 'talos-relay/1';
/** The WebSocket subprotocol (RFC 6455 §1.9), where a slash is not allowed: a web page's plain WebSocket does not get in by accident. */
export const relaySubprotocol = 'talos-relay-1';

/** From the client. `request` is chosen by the client and comes back in the answer. */
export type RelayRequest =
  | { readonly type: 'authenticate'; readonly did: AgentId; readonly signature: Uint8Array; readonly history: Uint8Array }
  | { readonly type: 'send'; readonly request: number; readonly to: AgentId; readonly frame: Uint8Array }
  /** At most 256 frames, in order. */
  | { readonly type: 'sendBatch'; readonly request: number; readonly to: AgentId; readonly frames: readonly Uint8Array[] }
  /** Deliver to me from now on, those that wait first. A number that was not used on this connection. */
  | { readonly type: 'receive'; readonly subscription: number }
  | { readonly type: 'stop'; readonly subscription: number }
  /** This delivery and all before it in this subscription are kept: forget them. */
  | { readonly type: 'acknowledge'; readonly subscription: number; readonly delivery: number }
  | { readonly type: 'publish'; readonly request: number; readonly bundles: readonly Uint8Array[] }
  | { readonly type: 'fetch'; readonly request: number; readonly did: AgentId }
  | { readonly type: 'count'; readonly request: number }
  /** The own identity card, UTF-8. */
  | { readonly type: 'publish-card'; readonly request: number; readonly card: Uint8Array }
  | { readonly type: 'fetch-card'; readonly request: number; readonly did: AgentId }
  | { readonly type: 'pong' };

/** From the relay. */
export type RelayReply =
  | ({ readonly type: 'challenge' } & RelayChallenge)
  /** The DID is proved. `left`: own bundles with a one-time pair. */
  | { readonly type: 'welcome'; readonly left: number }
  /** It is durable. */
  | { readonly type: 'done'; readonly request: number }
  /** Of a batch: so many of its frames, counted from the first, are durable; at least one. */
  | { readonly type: 'taken'; readonly request: number; readonly count: number }
  /** Request 0: the connection itself is refused, and closed. */
  | { readonly type: 'refused'; readonly request: number; readonly reason: RelayRefusal }
  | { readonly type: 'deliver'; readonly subscription: number; readonly delivery: number; readonly frame: Uint8Array }
  /** At most 256 of them, in order. */
  | { readonly type: 'deliverBatch'; readonly subscription: number; readonly deliveries: readonly RelayDelivery[] }
  /** Another connection of this agent receives now. */
  | { readonly type: 'superseded'; readonly subscription: number }
  | { readonly type: 'bundle'; readonly request: number; readonly bundle: Uint8Array }
  | { readonly type: 'card'; readonly request: number; readonly card: Uint8Array }
  | { readonly type: 'counted'; readonly request: number; readonly left: number }
  | { readonly type: 'low'; readonly left: number }
  | { readonly type: 'ping' };

export type RelayDelivery = { readonly delivery: number; readonly frame: Uint8Array };

export type RelayChallenge = {
  /** As the relay knows itself: scheme, host and port. The client signs the one it connected to, whatever stands here. */
  readonly origin: string;
  /** 32 bytes, of this connection only. */
  readonly nonce: Uint8Array;
  /** Milliseconds since 1970, by the relay's clock. */
  readonly issuedAt: number;
};

/** Closed: why a relay does not do what it was asked, and its number on the wire. */
export const relayRefusals = /* @__PURE__ */ Object.freeze({
  malformed: 1,
  unauthenticated: 2,
  oversized: 3,
  /** The quota of this sender in this mailbox, or that of all strangers together. */
  full: 4,
  /** Asked too often. */
  busy: 5,
  /** The relay's store did not take it. */
  unavailable: 6,
  'no-bundle': 7,
  'bad-bundle': 8,
  closing: 9,
} as const);

export type RelayRefusal = keyof typeof relayRefusals;

/** A frame with what stands before it, and some room: the `maxPayload` of a WebSocket. */
export const maxRelayMessageBytes: number = maxFrameBytes + 256;
/** One refill of a directory. */
export const maxBundlesPerPublish = 128;
/** As in docs/spec/04 §2.1. */
export const maxBundleBytes = 4096;
/** Weekly rotation for two years; each event costs the relay two signatures of a client that has proved nothing yet. */
export const maxHistoryBytes = 64 * 1024;
/** A host name has at most 253 bytes. */
export const maxOriginBytes = 300;
export const nonceBytes = 32;

/** Unacknowledged deliveries at a time: a consumer that is slow costs the relay and itself no more than this. */
export const deliveryWindow = /* @__PURE__ */ Object.freeze({ frames: 512, bytes: 4 * 1024 * 1024 });
/** A relay pings when it has said nothing for this long … */
export const pingMs = 20_000;
/** … and who hears nothing for three times as long takes the connection for dead. */
export const silenceMs = 60_000;
