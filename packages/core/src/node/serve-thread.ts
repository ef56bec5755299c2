/** A database in a worker thread, seen from within: opens it, then answers requests in their order, together those that came together. @module */
import { parentPort } from 'node:worker_threads';
import { TalosError } from '../errors/talos-error.ts';
import type { SentError, ThreadMessage, ThreadReply } from './database-thread.ts';
import { asStoreError } from './sqlite-audit-failure.ts';

export type ThreadService<Request> = {
  answer(request: Request): unknown;
  /** Runs the answering of several requests, for whom one transaction around them saves something. If it throws, none of them was kept. */
  together?(requests: readonly Request[], answerAll: () => void): void;
  /** Runs after an answer was posted: nobody waits for it. */
  afterwards?(request: Request): void;
};

/** Called once, by a worker's own file. Does nothing on the main thread. */
export function serveThread<Request extends { readonly op: string }>(open: () => ThreadService<Request>, title: string): void {
  const port = parentPort;
  if (port === null) return;
  // A packed answer is handed over, not copied.
  const post = (replies: readonly ThreadReply[]): void =>
    port.postMessage(
      replies,
      replies.flatMap((reply) => ('value' in reply && reply.value instanceof ArrayBuffer ? [reply.value] : [])),
    );
  let service: ThreadService<Request>;
  try {
    service = open();
  } catch (error) {
    post([{ number: 0, error: sent(error, title) }]);
    return;
  }
  port.on('message', (asked: ThreadMessage<Request>) => {
    if (asked.length > 1 && service.together !== undefined) post(answerTogether(service, asked, title));
    // Each as soon as it is done: whoever waits for the first prepares the next meanwhile.
    else for (const one of asked) post([answerOne(service, one, title)]);
    if (asked.some(({ request }) => request.op === 'close')) port.close();
    else setImmediate(() => asked.forEach(({ request }) => service.afterwards?.(request)));
  });
  post([{ number: 0, value: undefined }]);
}

type Asked<Request> = ThreadMessage<Request>[number];

function answerOne<Request>(service: ThreadService<Request>, { number, request }: Asked<Request>, title: string): ThreadReply {
  try {
    return { number, value: service.answer(request) };
  } catch (error) {
    return { number, error: sent(error, title) };
  }
}

function answerTogether<Request>(service: ThreadService<Request>, asked: ThreadMessage<Request>, title: string): ThreadReply[] {
  let replies: ThreadReply[] = [];
  try {
    service.together?.(
      asked.map(({ request }) => request),
      () => {
        replies = asked.map((one) => answerOne(service, one, title));
      },
    );
    return replies;
  } catch (error) {
    return asked.map(({ number }) => ({ number, error: sent(error, title) }));
  }
}

/** Reads reach here unmapped; writes were mapped where they failed. */
function sent(error: unknown, title: string): SentError {
  const known: TalosError = TalosError.isInstance(error) ? error : asStoreError(error, 'TALOS_STORE_READ_FAILED', title);
  const sqliteCode = (known.cause as { readonly errcode?: number } | undefined)?.errcode;
  return { code: known.code, message: known.message, retryable: known.retryable, sqliteCode };
}
