/** Which calls were begun, and what was answered: what keeps a call from running twice (docs/spec/07 §10). @module */
import type { AgentId } from '../identity/agent-id.ts';

export type CallClaim = {
  /** Holder key and `jti` of R: the same right to call is never used twice. */
  readonly id: string;
  /** SHA-256 of R, base64url. */
  readonly request: string;
  readonly peer: AgentId;
  /** R. */
  readonly token: string;
  /** `iat` and `exp` of R, milliseconds since 1970. */
  readonly from: number;
  readonly until: number;
};

export type StoredCall = Pick<CallClaim, 'id' | 'request' | 'peer' | 'token'> & {
  /** What was answered, once it was. Gone when the caller has countersigned it. */
  readonly answer?: Uint8Array;
  /** Milliseconds since 1970; absent while it runs. */
  readonly settledAt?: number;
  readonly acknowledged: boolean;
};

/** `seen`: with the call that has this id. `unknown`: older than the store's memory. `full`: the store takes no more for now. */
export type ClaimVerdict = { readonly verdict: 'new' | 'unknown' | 'full' } | { readonly verdict: 'seen'; readonly call: StoredCall };

/** An answer that no countersignature came for. */
export type UnacknowledgedCall = Pick<CallClaim, 'request' | 'peer'> & { readonly settledAt: number };

/**
 * Each operation is atomic and serial among all processes that share the data, and durable when it resolves. Rejects with a
 * {@link StoreError} if it cannot be asked: the call is then not run.
 */
export interface CallStore {
  /** Of any number of claims of one id one is told `new`: that one may run the call. */
  claim(claim: CallClaim, nowMs: number): Promise<ClaimVerdict>;
  /** Keeps the first answer. @returns The one that is kept: another's, if that was first; undefined if the call is not there. */
  settle(id: string, answer: Uint8Array, nowMs: number): Promise<Uint8Array | undefined>;
  find(request: string): Promise<StoredCall | undefined>;
  /** The caller has signed: the answer's bytes go, the id stays until its R has ended. Idempotent. */
  acknowledge(request: string): Promise<void>;
  /** Oldest first, at most `limit`. */
  unacknowledged(limit: number): Promise<readonly UnacknowledgedCall[]>;
}
