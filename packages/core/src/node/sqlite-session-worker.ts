/** The session store's thread. Loaded by `sqlite-session-store.ts` only. @module */
import { workerData } from 'node:worker_threads';
import { serveThread } from './serve-thread.ts';
import { SessionDatabase } from './sqlite-session-database.ts';
import { SessionFenceDatabase } from './sqlite-session-fence.ts';
import type { SessionDatabaseOptions, SessionRequest } from './sqlite-session-messages.ts';

serveThread<SessionRequest>(() => {
  const { path, fencePath } = workerData as SessionDatabaseOptions;
  const fence = new SessionFenceDatabase(fencePath);
  const database = new SessionDatabase(path);
  return { answer: (request) => answer({ database, fence }, request) };
}, 'the session database');

type Databases = { readonly database: SessionDatabase; readonly fence: SessionFenceDatabase };

function answer({ database, fence }: Databases, request: SessionRequest): unknown {
  switch (request.op) {
    case 'close':
      database.close();
      return fence.close();
    case 'sweepFence':
      return fence.sweep(request);
    case 'readFence':
      return fence.read(request);
    case 'raiseFence':
      return fence.raise(request);
    case 'commit':
      return database.commit(request);
    case 'addPrekeys':
      return database.addPrekeys(request);
    case 'prekeys':
      return database.prekeys(request);
    case 'prekey':
      return database.prekey(request);
    case 'removePrekeys':
      return database.removePrekeys(request);
    default:
      return answerRows(database, request);
  }
}

type RowRequest = Extract<
  SessionRequest,
  { op: 'load' | 'sessionsWith' | 'opened' | 'outbox' | 'inbox' | 'kept' | 'removeOutbox' | 'removeInbox' | 'removeKeptBefore' | 'removeSession' }
>;

function answerRows(database: SessionDatabase, request: RowRequest): unknown {
  switch (request.op) {
    case 'load':
      return database.load(request);
    case 'sessionsWith':
      return database.sessionsWith(request);
    case 'opened':
      return database.opened(request);
    case 'outbox':
      return database.outbox(request);
    case 'inbox':
      return database.inbox(request);
    case 'kept':
      return database.kept(request);
    case 'removeOutbox':
      return database.removeOutbox(request);
    case 'removeInbox':
      return database.removeInbox(request);
    case 'removeKeptBefore':
      return database.removeKeptBefore(request);
    case 'removeSession':
      return database.removeSession(request);
  }
}
