/** The session store's thread. Loaded by `sqlite-session-store.ts` only. @module */
import { workerData } from 'node:worker_threads';
import { serveThread } from './serve-thread.ts';
import { SessionDatabase } from './sqlite-session-database.ts';
import { SessionFenceDatabase } from './sqlite-session-fence.ts';
import type { CommittedVersion, SessionDatabaseOptions, SessionRequest } from './sqlite-session-messages.ts';

serveThread<SessionRequest>(() => {
  const { path, fencePath } = workerData as SessionDatabaseOptions;
  const fence = new SessionFenceDatabase(fencePath);
  const parts: Parts = { database: new SessionDatabase(path), fence, raises: [] };
  let isGrouped = false;
  return {
    answer: (request) => {
      const value = answer(parts, request);
      if (!isGrouped) raiseAll(parts);
      return value;
    },
    together: (requests, answerAll) => {
      // A group of its own for what is synced: other requests change nothing, or little.
      isGrouped = requests.some(({ op }) => op === 'commit') && !requests.some(({ op }) => op === 'close');
      if (!isGrouped) return answerAll();
      try {
        parts.database.together(answerAll);
        raiseAll(parts);
      } finally {
        isGrouped = false;
        parts.raises = [];
      }
    },
  };
}, 'the session database');

type Raise = { readonly place: { readonly agent: string; readonly sessionId: string }; readonly committed: CommittedVersion };
type Parts = { readonly database: SessionDatabase; readonly fence: SessionFenceDatabase; raises: Raise[] };

/** After the commit is durable. One that could not be raised is asked for again, and says then why. */
function raiseAll(parts: Parts): void {
  const { raises, fence } = parts;
  parts.raises = [];
  for (const { place, committed } of raises) {
    try {
      fence.raise({ ...place, version: committed.version });
      committed.isFenced = true;
    } catch {
      return;
    }
  }
}

function commit({ database, raises }: Parts, request: Extract<SessionRequest, { readonly op: 'commit' }>): CommittedVersion {
  const committed: CommittedVersion = { version: database.commit(request), isFenced: false };
  const { agent, sessionId } = request;
  if (request.raises) raises.push({ place: { agent, sessionId }, committed });
  return committed;
}

function answer(parts: Parts, request: SessionRequest): unknown {
  const { database, fence } = parts;
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
      return commit(parts, request);
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
