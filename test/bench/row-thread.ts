/** A thread with one SQLite table: rows that were asked for together are one synced transaction. What a durable step costs at the least. @module */
import { DatabaseSync } from 'node:sqlite';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/** Resolves when the row is on the disk. What is asked while a transaction runs shares the next one. */
export type RowThread = { readonly keep: (row: Uint8Array) => Promise<void>; readonly close: () => Promise<void> };

export function openRowThread(path: string): RowThread {
  const worker = new Worker(new URL(import.meta.url), { workerData: path, execArgv: ['--disable-warning=ExperimentalWarning'] });
  let waiting: { readonly row: Uint8Array; readonly resolve: () => void }[] = [];
  let written: (() => void)[] = [];
  let isBusy = false;
  const flush = (): void => {
    if (isBusy || waiting.length === 0) return;
    isBusy = true;
    worker.postMessage(
      waiting.map(({ row }) => row),
      [],
    );
    written = waiting.map(({ resolve }) => resolve);
    waiting = [];
  };
  worker.on('message', () => {
    isBusy = false;
    for (const resolve of written) resolve();
    queueMicrotask(flush);
  });
  return {
    keep: (row) =>
      new Promise((resolve) => {
        waiting.push({ row, resolve });
        queueMicrotask(flush);
      }),
    close: async () => void (await worker.terminate()),
  };
}

function serve(path: string): void {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE kept (n INTEGER PRIMARY KEY, row BLOB NOT NULL) STRICT');
  const [begin, insert, commit] = ['BEGIN IMMEDIATE', 'INSERT INTO kept (row) VALUES (?)', 'COMMIT'].map((sql) => db.prepare(sql));
  parentPort?.on('message', (rows: readonly Uint8Array[]) => {
    begin?.run();
    for (const row of rows) insert?.run(row);
    commit?.run();
    parentPort?.postMessage(rows.length, []);
  });
}

if (!isMainThread) serve(workerData as string);
