/** Runs tasks of one key one after the other, those of different keys side by side. Keeps nothing of a key that is idle. @module */

export type SerialQueue = {
  run<T>(key: string, task: () => Promise<T>): Promise<T>;
  /** Resolves when every task that was queued before has ended. */
  idle(): Promise<void>;
};

export function serialQueue(): SerialQueue {
  const tails = new Map<string, Promise<unknown>>();
  return {
    run: (key, task) => {
      const result = (tails.get(key) ?? Promise.resolve()).then(task);
      const tail = result.then(noop, noop).then(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
      tails.set(key, tail);
      return result;
    },
    idle: async () => void (await Promise.all(tails.values())),
  };
}

/** A failure is its own caller's to see; the next task runs all the same. */
function noop(): void {}
