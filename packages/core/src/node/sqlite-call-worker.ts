/** The call store's thread. Loaded by `sqlite-call-store.ts` only. @module */
import { workerData } from 'node:worker_threads';
import { serveThread } from './serve-thread.ts';
import { CallDatabase, type CallDatabaseOptions, type CallRequest } from './sqlite-call-database.ts';

serveThread<CallRequest | { readonly op: 'close' }>(() => {
  const database = new CallDatabase(workerData as CallDatabaseOptions);
  return { answer: (request) => (request.op === 'close' ? database.close() : database.answer(request)) };
}, 'the database of served calls');
