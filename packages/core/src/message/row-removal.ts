/** Rows that are done with, taken off the store together: what is done while one transaction runs shares the next. @module */

/** Resolves when the rows are gone. @throws what the store throws; they are still there then, and are met again at the next start. */
export type RowRemoval = (ids: readonly string[]) => Promise<void>;

/** @param remove - Of the store: one transaction for all ids, idempotent. */
export function rowRemoval(remove: (ids: readonly string[]) => Promise<void>): RowRemoval {
  let running: Promise<void> = Promise.resolve();
  let waiting: { readonly ids: string[]; readonly done: Promise<void> } | undefined;
  const begin = (): { readonly ids: string[]; readonly done: Promise<void> } => {
    const ids: string[] = [];
    const done = running.then(() => {
      waiting = undefined;
      return remove(ids);
    });
    running = done.catch(() => undefined);
    return { ids, done };
  };
  return async (ids) => {
    if (ids.length === 0) return;
    waiting ??= begin();
    waiting.ids.push(...ids);
    await waiting.done;
  };
}
