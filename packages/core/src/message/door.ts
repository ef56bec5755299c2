/** Who takes messages of one kind, and what waits for the first of them: some of it in memory, the rest in the store alone. @module */
import type { InboxRow } from '../session/session-store.ts';

/** An agent that only sends has no handler, and anyone may write to it: what it holds for nobody is bounded by number and by bytes. */
export const maxIdleRows = 1024;
const maxIdleBytes = 8 * 1024 * 1024;

/** How a row came, for when it is read again. */
export type Arrived = { readonly redelivered: boolean; readonly recorded: Promise<void> };

export class Door<Handler> {
  readonly handlers = new Set<Handler>();
  /** By id, in order: rows that are in the store and not here. A name in place of a message of up to 1 MiB. */
  readonly left = new Map<string, Arrived>();
  #idleRows = 0;
  #idleBytes = 0;

  /** Whether a row may come in; if not it is left. Not before one that was left, so that messages stay in order. */
  admits(row: InboxRow, arrived: Arrived): boolean {
    const isIdle = this.handlers.size === 0;
    const hasRoom = this.#idleRows < maxIdleRows && this.#idleBytes + row.contents.length <= maxIdleBytes;
    if (this.left.size > 0 || (isIdle && !hasRoom)) {
      this.left.set(row.id, { ...arrived, redelivered: this.left.get(row.id)?.redelivered ?? arrived.redelivered });
      return false;
    }
    if (isIdle) this.#idleRows += 1;
    if (isIdle) this.#idleBytes += row.contents.length;
    return true;
  }

  /** What was idle is handed to the first handler. */
  open(handler: Handler): void {
    this.handlers.add(handler);
    this.#idleRows = 0;
    this.#idleBytes = 0;
  }

  /** Those of `rows` that were left, with how they came; none of `asked` is left then, since what is not there was finished elsewhere. */
  takeLeft(rows: readonly InboxRow[], asked: readonly string[]): readonly { readonly row: InboxRow; readonly arrived: Arrived }[] {
    const taken = rows.flatMap((row) => {
      const arrived = this.left.get(row.id);
      return arrived === undefined ? [] : [{ row, arrived }];
    });
    for (const id of [...asked, ...taken.map(({ row }) => row.id)]) this.left.delete(id);
    return taken;
  }
}
