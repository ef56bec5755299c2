/** What has to be durable, in the order it came, in one transaction for all that came at a time. @module */
import type { RelayDatabase } from './relay-database.ts';

type Work = { readonly run: () => unknown; readonly resolve: (value: never) => void; readonly reject: (error: unknown) => void };

/**
 * One sync of the disk for each message would hold the relay at a few hundred a second. Everything that the sockets gave in one turn of the
 * event loop shares one; what comes meanwhile is in the next, so a turn is also what bounds the memory.
 */
export class WriteQueue {
  readonly #database: RelayDatabase;
  #waiting: Work[] = [];
  #isScheduled = false;

  constructor(database: RelayDatabase) {
    this.#database = database;
  }

  /** Resolves when what `run` wrote is durable. Nothing was written if it rejects. `run` may be called twice; the first was undone then. */
  run<T>(run: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ run, resolve, reject } as Work);
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      setImmediate(() => this.flush());
    });
  }

  flush(): void {
    this.#isScheduled = false;
    const batch = this.#waiting;
    this.#waiting = [];
    // On a full disk a send must not undo the acknowledgement beside it: that is what makes room again.
    if (batch.length > 0 && !this.#write(batch)) for (const work of batch) if (!this.#write([work])) work.reject(new Error('the write was refused'));
  }

  #write(batch: readonly Work[]): boolean {
    const results: unknown[] = [];
    try {
      this.#database.transaction(() => {
        for (const { run } of batch) results.push(run());
      });
    } catch {
      return false;
    }
    for (const [i, { resolve }] of batch.entries()) resolve(results[i] as never);
    return true;
  }
}
