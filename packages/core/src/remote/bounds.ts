/** Every bound of remote calls, with its reason (docs/spec/07 §13). @module */

/** Calls of one peer that run at one time … */
export const maxRunningPerPeer = 64;
/** … and that wait behind them: beyond it the answer is `RATE` before anything is verified. */
export const maxWaitingPerPeer = 256;

/** One message of a call inside its frame of 1 MiB: arguments and results beyond it belong in a stream, or in a blob store by hash. */
export const maxBodyBytes = 768 * 1024;
export const maxResultBytes = 512 * 1024;
export const maxChunkBytes = 128 * 1024;

/** Chunks that a callee may be ahead of its caller: 4 MiB of a caller's memory at the most. */
export const chunkWindow = 32;
/** Chunks of one call. A longer stream is a message channel, not a result. */
export const maxChunks = 65_536;

/** Tools in one description, and what a peer may say of each. */
export const maxTools = 256;
export const maxDescriptionLength = 4096;
export const maxSchemaBytes = 32 * 1024;

/** All that an agent serves: a peer may see the whole of it, in one message. */
export const maxServedBytes: number = maxBodyBytes - 64 * 1024;

/** Descriptions that a peer may ask for, a minute. */
export const describeBudget = { limit: 60, windowMs: 60_000 } as const;

/** How long a call may take if its caller does not say, and at the most: as long as a mailbox may hold it. */
export const defaultTimeoutMs = 60_000;
export const maxTimeoutMs = 24 * 3_600_000;

/** How long a caller that aborted waits for the callee to say what became of the call. */
export const abortGraceMs = 2000;

/** Countersignatures ride on the next call to the same peer; without one they go after this time, or when so many wait. */
export const countersignAfterMs = 200;
export const maxCountersignatures = 64;

/** How long an answer that nobody countersigned is kept: evidence outlives it in the log. */
export const unacknowledgedLifeMs = 30 * 24 * 3_600_000;

/** Inputs are copied to this depth by the guard; a message holds one level more, and its own. */
export const maxDepth = 36;

/** Calls whose outcome a caller remembers, to know a second answer from a first one without its log. */
export const maxRecent = 4096;

/** How long tools that were told to stop are waited for when an agent closes. */
export const closeGraceMs = 5000;
