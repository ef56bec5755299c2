/** Every bound of a session, with its reason (docs/spec/04 §7). @module */

/** Messages of one chain that may be missing before the next one: two HMACs each, 5 ms in all for a frame that then fails. */
export const maxForward = 2000;

/** Keys of messages that did not arrive, over all chains of a session: 32 bytes each, and each is a secret that waits. */
export const maxSkippedKeys = 2000;

/** Receiving chains of the past whose header keys are still tried. With the current and the next one that makes the seven trials of a frame. */
export const maxOldChains = 5;

/** A mailbox keeps a frame for seven days; a key that waits longer waits for nothing. */
export const maxSkippedAgeMs = 7 * 24 * 3_600_000;

/** A session sends for a week, then a fresh handshake brings fresh entropy and a fresh check of both identities. */
export const sessionLifeMs = 7 * 24 * 3_600_000;

/** Two machines' clocks. */
export const clockSkewMs = 5 * 60_000;

/** A session that another one replaced opens stragglers for a day after the last of them. */
export const retiredLifeMs = 24 * 3_600_000;

/** Messages of a peer, or time, after which an answer of no contents heals a stream that goes one way, and acknowledges it. */
export const stepAfterMessages = 100;
export const stepAfterMs = 60_000;

/** DH steps of both directions, or time, after which a fresh ML-KEM secret goes into the root key: 2 kB of headers for twenty-five exchanges. */
export const postQuantumAfterSteps = 50;
export const postQuantumAfterMs = 3_600_000;

/** Messages sent in one session: far below what the AEAD allows, and a reason to start from a fresh handshake. */
export const maxSentMessages = 2 ** 20;

/** One frame on the wire. Larger contents belong in a blob store, by hash. */
export const maxFrameBytes = 1024 * 1024;

/** Header keys that a frame of a session is tried under: the next chain, the present one, five old ones … */
export const maxHeaderTrials = 7;

/** … and while the session's garbage budget is spent: the next chain and the present one, so that the genuine stream goes on. */
export const minHeaderTrials = 2;

/** A signed prekey is offered in bundles for a week … */
export const signedPrekeyLifeMs = 7 * 24 * 3_600_000;

/** … is replaced when a bundle could offer it for less than a day … */
export const signedPrekeyRestMs = 24 * 3_600_000;

/** … and its secret is kept for one mailbox life longer, so that a first message can still be on its way. */
export const prekeyRetentionMs = 7 * 24 * 3_600_000;

/** Dedupe keys a store keeps for a session at the least: as many as a chain may be late. Beyond it the state itself refuses a repeat. */
export const minDedupeKeys = 2000;
