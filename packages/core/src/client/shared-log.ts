import type { AuditLog } from '../audit/audit-log.ts';

export type OpenedLog = { readonly log: AuditLog; readonly close: () => Promise<void> };

/** One thing for every client of a home: opened by the first, closed by the last. */
export interface Shared<T> {
  acquire(): Promise<T>;
  /** Resolves when it is closed, if this was its last user. */
  release(): Promise<void>;
}

export type SharedLog = Shared<AuditLog>;

/** @param open - Gets the number of entries that the log before this one, if it stopped, took from nobody: the next one says so. */
export function shareLog(open: (lost: number) => Promise<OpenedLog>): SharedLog {
  let lost = 0;
  return share(async () => {
    const { log, close } = await open(lost);
    const closeAndCount = async (): Promise<void> => {
      await close();
      lost = log.lost;
    };
    return { value: log, close: closeAndCount };
  });
}

export function share<T>(open: () => Promise<{ readonly value: T; readonly close: () => Promise<void> }>): Shared<T> {
  let users = 0;
  let opened: ReturnType<typeof open> | undefined;
  // Closing takes a while; whoever comes then must wait for it, or two writers would meet.
  let closing: Promise<void> = Promise.resolve();
  return {
    async acquire() {
      users++;
      opened ??= closing.then(open);
      try {
        return (await opened).value;
      } catch (error) {
        users--;
        opened = undefined;
        throw error;
      }
    },
    async release() {
      if (--users > 0 || opened === undefined) return;
      const { close } = await opened;
      opened = undefined;
      closing = close();
      await closing;
    },
  };
}
