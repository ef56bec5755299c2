/** A database in a worker thread, seen from within: opens it, then answers one request after the other. @module */
import { parentPort } from 'node:worker_threads';
import { TalosError } from '../errors/talos-error.ts';
import type { SentError, ThreadReply } from './database-thread.ts';
import { asStoreError } from './sqlite-audit-failure.ts';

export type ThreadService<Request> = {
  answer(request: Request): unknown;
  /** Runs after an answer was posted: nobody waits for it. */
  afterwards?(request: Request): void;
};

/** Called once, by a worker's own file. Does nothing on the main thread. */
export function serveThread<Request extends { readonly op: string }>(open: () => ThreadService<Request>, title: string): void {
  const port = parentPort;
  if (port === null) return;
  // A packed answer is handed over, not copied.
  const reply = (message: ThreadReply): void => port.postMessage(message, 'value' in message && message.value instanceof ArrayBuffer ? [message.value] : []);
  const failed = (number: number, error: unknown): void => reply({ number, error: sent(error, title) });
  let service: ThreadService<Request>;
  try {
    service = open();
  } catch (error) {
    failed(0, error);
    return;
  }
  port.on('message', ({ number, request }: { readonly number: number; readonly request: Request }) => {
    try {
      reply({ number, value: service.answer(request) });
    } catch (error) {
      failed(number, error);
    }
    if (request.op === 'close') port.close();
    else setImmediate(() => service.afterwards?.(request));
  });
  reply({ number: 0, value: undefined });
}

/** Reads reach here unmapped; writes were mapped where they failed. */
function sent(error: unknown, title: string): SentError {
  const known: TalosError = TalosError.isInstance(error) ? error : asStoreError(error, 'TALOS_STORE_READ_FAILED', title);
  const sqliteCode = (known.cause as { readonly errcode?: number } | undefined)?.errcode;
  return { code: known.code, message: known.message, retryable: known.retryable, sqliteCode };
}
