/** Every bound of a witness, with its reason (docs/spec/03 §15). @module */

export type WitnessLimits = {
  /** Logs that this witness follows: each is one row. */
  readonly logs: number;
  /** Requests of one log that cost a signature, a minute. A log asks once a second at most; a stolen address costs no more than this. */
  readonly requestsPerMinute: number;
  readonly connections: number;
};

export const defaultWitnessLimits: WitnessLimits = Object.freeze({ logs: 10_000, requestsPerMinute: 120, connections: 1000 });

/** A request that is not whole by then is dropped: a slow sender holds a connection, and there are not many. */
export const requestMs = 15_000;

/** Contradictions that are kept of one log: one proves what there is to prove. */
export const maxEquivocations = 8;
