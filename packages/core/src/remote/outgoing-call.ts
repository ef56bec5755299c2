/** One call that waits for its answer. @module */
import type { Env } from '../env/env.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { Request } from '../receipt/request.ts';
import type { ResultMessage } from './answer.ts';
import { abortGraceMs } from './bounds.ts';
import type { ChunkBuffer } from './chunk-buffer.ts';
import type { RemoteResult } from './remote-result.ts';

export type OutgoingParts = {
  readonly peer: AgentId;
  /** R. */
  readonly token: string;
  readonly request: Request;
  readonly chunks: ChunkBuffer | undefined;
  readonly env: Env;
  /** Milliseconds since 1970. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
  /** Tells the callee to stop. */
  readonly cancel: () => void;
};

/** Settled once, by the answer, the deadline, the caller's signal or the end of the client. */
export class OutgoingCall {
  readonly parts: OutgoingParts;
  readonly result: Promise<RemoteResult>;
  /** An answer that counts chunks which have not all come. */
  held: ResultMessage | undefined;
  readonly #resolve: (result: RemoteResult) => void;
  readonly #timers: (() => void)[] = [];
  #isSettled = false;

  constructor(parts: OutgoingParts) {
    this.parts = parts;
    let resolve: (result: RemoteResult) => void = () => undefined;
    this.result = new Promise((settle) => (resolve = settle));
    this.#resolve = resolve;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** From now on the deadline counts, and the caller may cancel. */
  start(): void {
    // An answer may have been quicker: a timer would keep it in memory for as long as the call might have taken.
    if (this.#isSettled) return;
    const { env, deadline, signal, token } = this.parts;
    const unknown = (reason: 'timeout' | 'cancelled') => (): void => this.settle({ status: 'unknown', reason, receipt: { request: token } });
    this.#timers.push(env.after(Math.max(0, deadline - env.now()), unknown('timeout')));
    const stop = (): void => {
      this.parts.cancel();
      // The callee is asked what became of it, and not for long.
      this.#timers.push(env.after(abortGraceMs, unknown('cancelled')));
    };
    if (signal === undefined) return;
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    this.#timers.push(() => signal.removeEventListener('abort', stop));
  }

  settle(result: RemoteResult): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    for (const cancel of this.#timers) cancel();
    this.#resolve(result);
    this.parts.chunks?.wake();
  }
}
